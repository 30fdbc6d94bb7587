"""What a recogniser is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

COVER = "\u2591"  # over what scrubbing has put, which a word before it was about
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


class Block(NamedTuple):
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
Find = Callable[[str, "Places"], list[Span]]


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
        find: every find in a folded text, given the places where its words or marks begin.
        marks: characters that lead to it.
        words: words that lead to it, in lower case, as blanks and punctuation part them.
        pairs: those of the words that lead to it only where another one occurs as well.
        beside: further words, which lead to it only right after one of ``after`` or right before one of ``before``.
        leads: expressions of RE2, of which one occurs in every text that holds it; none: its words and marks are all.
    """

    entity: str
    find: Find
    marks: str = ""
    words: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    leads: tuple[str, ...] = ()


class Places(NamedTuple):
    """Where the words or marks of a kind begin in a text, in order.

    Attributes:
        unread: the span that was not searched for them, since there are too many before it.
    """

    starts: list[int]
    unread: list[Span]

    @classmethod
    def of_mark(cls, text: str, mark: str) -> Places:
        """The places of a character."""
        starts: list[int] = []
        at = text.find(mark)
        while at >= 0:
            if len(starts) == MOST_PLACES:
                return cls(starts, [Span(at, len(text), EXCESS)])
            starts.append(at)
            at = text.find(mark, at + 1)
        return cls(starts, [])


LONGEST = 65_536  # characters; the longest text that a platform takes is Facebook's, 63,206
MOST_FINDS = 128  # of one kind in one text; beyond that it is not text of a person
MOST_PLACES = 512  # of the words of one kind


def spans_of(pattern: re.Pattern[str], entity: str, group: int | str = 0, before: int = 0) -> Find:
    """A search for a pattern that begins at a place, or up to ``before`` characters before it."""

    def find(text: str, places: Places) -> list[Span]:
        spans: list[Span] = []
        for place in places.starts:
            match = pattern.search(text, max(0, place - before), place + 1) if before else pattern.match(text, place)
            if match is not None:
                spans.append(Span(*match.span(group), entity))
        return spans + places.unread

    return find


_TYPED = (  # one sign as keyboards make it, and two that look like one
    ("\u09a1\u09bc", "\u09dc"), ("\u09a2\u09bc", "\u09dd"), ("\u09af\u09bc", "\u09df"), ("\u0986", "\u0985\u09be"),
)  # fmt: skip


def spellings(words: Iterable[str]) -> frozenset[str]:
    """Words of Bengali also as keyboards make them: other characters that look the same."""
    found = set(words)
    for listed, typed in _TYPED:
        found |= {word.replace(listed, typed) for word in found if listed in word}
    return frozenset(found)


def words_of(text: str) -> frozenset[str]:
    """The words of a blank-separated list; those in Bengali also with the sign that people type for a colon."""
    words = spellings(text.split())
    return words.union(word + "ঃ" for word in words if word > "\u0980")
