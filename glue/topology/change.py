"""How a change is put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glue.errors import ServiceError


@dataclass(frozen=True)
class Undo:
    """``run`` puts back what was; ``text`` says what that is."""

    text: str
    run: Callable[[], None]


def impossible(text: str) -> Undo:
    """A change that can not be undone; running it says so."""

    def run() -> None:
        raise ServiceError("rollback", text)

    return Undo(text, run)
