"""A change: what differs, what doing it costs, how it is described, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from glue.errors import MillionXError, ServiceError


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"
    DELETE = "delete"


@dataclass(frozen=True)
class FieldChange:
    """One field before and after; None where it is absent. Texts are safe to print."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One resource that differs. ``cost`` says in words what doing it will take."""

    kind: str
    name: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    cost: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``topic source.social.tiktok``."""
        return f"{self.kind} {self.name}"


def to_json(change: Change) -> dict[str, Any]:
    """A change as a plan file, the history and ``-o json`` hold it."""
    return {
        "kind": change.kind,
        "name": change.name,
        "action": str(change.action),
        "fields": [{"path": one.path, "before": one.before, "after": one.after} for one in change.fields],
        "cost": list(change.cost),
    }


@dataclass(frozen=True)
class Event:
    """A step of an apply: what it is about (``topic context.weather``), its state (``create…``, ``ok``), a detail."""

    label: str
    state: str
    detail: str = ""

    @property
    def text(self) -> str:
        """State and detail."""
        return " ".join(part for part in (self.state, self.detail) if part)

    def __str__(self) -> str:
        return f"{self.label} {self.text}"


Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Undo:
    """``run`` puts back what was; ``text`` says what that is."""

    text: str
    run: Callable[[], None]


def impossible(text: str) -> Undo:
    """A change that cannot be undone; running it says so."""

    def run() -> None:
        raise ServiceError("rollback", text)

    return Undo(text, run)


@dataclass
class Journal:
    """Changes in the order in which they were made, each with its undo."""

    entries: list[tuple[Change, Undo]] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """What was done."""
        return [change for change, _ in self.entries]

    def undo(self, progress: Progress) -> list[str]:
        """Put back everything, last first; returns what could not be put back, and why."""
        failures = []
        while self.entries:
            change, undo = self.entries.pop()
            progress(Event(change.label, "rolling back", undo.text))
            try:
                undo.run()
            except MillionXError as error:
                failures.append(f"{change.label}: {error.why or error.what}")
            except Exception as error:  # one that cannot be undone must not keep the others from it
                failures.append(f"{change.label}: {type(error).__name__}")
        return failures
