"""The progress of followed records in one line, and their outcome, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import quantiles

from glue.audit.watch import Tally
from glue.local.report import Reporter
from glue.stores.contract import Target


def describe(tally: Tally) -> str:
    """``produced 420 · stored: Weaviate SocialPost 80/120, Snowflake ORDERS 100/150 … · dead 3``."""
    produced = sum(len(keys) for keys in tally.produced.values())
    stored = ", ".join(
        f"{target.label} {len(keys)}/{len(keys) + len(tally.waiting[target])}" for target, keys in tally.stored.items()
    )
    return f"produced {produced} · stored: {stored} · dead {len(tally.dead)}"


class Progress:
    """Shows a tally through the stack's reporter, so that both draw on the same line."""

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def __call__(self, tally: Tally) -> None:
        """Show it; calls in quick succession are thinned out."""
        self._report.progress("demo", describe(tally))


@dataclass(frozen=True)
class Summary:
    """Counts of keys, not of messages, of this run alone but for ``held``; ``lost`` is produced, not stored and not
    dead. Latencies in milliseconds.
    """

    produced: dict[str, int]
    stored: dict[Target, int]
    dead_letters: int
    lost: int
    duplicates: int
    held: dict[Target, int]
    p50: float | None
    p95: float | None

    def as_json(self) -> dict[str, object]:
        """The object that ``mxctl demo -o json`` ends with; ``stored`` is by the short names of targets."""
        names = dict.fromkeys(target.name for target in self.stored)
        return {
            "produced": self.produced,
            "stored": {name: sum(n for one, n in self.stored.items() if one.name == name) for name in names},
            "dead_letters": self.dead_letters,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "latency_ms": {"p50": self.p50, "p95": self.p95},
        }

    def as_text(self) -> str:
        """A short report for people."""
        sources = ", ".join(f"{count:,} {name}" for name, count in sorted(self.produced.items())) or "nothing"
        earlier = [f"In all        {_in(self.held)}, earlier runs included"] if self.held != self.stored else []
        lines = [
            f"Produced      {sources}",
            f"Stored        {_in(self.stored)}",
            *earlier,
            f"Dead letters  {self.dead_letters:,} (mxctl dlq list)",
            f"Lost          {self.lost:,}    Duplicates {self.duplicates:,}",
        ]
        if self.p50 is not None and self.p95 is not None:
            lines.append(
                f"From source to queryable: half within {self.p50 / 1000:.1f} s, 95 % within {self.p95 / 1000:.1f} s"
            )
        return "\n".join(lines)


def _in(counts: dict[Target, int]) -> str:
    return ", ".join(f"{count:,} in {target.label}" for target, count in counts.items()) or "nothing"


def summarise(tally: Tally) -> Summary:
    """Fold a finished watch into a summary."""
    cuts = quantiles(tally.latencies, n=100, method="inclusive") if len(tally.latencies) > 1 else None
    return Summary(
        produced={source: len(keys) for source, keys in tally.produced.items()},
        stored={target: len(keys) for target, keys in tally.stored.items()},
        dead_letters=len(tally.dead),
        lost=tally.missing,
        duplicates=tally.duplicates,
        held=tally.held,
        p50=round(cuts[49]) if cuts else None,
        p95=round(cuts[94]) if cuts else None,
    )
