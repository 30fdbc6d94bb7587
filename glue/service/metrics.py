"""Metrics of the service, in Prometheus' words. Updated once a batch, never once a record."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import accumulate
from typing import Any, Protocol, runtime_checkable

from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from glue.avro_codec import in_use
from glue.deadletters.headers import last
from glue.errors import DataError, Transient
from glue.identity import MERCHANT_HEADER
from glue.service.decode import DECODER
from glue.service.process import Forgotten, Produced, Result
from glue.transforms.chain import Chain, Failure
from glue.transforms.validate import Validate

_SIZES = (1, 10, 50, 100, 250, 500, 1000, 2000, 5000, 10000)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_EMBEDDING = (0.0001, 0.001, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1)
_AGES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0, 3600.0)
_LE = (*map(str, _AGES), "+Inf")
_AGES_COUNTED, _AGES_SUM = "millionx_glue_ages_counted", "millionx_glue_ages_sum"
_CHECKS = (DECODER, f"{Validate.__module__}:{Validate.__qualname__}")
_REDACTED, _DEGRADED = "millionx.redacted", "millionx.degraded"
_OTHER = "other"  # a merchant that no source declares: labels stay few
_TIMEOUT = 5.0


@runtime_checkable
class Embeds(Protocol):
    """A transform that reports what it embedded: runtime, posts, seconds for all of them."""

    on_embedded: Callable[[str, int, float], None]


class Metrics:
    """The metrics of one worker; every name starts with ``millionx_glue_`` and carries the chain.

    Attributes:
        registry: what ``/metrics`` shows of this process.

    Args:
        merchants: those whose records are counted by name; all others together are ``other``.
    """

    def __init__(self, chain: str, topics: list[str], merchants: Collection[str] = ()) -> None:
        own, self.registry = CollectorRegistry(), CollectorRegistry()
        self.registry.register(WithAges(own))

        def counter(name: str, text: str, *labels: str) -> Counter:
            made = Counter(f"millionx_glue_{name}", text, ["chain", *labels], registry=own)
            return made if labels else made.labels(chain)

        def histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
            made = Histogram(f"millionx_glue_{name}", text, ["chain", *labels], buckets=buckets, registry=own)
            return made if labels else made.labels(chain)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            made = Gauge(f"millionx_glue_{name}", text, ["chain", *labels], registry=own, multiprocess_mode="livesum")
            return made if labels else made.labels(chain)

        self.consumed = counter("consumed", "Records read.", "topic")
        self.produced = counter("produced", "Records written.", "topic")
        self.dropped = counter("dropped", "Records that a transform dropped on purpose.")
        self.forgotten = counter("forgotten", "Records dropped because their person or shop asked to be forgotten.")
        self.dead = counter("dead_letters", "Records sent to the dead-letter topic.", "reason")
        self.valid = counter("valid", "Records that passed decoding and validation, whatever happened to them later.")
        self.invalid = counter("invalid", "Records that could not be decoded, or broke a constraint of their schema.")
        self.merchants = counter(
            "merchant_records",
            "Records of a merchant that sources declare (else other), by result: produced or dead_letter.",
            "merchant",
            "result",
        )
        self.retries = counter("retries", "Rounds of retrying transient errors.")
        self.aborts = counter("transaction_aborts", "Transactions that were aborted and retried.")
        self.restarts = counter("client_restarts", "Times that stuck Kafka clients were replaced.")
        self.redacted = counter("redacted", "Pieces of personal data removed from texts.", "entity")
        self.degraded = counter(
            "degraded", "Records processed while an optional dependency was unavailable.", "transform"
        )
        self.batch = histogram("batch_records", "Records in a transaction.", _SIZES)
        seconds = histogram("batch_seconds", "Time of a part of a transaction.", _SECONDS, "part")
        self.process_seconds, self.commit_seconds = seconds.labels(chain, "process"), seconds.labels(chain, "commit")
        self.embedding = histogram(
            "embedding_seconds",
            "Seconds to embed one post: the time of a call divided by its posts, cached posts included.",
            _EMBEDDING,
            "variant",
        )
        ages = Counter(_AGES_COUNTED, "See WithAges.", ["chain", "le"], registry=own)
        self._ages = [ages.labels(chain, le) for le in _LE]
        self._ages_sum = Counter(_AGES_SUM, "See WithAges.", ["chain"], registry=own).labels(chain)
        self.lag = gauge("lag_records", "Records not yet read.", "topic")
        self.held = gauge("held", "Workers that wait for an unavailable service.")
        gauge("workers", "Workers, by what reads and writes Avro for them: native or fastavro.", "avro").labels(
            chain, in_use()
        ).set(1)
        self.chain, self.topics, self._known = chain, topics, frozenset(merchants)
        # Start common labels at 0, so that rate() sees the first increment.
        for topic in topics:
            self.consumed.labels(chain, topic)
        self.dead.labels(chain, DataError.__qualname__)

    def observe_results(self, messages: Sequence[Any], results: Sequence[Result]) -> None:
        """Count what was committed."""
        produced, dead, redacted, degraded = Counts[str](), Counts[str](), Counts[str](), Counts[str]()
        merchants = Counts[tuple[str, str]]()
        times: list[int] = []
        refused = undecided = forgotten = 0
        for message, result in zip(messages, results, strict=True):
            if type(result) is Produced:
                produced[result.topic] += 1
                if result.timestamp:
                    times.append(result.timestamp)
                for name, value in result.headers:
                    if name == _REDACTED and value:
                        _add_redacted(redacted, value.decode("utf-8", "replace"))
                    elif name == _DEGRADED and value:
                        degraded[value.decode("utf-8", "replace")] += 1
                    elif name == MERCHANT_HEADER and value:
                        merchants[self._merchant(value.decode("utf-8", "replace")), "produced"] += 1
            elif type(result) is Forgotten:
                forgotten += 1
            elif isinstance(result, Failure):
                dead[type(result.error).__qualname__] += 1
                if merchant := last(message.headers(), MERCHANT_HEADER):
                    merchants[self._merchant(merchant), "dead_letter"] += 1
                if result.class_name in _CHECKS:
                    if isinstance(result.error, Transient):
                        undecided += 1  # the registry was down for longer than a record may wait
                    else:
                        refused += 1
        consumed = Counts[str](message.topic() for message in messages)
        for metric, counts in (
            (self.consumed, consumed),
            (self.produced, produced),
            (self.dead, dead),
            (self.redacted, redacted),
            (self.degraded, degraded),
        ):
            for label, count in counts.items():
                metric.labels(self.chain, label).inc(count)
        for (merchant, outcome), count in merchants.items():
            self.merchants.labels(self.chain, merchant, outcome).inc(count)
        self.forgotten.inc(forgotten)
        self.dropped.inc(len(results) - produced.total() - dead.total() - forgotten)
        self.batch.observe(len(messages))
        self.invalid.inc(refused)
        self.valid.inc(len(results) - refused - undecided)
        self.observe_ages(times, int(time.time() * 1000))

    def _merchant(self, name: str) -> str:
        return name if name in self._known else _OTHER

    def observe_ages(self, stamps: Sequence[int], now: int) -> None:
        """Count, in seconds, how long before ``now`` each of ``stamps`` is (milliseconds); a future one is 0 old."""
        if not stamps:
            return
        ordered = sorted(stamps) if max(stamps) <= now else sorted(min(stamp, now) for stamp in stamps)
        counted = 0
        for bound, bucket in zip((*_AGES, float("inf")), self._ages, strict=True):
            within = len(ordered) - bisect_left(ordered, now - bound * 1000)
            if within > counted:
                bucket.inc(within - counted)
                counted = within
            if counted == len(ordered):
                break
        self._ages_sum.inc((len(ordered) * now - sum(ordered)) / 1000)

    def observe_embedding(self, chain: Chain) -> None:
        """Let the embedding transforms of ``chain`` report their times."""

        def on_embedded(variant: str, posts: int, seconds: float) -> None:
            metric = self.embedding.labels(self.chain, variant)
            for _ in range(posts):  # a microsecond beside the milliseconds that a post takes
                metric.observe(seconds / posts)

        for step in chain.steps:
            if isinstance(step.transform, Embeds):
                step.transform.on_embedded = on_embedded

    def observe_lag(self, consumer: Any) -> None:
        """Records between the position and the end, by topic, as far as the client knows them."""
        lag = Counts[str](dict.fromkeys(self.topics, 0))
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
            self.lag.labels(self.chain, topic).set(records)


class WithAges(Collector):
    """What ``source`` collects, with ``millionx_glue_end_to_end_seconds`` made of the counters that stand for it.

    prometheus_client's Histogram takes one observation a call. A batch has thousands of ages, so each bucket is a
    counter, increased once a batch; as counters add up over processes, this works for several workers too.
    """

    def __init__(self, source: CollectorRegistry) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        text = "Seconds from the timestamp of a record to the commit of its result."
        ages = HistogramMetricFamily("millionx_glue_end_to_end_seconds", text, labels=["chain"])
        counts, sums = Counts[tuple[str, str]](), dict[str, float]()
        for family in self._source.collect():
            if family.name not in (_AGES_COUNTED, _AGES_SUM):
                yield family
                continue
            for sample in family.samples:
                if not sample.name.endswith("_total"):
                    continue
                if family.name == _AGES_SUM:
                    sums[sample.labels["chain"]] = sample.value
                else:
                    counts[sample.labels["chain"], sample.labels["le"]] = int(sample.value)
        for chain, total in sums.items():
            ages.add_metric([chain], list(zip(_LE, accumulate(counts[chain, le] for le in _LE), strict=True)), total)
        yield ages


def _add_redacted(counts: Counts[str], text: str) -> None:
    for part in text.split(";"):
        entity, _, number = part.partition("=")
        counts[entity] += int(number) if number.isdigit() else 0
