"""What an audit found, as data: counts by store, and every difference with its place and its remedy."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from glue.times import iso

MISSING, EXTRA, DOUBLED, DIFFERENT = "missing", "extra", "doubled", "different"
KINDS = (MISSING, EXTRA, DOUBLED, DIFFERENT)
FIXES = {
    MISSING: "mxctl audit --repair puts the record on its topic again",
    EXTRA: "look at it, and delete it by its key if it should not be there",
    DOUBLED: "the view of the latest rows hides it; delete all but one of the rows",
    DIFFERENT: "where the sink replaces: mxctl audit --repair; where it only adds: delete the row, then --repair",
}
MODEL_FIXES = {
    "unembedded": "mxctl embedding backfill computes them",
    "foreign": "mxctl embedding drop takes them away, or declare the model in the chain",
}
_HOUR_MS = 3_600_000


@dataclass(slots=True)
class Difference:
    """One key that the store does not hold as the topic does.

    Attributes:
        key: the record key; for an object that no record accounts for, the object's id.
        partition, offset: of its latest record on the topic; of the row's, for an extra one; -1 where unknown.
        time: milliseconds since the epoch of that record, 0 where unknown.
        repaired: set once the store holds it again.
    """

    kind: str
    key: str
    partition: int
    offset: int
    time: int
    why: str
    repaired: bool = False

    @property
    def window(self) -> str:
        """The hour of its record."""
        return iso(self.time - self.time % _HOUR_MS)


@dataclass
class StoreReport:
    """The result for one store.

    Attributes:
        on_topic: keys that should be stored. stored: rows or objects in the audited window.
        dead: keys whose latest record is in dead letters. pending: keys the sink has not read yet.
        erased: keys that the store does not hold because their person or shop asked to be forgotten.
        unembedded: objects without a vector of each model that a chain writes, by the model's identity; none if none.
        foreign: objects with a vector of a model that no chain writes, by the same.
        parts, read: buckets or windows compared, and how many of them were read key by key.
    """

    store: str
    topic: str
    place: str
    on_topic: int = 0
    stored: int = 0
    dead: int = 0
    pending: int = 0
    erased: int = 0
    parts: int = 0
    read: int = 0
    seconds: float = 0.0
    deep: bool = False
    unembedded: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    @property
    def target(self) -> tuple[str, str]:
        """What was compared."""
        return self.topic, self.place

    def counts(self) -> Counter[str]:
        """Open differences by kind."""
        return Counter(one.kind for one in self.differences if not one.repaired)

    @property
    def agrees(self) -> bool:
        """Whether nothing is left that differs, and the vectors are of the declared models, all of them."""
        return not (self.counts() or self.unembedded or self.foreign)

    def windows(self) -> list[dict[str, Any]]:
        """Open differences counted by kind, partition and hour."""
        found = Counter((d.kind, d.partition, d.window) for d in self.differences if not d.repaired)
        names = ("kind", "partition", "hour")
        return [dict(zip(names, place, strict=True)) | {"keys": n} for place, n in sorted(found.items())]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        data = asdict(self) | {"agrees": self.agrees, "windows": self.windows(), "counts": dict(self.counts())}
        data["differences"] = [asdict(d) | {"time": iso(d.time), "fix": FIXES[d.kind]} for d in self.differences]
        return data

    def summary(self) -> dict[str, Any]:
        """One line of a table."""
        counts = self.counts()
        return {
            "store": self.store,
            "on_topic": self.on_topic,
            "stored": self.stored,
            "dead": self.dead,
            "pending": self.pending,
            "erased": self.erased,
            **{kind: counts[kind] for kind in KINDS},
            "unembedded": max(self.unembedded.values(), default=0),
            "foreign": max(self.foreign.values(), default=0),
            "repaired": sum(d.repaired for d in self.differences),
            "seconds": self.seconds,
        }
