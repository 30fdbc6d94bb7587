"""What canaries leave in Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from glue.canary.flight import Flight
from glue.canary.paths import Path

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
_RANK = Gauge(
    "millionx_canary_rank",
    "Worst place at which a question in another script found the last planted post that was found; 1 is best.",
    ["path"],
)
_UNFOUND = Counter(
    "millionx_canary_unfound_total", "Planted posts that arrived and that a question did not find.", ["path"]
)


def begin(paths: Iterable[Path]) -> None:
    """Start the counts of ``paths`` at 0, so that ``rate()`` sees the first increment."""
    for path in paths:
        for counter in (_SENT, _ARRIVED, _LOST, *([_UNFOUND] if path.planted else [])):
            counter.labels(path.source)
        _LATENCY.labels(path.source)


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
    if flight.unfound:
        _UNFOUND.labels(path).inc()
    elif flight.rank:
        _RANK.labels(path).set(flight.rank)
