"""Rows of the benchmark's report, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        unit: ``x`` for a ratio inside this run, which holds on a noisy machine; other units only describe it.
        aim: smallest value that is good enough (``at_most``: the largest), or None.
        rounds: the least and the most of the rounds whose median this is.
    """

    part: str
    what: str
    value: float
    unit: str = "x"
    aim: float | None = None
    at_most: bool = False
    rounds: tuple[float, float] | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim


def to_json(rows: Iterable[Row]) -> str:
    """The report for programs, with what it was measured on."""
    about = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "confluent-kafka": version("confluent-kafka"),
        "fastavro": version("fastavro"),
        "onnxruntime": version("onnxruntime"),
    }
    return json.dumps({"machine": about, "rows": [asdict(row) | {"reached": row.reached} for row in rows]}, indent=1)


def to_table(rows: Iterable[Row]) -> str:
    """The report for people."""
    lines, last = [], ""
    for row in rows:
        if row.part != last:
            lines.append(f"{row.part}")
            last = row.part
        aim = ""
        if row.aim is not None:
            aim = (
                f"aim {'at most' if row.at_most else 'at least'} {row.aim:g}: {'reached' if row.reached else 'MISSED'}"
            )
        spread = f"[{_short(row.rounds[0])} to {_short(row.rounds[1])}]" if row.rounds else ""
        lines.append(f"  {row.what:<58} {_short(row.value):>12} {row.unit:<10} {spread:<20} {aim}".rstrip())
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
