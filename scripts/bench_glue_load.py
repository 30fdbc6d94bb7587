"""Topics, schemas and records for the benchmark of the glue service."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from confluent_kafka.admin import NewTopic
from confluent_kafka.schema_registry import Schema

from glue.avro import Encoder, load_schema
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import get_settings

TEXT = """এই জামাটার দাম কত ভাই juta ta khub valo delivery dhaka price koto nice
 product inbox করুন অফার আজকে size 42"""
WORDS = TEXT.split()
_DIFFERENT = 20_000


def made_posts(count: int, seed: int = 1, longer: int = 1) -> list[dict[str, Any]]:
    """Posts of 5 to 40 words, or so many times as many; one in ten holds a phone or a mail."""
    chance, now = random.Random(seed), datetime.now(UTC)  # noqa: S311 - made data
    posts = []
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=longer * chance.randrange(5, 40)))
        if number % 10 == 0:
            text += chance.choice((" call 01712345678", " mail a.b@example.com"))
        posts.append(
            {
                "post_id": str(number),
                "platform": "tiktok",
                "content": text,
                "author_username": f"user{chance.randrange(20_000)}",
                "url": "https://example.invalid/1",
                "hashtags": ["daraz", "dhaka"],
                "product_mentions": ["shoes"],
                "product_ids": [],
                "likes": number,
                "comments": 1,
                "shares": 0,
                "engagement_count": number + 1,
                "posted_at": now,
                "collected_at": now,
            }
        )
    return posts


def subjects() -> dict[str, str]:
    """Names of fresh topics, the schemas of their values registered; ``{"source": …, "output": …, "dead": …}``."""
    name = uuid4().hex[:8]
    topics = {part: f"bench.{name}.{part}" for part in ("source", "output", "dead")}
    registry = registry_client(get_settings())
    for part, file in (("source", "social_post.avsc"), ("output", "enriched_post.avsc")):
        schema = load_schema(get_settings().schemas_dir / file)
        registry.register_schema(f"{topics[part]}-value", Schema(json.dumps(schema), "AVRO"))
    return topics


def encoded(records: int, longer: int = 1) -> Iterator[tuple[int, bytes]]:
    """Number and value of so many posts; after 20,000 they come again."""
    settings = get_settings()
    schema = load_schema(settings.schemas_dir / "social_post.avsc")
    subject = f"bench.{uuid4().hex[:8]}-value"
    encode = Encoder(schema, registry_client(settings).register_schema(subject, Schema(json.dumps(schema), "AVRO")))
    values = [encode(post) for post in made_posts(min(records, _DIFFERENT // longer), longer=longer)]
    for number in range(records):
        yield number, values[number % len(values)]


def fresh_topics(partitions: int = 6) -> dict[str, str]:
    """As ``subjects``, with the topics themselves."""
    topics = subjects()
    admin = KafkaConfig.of(get_settings()).admin()
    for future in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics.values()]).values():
        future.result(30)
    return topics


def prepare(records: int, longer: int = 1) -> dict[str, str]:
    """Fresh topics with ``records`` posts in the source; see ``made_posts``."""
    topics = fresh_topics()
    fill(topics, [value for _, value in encoded(min(records, _DIFFERENT), longer)], records)
    return topics


def fill(topics: dict[str, str], values: list[bytes], records: int) -> None:
    """Send so many to the source, the values again and again."""
    producer = KafkaConfig.of(get_settings()).producer()
    for number in range(records):
        while True:
            try:
                producer.produce(topics["source"], values[number % len(values)], record_key("bench", number))
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120):
        raise SystemExit("the load did not reach the broker")
