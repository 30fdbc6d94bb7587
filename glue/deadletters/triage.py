"""Choosing letters, and grouping them by cause."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from glue.deadletters.read import Letter
from glue.errors import UsageError

_CAUSE = {
    "by": "connector.name", "origin": "topic", "stage": "stage", "class": "class.name",
    "error": "exception.class.name", "message": "exception.message",
}  # fmt: skip
_ID = re.compile(r"\A[^/]+/\d+/\d+")


@dataclass(frozen=True)
class Filter:
    """Which letters are meant; every condition that is given must hold.

    Attributes:
        ids: ``topic/partition/offset`` of letters.
        by: chain or connector that refused it.
        error: part of the exception's class name.
        message: part of the exception's text.
        origin: topic it came from.
        since: milliseconds since the epoch; older records are left out.
        state: ``open``, ``replayed``, ``discarded``, ``erased`` or ``all``.
    """

    ids: frozenset[str] = field(default_factory=frozenset)
    by: str = ""
    error: str = ""
    message: str = ""
    origin: str = ""
    since: int = 0
    state: str = "open"

    def __call__(self, letter: Letter) -> bool:
        return (
            (not self.ids or letter.id in self.ids)
            and (self.state == "all" or (letter.done or "open") == self.state)
            and (not self.by or letter.header("connector.name") == self.by)
            and self.error in letter.header("exception.class.name")
            and self.message in letter.header("exception.message")
            and (not self.origin or letter.header("topic") == self.origin)
            and letter.timestamp >= self.since
        )


def check_ids(ids: Sequence[str]) -> None:
    """Before anything is read.

    Raises:
        UsageError: one is not written as the id of a letter is.
    """
    for name in ids:
        if not _ID.fullmatch(name):
            raise UsageError(f"letter {name}", "an id is topic/partition/offset", "mxctl dlq list names them")


def check_known(ids: Sequence[str], letters: Iterable[Letter]) -> None:
    """After the letters were read.

    Raises:
        UsageError: one of ``ids`` is not a letter.
    """
    for name in sorted(set(ids) - {letter.id for letter in letters}):
        raise UsageError(f"letter {name}", "there is no such letter", "mxctl dlq list --state all names them")


def by_cause(letters: Iterable[Letter]) -> list[dict[str, Any]]:
    """Groups of equal cause, the largest first: who refused, with what, how many, one letter of them to look at."""
    counts: Counter[tuple[str, ...]] = Counter()
    states: dict[tuple[str, ...], Counter[str]] = {}
    examples: dict[tuple[str, ...], str] = {}
    for letter in letters:
        cause = tuple(letter.header(name) for name in _CAUSE.values())
        counts[cause] += 1
        states.setdefault(cause, Counter())[letter.done or "open"] += 1
        examples[cause] = letter.id
    return [
        {
            **dict(zip(_CAUSE, cause, strict=True)),
            "letters": count,
            **{state: states[cause][state] for state in ("open", "replayed", "discarded", "erased")},
            "example": examples[cause],
        }
        for cause, count in counts.most_common()
    ]
