"""What needs no broker: codecs, scrubbing, and where the time of a record goes."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from bench_glue_load import made_posts
from bench_report import Row
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from pii_set import HOSTILE, repeated

from glue.avro import Decoder, Encoder, load_schema
from glue.privacy import recognisers
from glue.registry import registry_client
from glue.settings import get_settings

_ROUNDS = 5
NAIVE = (
    re.compile(r"(?:\+?88)?[\s.-]*0[\s.-]*1[\s.-]*[3-9](?:[\s.-]*[0-9০-৯]){8}"),
    re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),
    re.compile(r"(?:NID|nid|এনআইডি)[^0-9০-৯]*[0-9০-৯]{10,17}"),
)
_LONG = 100_000


def median(*works: Callable[[], Any]) -> list[float]:
    """Median seconds of each work, taken in turns so that a noisy moment hits all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(_ROUNDS):
        for place, work in enumerate(works):
            started = time.process_time()
            work()
            times[place].append(time.process_time() - started)
    return [statistics.median(each) for each in times]


def codecs() -> list[Row]:
    """fastavro called directly against Confluent's serializers."""
    schema = load_schema(get_settings().schemas_dir / "social_post.avsc")
    registry = registry_client(get_settings())
    subject = f"bench.{uuid4().hex[:8]}"
    context = SerializationContext(subject, MessageField.VALUE)
    text = json.dumps(schema)
    registry.register_schema(f"{subject}-value", Schema(text, "AVRO"))
    theirs = AvroSerializer(registry, text, conf={"auto.register.schemas": False, "use.latest.version": True})
    parse = AvroDeserializer(registry)
    posts = made_posts(3000)
    data = [theirs(post, context) for post in posts]
    ours = Encoder(schema, int.from_bytes(data[0][1:5], "big"))
    decode = Decoder(registry)
    slow, fast, slow_read, fast_read = median(
        lambda: [theirs(post, context) for post in posts],
        lambda: [ours(post) for post in posts],
        lambda: [parse(each, context) for each in data],
        lambda: [decode(each) for each in data],
    )
    return [
        Row("codecs", "serialize: fastavro / Confluent's serializer", slow / fast),
        Row("codecs", "deserialize: fastavro / Confluent's deserializer", slow_read / fast_read),
    ]


def scrubbing() -> list[Row]:
    """Ours against regular expressions without gate and bounds, on posts and on hostile texts."""
    texts = [post["content"] for post in made_posts(3000)]
    hostile = "a" * 20_000
    long = [repeated((piece,), _LONG) for piece in HOSTILE]

    def naive(text: str) -> str:
        for pattern in NAIVE:
            text = pattern.sub("[X]", text)
        return text

    slow, fast, slow_hostile, fast_hostile = median(
        lambda: [naive(text) for text in texts],
        lambda: [recognisers.find(text) for text in texts],
        lambda: naive(hostile),
        lambda: recognisers.find(hostile),
    )
    worst = max(median(*(lambda text=text: recognisers.find(text) for text in long)))  # type: ignore[misc]
    return [
        Row("scrub", "posts: ours / naive regexes", slow / fast),
        Row("scrub", "one hostile text of 20 kB: ours / naive regexes", slow_hostile / max(fast_hostile, 1e-6)),
        Row("scrub", f"hostile text of 100 kB, the worst of {len(long)}", worst * 1000, "ms", 10.0, at_most=True),
    ]


def shares(records: int = 20_000) -> list[Row]:
    """Microseconds a record of each step of the loop, in chunks as the service works."""
    from bench_glue_contender import steps

    spent: dict[str, float] = {}
    for name, seconds in steps(records):
        spent[name] = spent.get(name, 0.0) + seconds
    return [Row("where the time goes", name, seconds / records * 1e6, "us/record") for name, seconds in spent.items()]
