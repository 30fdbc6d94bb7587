"""The whole way of a record through the declared pipeline, stage by stage: source topic → … → store."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from bench_storage_clock import Clock, NewRows, pace, percentiles, processor, tasks
from bench_storage_rows import Row, source_order, source_post, weather

from glue.audit.stores import open_targets
from glue.avro import encoder_for_subject
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.tail import TopicTail
from glue.pipeline.routes import Pipeline
from glue.registry import registry_client
from glue.settings import Settings
from glue.stores.snowflake.client import SnowflakeClient
from glue.topology.load import load

WAYS = {"posts": "tiktok", "orders": "shopify", "weather": "weather"}  # kind -> source whose first route is measured
PATIENCE = 120.0
PAGE_S = 0.1  # of records that are sent at once, as a source sends those of a vendor's page


class Stages:
    """Seconds from the sending of each key to its first sight on each topic."""

    def __init__(self, kafka: KafkaConfig, topics: tuple[str, ...]) -> None:
        self.seen: dict[str, dict[str, float]] = {topic: {} for topic in topics}
        self._tail = TopicTail(kafka, topics)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.is_set():
            for message in self._tail.new():
                self.seen[message.topic() or ""].setdefault((message.key() or b"").decode(), time.monotonic())

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()
        self._tail.__exit__(None, None, None)


@contextmanager
def _staged(kafka: KafkaConfig, topics: tuple[str, ...]) -> Iterator[Stages]:
    stages = Stages(kafka, topics)
    try:
        yield stages
    finally:
        stages.stop()


def path(kind: str, settings: Settings, count: int, per_second: float) -> dict[str, Any]:
    """Send ``count`` records of a kind and follow them; P50 and P95 of each stage and of the whole, in seconds."""
    routes = Pipeline.of(load(settings)).routes
    route = next(one for one in routes if one.source and one.source.name == WAYS[kind])
    source, *between = route.topics
    run, load_before = uuid4().hex[:10], os.getloadavg()[0]
    with registry_client(settings) as registry:
        encode = encoder_for_subject(registry, f"{source}-value")
    producer = KafkaConfig.of(settings).producer()
    made: Callable[[int, str, str], Row] = {
        "posts": lambda n, r, _: source_post(n, r),
        "orders": lambda n, r, _: source_order(n, r),
        "weather": weather,
    }[kind]
    sent: dict[str, float] = {}
    with ExitStack() as opened:
        (store,) = opened.enter_context(open_targets(settings, [route.target]))
        store.count(["none"])  # logs in now, so that no record's latency holds the time of it
        stages = opened.enter_context(_staged(KafkaConfig.of(settings), (source, *between)))
        client = opened.enter_context(SnowflakeClient(settings))
        rows = NewRows(client, route.target.place) if route.target.store == "snowflake" else None
        clock = Clock(store.count) if rows is None else Clock(rows, rows.ask_s)

        def send(number: int) -> None:
            key = record_key("bench", run, number)
            value = encode(made(number, run, key))
            sent[key] = time.monotonic()
            clock.sent(key)
            producer.produce(source, value, key)
            producer.poll(0)

        began, spent, (ran, waited) = time.monotonic(), processor(), tasks()
        pace(count, per_second, send, max(1, int(per_second * PAGE_S)))
        producer.flush(60)
        lost = clock.wait(PATIENCE)
        took = max(clock.last - began, 1e-6)
        ran, waited = tasks()[0] - ran, tasks()[1] - waited
        cpu = {part: round((now - spent[part]) / count * 1e6) for part, now in processor().items()}
    before: dict[str, float] = sent
    stage_times: dict[str, dict[str, float]] = {}
    for topic in (source, *between):
        seen = stages.seen[topic]
        stage_times[f"to {topic}"] = percentiles(seen[key] - before[key] for key in before if key in seen)
        before = {key: seen[key] for key in before if key in seen}
    arrived = {key: sent[key] + seconds for key, seconds in clock.taken.items()}
    taken = percentiles(arrived[key] - before[key] for key in before if key in arrived)
    stage_times[f"to {route.target.label}"] = taken
    return {
        "records": count,
        "lost": lost,
        "load": [round(load_before, 1), round(os.getloadavg()[0], 1)],
        "per_second": round((count - lost) / took),
        "us_cpu": cpu,
        "us_of_tasks": {"ran": round(ran / count * 1e6), "waited for a core": round(waited / count * 1e6)},
        "whole": percentiles(clock.taken.values()),
        "stages": stage_times,
    }
