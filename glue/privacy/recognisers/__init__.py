"""Finding personal data in text: one file a kind, one registry, one search.

:func:`find` folds a text (every script's digits, compatibility forms, invisible characters), asks the kinds whose marks
or words occur in it, at the places where they occur, and maps what they find back to the original characters. A new
kind is a file and a line in ``KINDS`` (or, if it consists of digits, in
:data:`glue.privacy.recognisers.numbers.KINDS`).

Every search is linear in the text: a kind looks at a bounded part of it around each of its places, of which there are
:data:`~glue.privacy.recognisers.span.MOST_PLACES` at most; quantifiers are bounded, and neighbouring parts of a pattern
share no character or are possessive. A text longer than ``_LONGEST`` is read up to there; what is unread is a find.
"""

from __future__ import annotations

import re

from glue.privacy.mentions import PSEUDONYM
from glue.privacy.recognisers import numbers
from glue.privacy.recognisers.address import ADDRESS, ADDRESS_LINE
from glue.privacy.recognisers.fold import Folded, fold
from glue.privacy.recognisers.handle import HANDLE, HANDLE_IN_WORDS, PROFILE, PROFILE_ID, named_by
from glue.privacy.recognisers.identity_numbers import LICENCE, PASSPORT
from glue.privacy.recognisers.mail import MAIL, MAIL_IN_WORDS
from glue.privacy.recognisers.name import NAME, TAG, opening
from glue.privacy.recognisers.payment import IBAN, TRANSACTION, TRANSACTION_CODE
from glue.privacy.recognisers.span import COVER, EXCESS, Places, Span, TextKind
from glue.privacy.recognisers.spoken import SPOKEN

__all__ = ["ENTITIES", "EXCESS", "KINDS", "PERSONS", "Span", "find", "named_by"]

KINDS: tuple[TextKind, ...] = (
    MAIL, MAIL_IN_WORDS, PROFILE, PROFILE_ID, HANDLE, HANDLE_IN_WORDS, PASSPORT, LICENCE, IBAN, TRANSACTION,
    TRANSACTION_CODE, ADDRESS, ADDRESS_LINE, NAME, TAG, SPOKEN,
)  # fmt: skip
_NUMBERS = tuple(kind.entity for kind in numbers.KINDS)
ENTITIES: tuple[str, ...] = tuple(dict.fromkeys((*_NUMBERS, *(kind.entity for kind in KINDS), EXCESS)))
PERSONS = frozenset({HANDLE.entity, PROFILE.entity})  # lead to one person, as the field of an author does
# What scrubbing put there: it neither is nor names anything that follows.
_SCRUBBED = re.compile(rf"{PSEUDONYM}|(?<=\[)(?:{'|'.join(ENTITIES)})(?=\])", re.ASCII)
_MARKED = tuple((mark, kind) for kind in KINDS for mark in kind.marks)
_LONGEST = 65_536  # characters; the longest text that a platform takes is Facebook's, 63,206

# The words of a text, as bytes: ASCII in lower case; punctuation and digits of ASCII, and the first byte of
# what has other punctuation and emoji in UTF-8, part them, as the danda does.
_PARTED = bytes(
    ord(chr(byte).lower())
    if chr(byte).isalpha() and byte < 128
    else 32
    if byte < 128 or byte in (0xE2, 0xE3, 0xF0)
    else byte
    for byte in range(256)
)
_DANDA = "।".encode()
_WORDED = tuple(kind for kind in KINDS if kind.words)
_TRIGGERS = {
    word.encode(): tuple(place for place, kind in enumerate(_WORDED) if word in kind.words)
    for word in frozenset().union(*(kind.words for kind in _WORDED))
}
_TRIGGER = frozenset(_TRIGGERS)
_PAIRS = tuple(frozenset(word.encode() for word in kind.pairs) for kind in _WORDED)
_BESIDE = tuple(frozenset(word.encode() for word in kind.beside) for kind in _WORDED)
# A digit, or a character that has to be folded; where there is none, no number can be.
_TO_FOLD = re.compile(
    "[^\t\n\r -/:-~\u0964\u0965\u0980-\u09e5\u09f0-\u09ff"
    "\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u20ac\u2591\u2764\U0001f300-\U0001faff]"
)


def find(text: str) -> list[Span]:
    """Every find in ``text``, by position, without overlaps."""
    plain, folded, spans = text, None, []
    if len(text) > _LONGEST:
        return [*find(text[:_LONGEST]), Span(_LONGEST, len(text), EXCESS)]
    if "[" in text or "E:" in text:
        text = plain = _SCRUBBED.sub(_covered, text)
    if _TO_FOLD.search(text):
        folded = fold(text)
        plain = folded.text
        if len(plain) > _LONGEST:
            plain = plain[:_LONGEST]
            spans.append(Span(_LONGEST, len(folded.text), EXCESS))
        spans += numbers.find(plain)
    for mark, kind in _MARKED:
        if mark in plain:
            spans += kind.find(plain, Places.of_mark(plain, mark))
    if "A" <= plain[:1] <= "Z" or plain[:1] == "+":
        spans += opening(plain)
    words = plain.encode("utf-8", "surrogatepass").translate(_PARTED).replace(_DANDA, b" ").split()
    if not _TRIGGER.isdisjoint(words):
        spans += _by_words(plain, words)
    return _ordered(spans, folded) if spans else spans


def _covered(match: re.Match[str]) -> str:
    return COVER * len(match.group())


def _by_words(text: str, words: list[bytes]) -> list[Span]:
    hits: dict[int, list[bytes]] = {}
    for word in _TRIGGER.intersection(words):
        for place in _TRIGGERS[word]:
            hits.setdefault(place, []).append(word)
    spans: list[Span] = []
    lower = ""
    for place, of_kind in hits.items():
        if _leads(place, of_kind, words):
            lower = lower or text.lower()
            spans += _WORDED[place].find(text, Places.of_words(lower, [word.decode() for word in of_kind]))
    return spans


def _leads(place: int, hits: list[bytes], words: list[bytes]) -> bool:
    """Whether these words of a kind lead to it."""
    pairs, beside = _PAIRS[place], _BESIDE[place]
    if not beside:
        return len(hits) > 1 or hits[0] not in pairs
    for hit in hits:
        at = words.index(hit)
        if hit not in pairs or beside.intersection(words[at - 1 if at else 0 : at] + words[at + 1 : at + 2]):
            return True
        if hit in words[at + 1 :]:
            return True
    return False


def _ordered(spans: list[Span], folded: Folded | None) -> list[Span]:
    if len(spans) > 1:
        spans.sort()
        kept = [spans[0]]
        for span in spans[1:]:
            if span.start >= kept[-1].end:
                kept.append(span)
            elif span.end > kept[-1].end:  # both are personal: take their union
                kept[-1] = Span(kept[-1].start, span.end, kept[-1].entity)
        spans = kept
    if folded is None or folded.same:
        return spans
    return [Span(*folded.original(start, end), entity) for start, end, entity in spans]
