"""Which version of a vendor's API answers: one that ended is not refused, the oldest supported one takes its place."""

from __future__ import annotations

from datetime import date

# Graph API: the day on which each version ends.
_GRAPH_ENDS = {
    "v21.0": date(2027, 1, 21), "v22.0": date(2027, 5, 20), "v23.0": date(2027, 10, 8), "v24.0": date(2028, 2, 18),
    "v25.0": date(2028, 7, 29), "v26.0": date.max,
}  # fmt: skip


def shopify_version(asked: str, today: date) -> str | None:
    """Quarterly versions, each supported for a year; None for one that is not released."""
    quarter = today.year * 4 + (today.month - 1) // 3
    supported = [f"{number // 4}-{number % 4 * 3 + 1:02d}" for number in range(quarter - 3, quarter + 1)]
    if asked > supported[-1]:
        return None
    return asked if asked in supported else supported[0]


def graph_version(asked: str, today: date) -> str:
    """The version itself while it lives, else the oldest that does."""
    alive = [version for version, ends in _GRAPH_ENDS.items() if ends > today]
    return asked if asked in alive else alive[0]
