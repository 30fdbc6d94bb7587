"""One record in flight: where it was seen, when, and its outcome."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from connectors.models import SourceRecord
from glue.canary.paths import RAW, STORE, Path, Stage

_FIXES = {
    RAW: "mxctl local status; mxctl doctor",
    STORE: "mxctl connectors describe {by}; mxctl dlq list",
}
_SEARCH = "mxctl doctor; mxctl audit; which model made its vector? docs/runbook.md#canarynotfound"
_CHAIN = "does chain {by} run? mxctl local status; its /ready; mxctl dlq list"


@dataclass
class Flight:
    """A record on one path. Times are seconds since it was sent.

    Attributes:
        sent: when, by the monotonic clock.
        seen: by stage.
        dead: why it went to dead letters, if it did.
        problem: why it could not be sent, or why the store cannot be asked, when that is so.
        rank: the worst place at which a question found its post (1 is best); None before, and where one did not.
        unfound: which question did not find it, or why none could be asked.
    """

    path: Path
    sent: float = field(default_factory=time.monotonic)
    unique: str = field(default_factory=lambda: uuid4().hex)
    seen: dict[Stage, float] = field(default_factory=dict)
    dead: str = ""
    problem: str = ""
    rank: int | None = None
    unfound: str = ""

    def __post_init__(self) -> None:
        self.record: SourceRecord = self.path.make(self.unique)
        self.key = self.record.key
        self.keys = {self.key, *(stage.key(self.key) for stage in self.path.stages)}

    @property
    def arrived(self) -> bool:
        """Whether every stage has seen it."""
        return len(self.seen) == len(self.path.stages)

    @property
    def over(self) -> bool:
        """Whether waiting on is of no use."""
        return self.arrived or bool(self.dead)

    @property
    def seconds(self) -> float | None:
        """To the last store; None while it has not arrived."""
        return max(self.seen.values()) if self.arrived else None

    def age(self) -> float:
        """Seconds since it was sent."""
        return time.monotonic() - self.sent

    def saw(self, topic: str, key: str) -> None:
        """A record with ``key`` was read from ``topic``."""
        for stage in self.path.stages:
            if stage.name != STORE and stage.place == topic and stage.key(self.key) == key:
                self.seen.setdefault(stage, self.age())

    def wanted(self) -> list[Stage]:
        """The stores to ask now: those whose topic has it."""
        return [
            stage
            for stage in self.path.stages
            if stage.name == STORE and stage not in self.seen and stage.before in self.seen
        ]

    def removable(self) -> list[tuple[str, str]]:
        """Topic and key of each record of it that a tombstone removes from its store."""
        return [
            (stage.target.topic, stage.key(self.key))
            for stage in self.path.stages
            if stage.target and stage.target.deletes and stage.before in self.seen
        ]

    def missed(self) -> Stage | None:
        """The first stage that has not seen it."""
        return next((stage for stage in self.path.stages if stage not in self.seen), None)

    def seen_last(self) -> Stage | None:
        """The last stage before the missed one that has."""
        missed = self.missed()
        stage = self.path.stages[-1] if missed is None else missed.before
        while stage is not None and stage not in self.seen:
            stage = stage.before
        return stage

    def explain(self) -> tuple[str, str]:
        """Why it did not arrive or was not found, and what to do; two empty texts when it was."""
        missed, last = self.missed(), self.seen_last()
        if missed is None:
            return (self.unfound, _SEARCH) if self.unfound else ("", "")
        if last is None and self.problem:
            return f"could not be sent: {self.problem}", _FIXES[RAW]
        where = f"seen last in {_called(last)}" if last else "seen nowhere"
        why = self.dead or self.problem
        fix = _FIXES.get(missed.name, _CHAIN).format(by=missed.by)
        return f"{where}, not in {_called(missed)}{f': {why}' if why else ''}", fix

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        last = self.seen_last()
        return {
            "path": self.path.source,
            "key": self.key,
            "arrived": self.arrived,
            "seconds": _rounded(self.seconds),
            "stages": [
                {"stage": stage.name, "place": stage.place, "seconds": _rounded(self.seen.get(stage))}
                for stage in self.path.stages
            ],
            "seen_last": last.name if last else None,
            "rank": self.rank,
            "problem": self.explain()[0] or None,
        }

    def as_text(self) -> str:
        """One line for people."""
        times = "  ".join(f"{stage.name} {stage.place} {_shown(self.seen.get(stage))}" for stage in self.path.stages)
        state = f"arrived in {_shown(self.seconds)}" if self.arrived else "LOST"
        asked = "  NOT FOUND" if self.unfound else f"  found at {self.rank}" if self.rank else ""
        return f"{self.path.source:<8} {state:<17} {times}{asked}"


def _called(stage: Stage) -> str:
    return f"{stage.name} {stage.place}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"
