"""What an apply tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One step: what it is about (``topic context.weather``), its state (``create…``, ``ok`` …), and a detail."""

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
    """Tell nobody."""
