"""One line that tells how far the demo is, redrawn on a terminal and repeated elsewhere."""

from __future__ import annotations

from glue.audit import expect
from glue.audit.watch import Tally
from glue.local.report import Reporter

_LABELS = {
    expect.VECTORS: "posts with vectors",
    expect.ORDERS: "orders",
    expect.PRICES: "prices",
    expect.WEATHER: "weather",
}


def describe(tally: Tally) -> str:
    """``produced 420 · stored: posts with vectors 80/120, orders 100/150 … · dead 3``."""
    produced = sum(len(keys) for keys in tally.produced.values())
    stored = ", ".join(
        f"{label} {len(tally.stored[name])}/{len(tally.stored[name]) + len(tally.waiting[name])}"
        for name, label in _LABELS.items()
        if name in tally.stored
    )
    return f"produced {produced} · stored: {stored} · dead {len(tally.dead)}"


class Progress:
    """Shows a tally through the stack's reporter, so that both draw on the same line."""

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def __call__(self, tally: Tally) -> None:
        """Show it; calls in quick succession are thinned out."""
        self._report.progress("demo", describe(tally))
