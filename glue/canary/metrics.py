"""What canaries leave in Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from glue.canary.flight import Flight

_LATENCY = Histogram(
    "millionx_canary_latency_seconds",
    "Seconds from sending a canary to its last store, of the canaries that arrived.",
    ["path"],
    buckets=(0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 30, 60, 120),
)
_SENT = Counter("millionx_canary_sent_total", "Canaries sent, or tried to send.", ["path"])
_ARRIVED = Counter("millionx_canary_arrived_total", "Canaries that reached every store of their path.", ["path"])
_LOST = Counter(
    "millionx_canary_lost_total", "Canaries that did not arrive in time, or went to dead letters.", ["path"]
)
_LAST = Gauge(
    "millionx_canary_last_arrival_timestamp_seconds", "When a canary last arrived; absent before the first.", ["path"]
)


def begin(paths: Iterable[str]) -> None:
    """Start the counts of ``paths`` at 0, so that ``rate()`` sees the first increment."""
    for path in paths:
        for counter in (_SENT, _ARRIVED, _LOST):
            counter.labels(path)
        _LATENCY.labels(path)


def observe(flight: Flight) -> None:
    """Count one that is over."""
    path = flight.path.source
    _SENT.labels(path).inc()
    if flight.seconds is None:
        _LOST.labels(path).inc()
        return
    _ARRIVED.labels(path).inc()
    _LATENCY.labels(path).observe(flight.seconds)
    _LAST.labels(path).set(time.time())
