"""Parts of the benchmark that need no broker, only a registry: codecs, scrubbing, embedding, as ratios in one run."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from bench_glue_load import made_posts
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from glue.avro import Decoder, Encoder, load_schema
from glue.clients.registry import registry_client
from glue.embedding import open_embedder
from glue.settings import get_settings
from glue.transforms import pii

_ROUNDS = 5
NAIVE = (
    re.compile(r"(?:\+?88)?[\s.-]*0[\s.-]*1[\s.-]*[3-9](?:[\s.-]*[0-9০-৯]){8}"),
    re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),
    re.compile(r"(?:NID|nid|এনআইডি)[^0-9০-৯]*[0-9০-৯]{10,17}"),
)


def median(*works: Callable[[], Any]) -> list[float]:
    """Median seconds of each work, taken in turns so that a noisy moment hits all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(_ROUNDS):
        for place, work in enumerate(works):
            started = time.process_time()
            work()
            times[place].append(time.process_time() - started)
    return [statistics.median(each) for each in times]


def codecs() -> dict[str, float]:
    """fastavro called directly against Confluent's serializers."""
    schema = load_schema(get_settings().schemas_dir / "social_post.avsc")
    registry = registry_client(get_settings().registry)
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
    return {"serialize": slow / fast, "deserialize": slow_read / fast_read}


def scrubbing() -> dict[str, float]:
    """Ours against regular expressions without gate and bounds, on posts and on a hostile text."""
    texts = [post["content"] for post in made_posts(3000)]
    hostile = "a" * 20_000

    def naive(text: str) -> str:
        for pattern in NAIVE:
            text = pattern.sub("[X]", text)
        return text

    slow, fast, slow_hostile, fast_hostile = median(
        lambda: [naive(text) for text in texts],
        lambda: [pii.find(text) for text in texts],
        lambda: naive(hostile),
        lambda: pii.find(hostile),
    )
    return {"posts": slow / fast, "hostile 20 kB": slow_hostile / fast_hostile}


def embedding() -> dict[str, float]:
    """Posts a second, what the cache adds, and sentence-transformers where it is installed."""
    texts = [post["content"] for post in made_posts(160)]
    plain, cached = open_embedder(cache_size=0), open_embedder()
    cached.embed(texts)

    def wall(work: Callable[[], Any]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    seconds = statistics.median(wall(lambda: plain.embed(texts)) for _ in range(3))
    again = statistics.median(wall(lambda: cached.embed(texts)) for _ in range(3))
    one = statistics.median(wall(lambda text=text: plain.embed([text])) for text in texts[:60])
    figures = {"posts/s": len(texts) / seconds, "one post ms (P50)": one * 1000, "cache on repeats": seconds / again}
    try:
        torch = open_embedder("torch", cache_size=0)
    except Exception:
        return figures
    theirs = statistics.median(wall(lambda: torch.embed(texts)) for _ in range(3))
    theirs_one = statistics.median(wall(lambda text=text: torch.embed([text])) for text in texts[:60])
    return figures | {"throughput / sentence-transformers": theirs / seconds, "P50 ratio": theirs_one / one}


def parts_table() -> dict[str, dict[str, float]]:
    """All parts; printed as they come."""
    table = {}
    for name, part in (("fastavro / Confluent", codecs), ("scrub / naive", scrubbing), ("embedding", embedding)):
        table[name] = part()
        print(name + ": " + ", ".join(f"{key} {value:.2f}" for key, value in table[name].items()))
    return table
