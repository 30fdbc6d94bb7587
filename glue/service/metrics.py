"""Metrics of the service, in Prometheus' words. Updated once a batch, never once a record."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from glue.errors import DataError

_SIZES = (1, 10, 50, 100, 250, 500, 1000, 2000, 5000, 10000)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_EMBEDDING = (0.0001, 0.001, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1)
_END_TO_END = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 30, 60, 300, 3600)


class Metrics:
    """The metrics of one worker; every name starts with ``millionx_glue_`` and carries the chain."""

    def __init__(self, chain: str, topics: list[str]) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            made = Counter(f"millionx_glue_{name}", text, ["chain", *labels], registry=self.registry)
            return made if labels else made.labels(chain)

        self.consumed = counter("consumed", "Records read.", "topic")
        self.produced = counter("produced", "Records written.", "topic")
        self.dropped = counter("dropped", "Records that a transform left out on purpose.")
        self.dead = counter("dead_letters", "Records set aside.", "reason")
        self.valid = counter("valid", "Records that passed decoding and validation, whatever became of them later.")
        self.invalid = counter("invalid", "Records that could not be decoded, or broke a constraint of their schema.")
        self.retries = counter("retries", "Rounds of retrying transient errors.")
        self.aborts = counter("transaction_aborts", "Transactions that were aborted and done again.")
        self.restarts = counter("client_restarts", "Times that stuck Kafka clients were replaced.")
        self.redacted = counter("redacted", "Pieces of personal data taken out of texts.", "entity")
        self.degraded = counter("degraded", "Records that passed without a help that was down.", "transform")
        self.batch = Histogram(
            "millionx_glue_batch_records",
            "Records in a transaction.",
            ["chain"],
            buckets=_SIZES,
            registry=self.registry,
        ).labels(chain)
        self.seconds = Histogram(
            "millionx_glue_batch_seconds",
            "Time of a part of a transaction.",
            ["chain", "part"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.embedding = Histogram(
            "millionx_glue_embedding_seconds",
            "Time to embed one post: that of the call, shared by the posts in it; posts from the cache are among them.",
            ["chain", "variant"],
            buckets=_EMBEDDING,
            registry=self.registry,
        )
        self.end_to_end = Histogram(
            "millionx_glue_end_to_end_seconds",
            "From the timestamp of a record to the commit of what became of it.",
            ["chain"],
            buckets=_END_TO_END,
            registry=self.registry,
        ).labels(chain)
        self.lag = Gauge(
            "millionx_glue_lag_records",
            "Records not yet read.",
            ["chain", "topic"],
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.held = Gauge(
            "millionx_glue_held",
            "Workers in which records wait for a service that is down.",
            ["chain"],
            registry=self.registry,
            multiprocess_mode="livesum",
        ).labels(chain)
        self.chain, self.topics = chain, topics
        # What is born with a count has never risen in the eyes of Prometheus: let the common ones begin at zero.
        for topic in topics:
            self.consumed.labels(chain, topic)
        self.dead.labels(chain, DataError.__qualname__)
