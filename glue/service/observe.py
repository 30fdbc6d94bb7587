"""What a batch leaves in the metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from confluent_kafka import KafkaException

from glue.errors import Transient
from glue.service.decode import DECODER
from glue.service.histogram import add, add_ages
from glue.service.metrics import Metrics
from glue.service.process import Produced, Result
from glue.transforms.chain import Chain, Failure
from glue.transforms.validate import Validate

_TIMEOUT = 5.0
_CHECKS = (DECODER, f"{Validate.__module__}:{Validate.__qualname__}")
_REDACTED, _DEGRADED = "millionx.redacted", "millionx.degraded"


def observe_results(metrics: Metrics, messages: Sequence[Any], results: Sequence[Result]) -> None:
    """Count what was committed."""
    counts: Counter[tuple[str, str]] = Counter()
    times: list[int] = []
    refused = undecided = 0
    for result in results:
        if type(result) is Produced:
            counts["produced", result.topic] += 1
            if result.timestamp:
                times.append(result.timestamp)
            for name, value in result.headers:
                _count_header(counts, name, value)
        elif isinstance(result, Failure):
            counts["dead", type(result.error).__qualname__] += 1
            if result.class_name in _CHECKS:
                if isinstance(result.error, Transient):
                    undecided += 1  # the registry was down for longer than a record may wait
                else:
                    refused += 1
        else:
            counts["dropped", ""] += 1
    counts.update(("consumed", message.topic()) for message in messages)
    for (what, label), count in counts.items():
        if what == "dropped":
            metrics.dropped.inc(count)
        else:
            getattr(metrics, what).labels(metrics.chain, label).inc(count)
    metrics.batch.observe(len(messages))
    metrics.invalid.inc(refused)
    metrics.valid.inc(len(results) - refused - undecided)
    add_ages(metrics.end_to_end, times, int(time.time() * 1000))


@runtime_checkable
class Embeds(Protocol):
    """A transform that tells what it embedded: runtime, posts, seconds for all of them."""

    on_embedded: Callable[[str, int, float], None]


def observe_embedding(metrics: Metrics, chain: Chain) -> None:
    """Let the embedding transforms of ``chain`` tell their times."""

    def on_embedded(variant: str, posts: int, seconds: float) -> None:
        add(metrics.embedding.labels(metrics.chain, variant), seconds / posts, posts)

    for step in chain.steps:
        if isinstance(step.transform, Embeds):
            step.transform.on_embedded = on_embedded


def _count_header(counts: Counter[tuple[str, str]], name: str, value: bytes | None) -> None:
    if name == _REDACTED and value:
        for part in value.decode("utf-8", "replace").split(";"):
            entity, _, number = part.partition("=")
            counts["redacted", entity] += int(number) if number.isdigit() else 0
    elif name == _DEGRADED and value:
        counts["degraded", value.decode("utf-8", "replace")] += 1


def observe_lag(metrics: Metrics, consumer: Any) -> None:
    """Records between the position and the end, by topic, as far as the client knows them."""
    lag: Counter[str] = Counter(dict.fromkeys(metrics.topics, 0))
    try:
        positions = consumer.position(consumer.assignment())
        unread = [p for p in positions if p.offset < 0]  # nothing was read yet: the group's offset is the position
        if unread:
            positions = [p for p in positions if p.offset >= 0] + consumer.committed(unread, _TIMEOUT)
        for partition in positions:
            low, high = consumer.get_watermark_offsets(partition, cached=True)
            if high >= 0:
                lag[partition.topic] += max(0, high - max(partition.offset, low))
    except KafkaException:
        return
    for topic, records in lag.items():
        metrics.lag.labels(metrics.chain, topic).set(records)
