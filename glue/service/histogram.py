"""Many observations of a Prometheus histogram at once, for the price of one.

The client has no such call; it is made of the parts that its own ``observe`` uses, in one process or in several.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client import Histogram


def add(histogram: Histogram, value: float, times: int) -> None:
    """Observe ``value`` so many ``times``."""
    histogram._sum.inc(value * times)
    histogram._buckets[bisect_left(histogram._upper_bounds, value)].inc(times)


def add_ages(histogram: Histogram, stamps: Sequence[int], now: int) -> None:
    """Observe, in seconds, how long before ``now`` each of ``stamps`` is (milliseconds); a future one is 0 old."""
    if not stamps:
        return
    ordered, counted = sorted(stamps), 0
    if ordered[-1] > now:
        ordered = sorted(min(stamp, now) for stamp in ordered)
    for place, bound in enumerate(histogram._upper_bounds):
        within = len(ordered) - bisect_left(ordered, now - bound * 1000)
        if within > counted:
            histogram._buckets[place].inc(within - counted)
            counted = within
        if counted == len(ordered):
            break
    histogram._sum.inc((len(ordered) * now - sum(ordered)) / 1000)
