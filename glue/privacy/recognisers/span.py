"""What a recogniser is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

EXCESS = "EXCESS"  # the unread rest of a hostile text


class Span(NamedTuple):
    """A find: ``text[start:end]`` is personal data of the kind ``entity``."""

    start: int
    end: int
    entity: str


class Group(NamedTuple):
    """One run of digits without a separator; ``digits`` has look-alike letters replaced."""

    start: int
    end: int
    digits: str


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring groups of digits, with at most a few separators between two of them.

    Attributes:
        text: the folded text that the block lies in.
        start, end: of the whole block; ``start`` includes a plus or a parenthesis before the first digit.
    """

    text: str
    start: int
    end: int
    groups: tuple[Group, ...]


Claim = Callable[[Block, int], int]
Find = Callable[[str], list[Span]]


@dataclass(frozen=True, slots=True)
class NumberKind:
    """Personal data that consists of digits.

    Attributes:
        marks: short texts of which one must occur, in lower case; none for a kind that needs no word.
        claim: given a block and the index of a group, the index after the last group that belongs to this kind, or
            the same index when it does not begin there.
    """

    entity: str
    claim: Claim
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextKind:
    """Personal data that is found by its letters.

    Attributes:
        find: every find in a folded text.
        marks: characters of which one must occur, or the search is skipped.
        words: the same for words, in lower case, as blanks and punctuation part them.
        pairs: words of which two must occur.
    """

    entity: str
    find: Find
    marks: str = ""
    words: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()


MOST_FINDS = 128  # of one kind in one text; beyond that it is not text of a person


def spans_of(pattern: re.Pattern[str], entity: str, group: int = 0) -> Find:
    """A search for a pattern; after :data:`MOST_FINDS` finds the rest of the text is taken unread, as ``EXCESS``."""

    def find(text: str) -> list[Span]:
        spans: list[Span] = []
        for match in pattern.finditer(text):
            if len(spans) == MOST_FINDS:
                return [*spans, Span(match.start(), len(text), EXCESS)]
            spans.append(Span(*match.span(group), entity))
        return spans

    return find


def words_of(text: str) -> frozenset[str]:
    """The words of a blank-separated list."""
    return frozenset(text.split())
