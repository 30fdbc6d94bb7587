"""Many observations of a Prometheus histogram at once, for the price of one.

The client has no such call; it is made of the parts that its own ``observe`` uses, in one process or in several.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from prometheus_client import Histogram


def add(histogram: Histogram, value: float, times: int) -> None:
    """Observe ``value`` so many ``times``."""
    histogram._sum.inc(value * times)
    histogram._buckets[bisect_left(histogram._upper_bounds, value)].inc(times)


def add_many(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe each of ``values``."""
    ordered, below = sorted(values), 0
    for place, bound in enumerate(histogram._upper_bounds):
        if below == len(ordered):
            break
        within = bisect_right(ordered, bound, below)
        if within > below:
            histogram._buckets[place].inc(within - below)
            below = within
    if ordered:
        histogram._sum.inc(sum(ordered))
