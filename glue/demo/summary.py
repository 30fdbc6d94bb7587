"""What the demo found, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import quantiles

from glue.audit import expect
from glue.audit.watch import Tally


@dataclass(frozen=True)
class Summary:
    """Counts of keys, not of messages; ``lost`` is produced, not stored and not dead. Latencies in milliseconds."""

    produced: dict[str, int]
    stored: dict[str, int]
    dead_letters: int
    lost: int
    duplicates: int
    p50: float | None
    p95: float | None

    def as_json(self) -> dict[str, object]:
        """The object that ``mxctl demo -o json`` ends with."""
        warehouse = (expect.ORDERS, expect.PRICES, expect.WEATHER)
        return {
            "produced": self.produced,
            "warehouse": {name: self.stored.get(name, 0) for name in warehouse},
            "vectors": self.stored.get(expect.VECTORS, 0),
            "dead_letters": self.dead_letters,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "latency_ms": {"p50": self.p50, "p95": self.p95},
        }

    def as_text(self) -> str:
        """A short report for people."""
        sources = ", ".join(f"{count:,} {name}" for name, count in sorted(self.produced.items())) or "nothing"
        stored = self.stored
        lines = [
            f"Produced      {sources}",
            f"Weaviate      {stored.get(expect.VECTORS, 0):,} posts with their vectors",
            f"Warehouse     {stored.get(expect.ORDERS, 0):,} orders, {stored.get(expect.PRICES, 0):,} prices, "
            f"{stored.get(expect.WEATHER, 0):,} weather observations",
            f"Dead letters  {self.dead_letters:,} (mxctl dlq list)",
            f"Lost          {self.lost:,}    Duplicates {self.duplicates:,}",
        ]
        if self.p50 is not None and self.p95 is not None:
            lines.append(
                f"From source to queryable: half within {self.p50 / 1000:.1f} s, 95 % within {self.p95 / 1000:.1f} s"
            )
        return "\n".join(lines)


def summarise(tally: Tally) -> Summary:
    """Fold a finished watch into a summary; a source's name is the last word of its topic."""
    cuts = quantiles(tally.latencies, n=100, method="inclusive") if len(tally.latencies) > 1 else None
    return Summary(
        produced={topic.rsplit(".", 1)[-1]: len(keys) for topic, keys in tally.produced.items()},
        stored={name: len(keys) for name, keys in tally.stored.items()},
        dead_letters=len(tally.dead),
        lost=tally.missing,
        duplicates=tally.duplicates,
        p50=round(cuts[49]) if cuts else None,
        p95=round(cuts[94]) if cuts else None,
    )
