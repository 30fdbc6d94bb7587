"""Records on the declared sink topics, and what became of them: stored, doubled, dead or lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from glue.avro import Encoder, encoder_for_subject
from glue.errors import MillionXError
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import read_topics
from glue.registry import registry_client
from glue.settings import Settings
from glue.stores.weaviate.client import WeaviateStoreClient
from tests.sandbox.snowflake.rows import order
from tests.stores import snowflake, target

ORDERS, VECTORS = "sink.snowflake.orders", "sink.weaviate.vectors"
DEAD = ("dead-letters-market", "dead-letters-social")
DIMENSIONS = 384
PATIENCE = 240  # seconds without a new record


@dataclass(frozen=True)
class Outcome:
    """Records sent and where they are; ``lost`` are neither stored nor dead, ``doubled`` are rows too many."""

    sent: int
    stored: int
    dead: int
    lost: int
    doubled: int


def post(number: int, run: str, length: int = DIMENSIONS, **changed: Any) -> dict[str, Any]:
    """The n-th post of a run as it lies on the sink topic."""
    chance = random.Random(number)
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        **{"post_id": f"{run}-{number}", "platform": "tiktok", "content": f"জুতা কিনলাম {number}", "language": "bn"},
        **{"likes": number, "comments": 0, "shares": 0, "engagement": number, "author_username_hash": run},
        **{"hashtags": ["shoes"], "product_mentions": [], "timestamp": moment, "collected_at": moment},
        **{"words": "b:juta shoe", "embedding_models": ["e5@0123456789ab"], "embedding_variant": "test"},
        "vectors": {name: [chance.uniform(-1, 1) for _ in range(length)] for name in ("e5", "minilm")},
        **changed,
    }


class Records:
    """A run of records under keys of its own; ``sent`` are their keys by topic."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.run = settings, f"run{uuid4().hex[:8]}"
        self.sent: dict[str, list[str]] = {ORDERS: [], VECTORS: []}
        with registry_client(settings) as registry:
            self._encode: dict[str, Encoder] = {
                topic: encoder_for_subject(registry, f"{topic}-value") for topic in self.sent
            }
        self._producer = KafkaConfig.of(settings).producer()

    def orders(self, numbers: Iterable[int]) -> None:
        """Send orders."""
        for number in numbers:
            row = order(number, self.run)
            self.send(ORDERS, row["record_key"], row)

    def posts(self, numbers: Iterable[int]) -> None:
        """Send posts."""
        for number in numbers:
            self.send(VECTORS, self.post_key(number), post(number, self.run))

    def post_key(self, number: int) -> str:
        return record_key("test-post", self.run, number)

    def send(self, topic: str, key: str, value: dict[str, Any] | None) -> None:
        """Produce one record, None for a tombstone."""
        data = None if value is None else self._encode[topic](value)
        while True:
            try:
                self._producer.produce(topic, data, key)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self.sent[topic].append(key)

    def flush(self) -> None:
        assert self._producer.flush(120) == 0

    def rows(self) -> tuple[int, int]:
        """Rows of this run in ORDERS, and how many keys they have."""
        sql = "select count(*), count(distinct RECORD_KEY) from ORDERS where ORDER_ID like %s"
        with snowflake(self.settings) as warehouse:
            ((rows, keys),) = warehouse.query(sql, [f"{self.run}-%"]).rows
        return int(rows), int(keys)

    def objects(self) -> set[str]:
        """Keys of this run's posts that have an object."""
        with WeaviateStoreClient(self.settings) as weaviate:
            return set(weaviate.count(target("socialpost"), self.sent[VECTORS]))

    def letters(self) -> dict[str, dict[str, str]]:
        """Dead letters of this run: their headers by key."""
        mine = {key for keys in self.sent.values() for key in keys}
        found = {}
        for _, message in read_topics(KafkaConfig.of(self.settings), DEAD):
            key = (message.key() or b"").decode()
            if key in mine:
                headers = message.headers() or []
                found[key] = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
        return found

    def settled(self) -> dict[str, Outcome]:
        """Wait until everything sent is stored or dead, or nothing moves any more; what became of it, by topic."""
        orders, posts = (set(self.sent[topic]) for topic in (ORDERS, VECTORS))

        def left() -> int:
            return len(orders) + len(posts) - self.rows()[1] - len(self.objects()) - len(self.letters())

        patiently(left)
        time.sleep(5)  # a double would come after
        rows, keys = self.rows()
        objects, dead = self.objects(), set(self.letters())
        return {
            ORDERS: Outcome(
                len(orders), keys, len(dead & orders), len(orders) - keys - len(dead & orders), rows - keys
            ),
            VECTORS: Outcome(len(posts), len(objects), len(dead & posts), len(posts - objects - dead), 0),
        }


def patiently(left: Callable[[], int]) -> None:
    """Ask until nothing is left, or until it has not become less for long; what is away meanwhile is asked again."""
    best, moved = None, time.monotonic()
    while time.monotonic() - moved < PATIENCE:
        try:
            now = left()
        except MillionXError:
            time.sleep(1)
            continue
        if now <= 0:
            return
        if best is None or now < best:
            best, moved = now, time.monotonic()
        time.sleep(1)
