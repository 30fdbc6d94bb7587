"""Finding personal data in text: one file a kind, one registry, one search.

:func:`find` folds a text (every script's digits, compatibility forms, invisible characters), asks the kinds whose marks
or words occur in it, at the places where they occur, and maps what they find back to the original characters. A new
kind is a file and a line in ``KINDS`` (or, if it consists of digits, in
:data:`glue.privacy.recognisers.numbers.KINDS`).

Every search is linear in the text: a kind looks at a bounded part of it around each of its places, of which there are
:data:`~glue.privacy.recognisers.span.MOST_PLACES` at most; quantifiers are bounded, and neighbouring parts of a pattern
share no character or are possessive. A text longer than ``LONGEST`` is read up to there; what is unread is a find.
"""

from __future__ import annotations

import re
from functools import cache

from glue.privacy.mentions import PSEUDONYM
from glue.privacy.recognisers import numbers
from glue.privacy.recognisers.address import ADDRESS, ADDRESS_LINE
from glue.privacy.recognisers.birth_date import BIRTH_DATE
from glue.privacy.recognisers.fold import Folded, fold
from glue.privacy.recognisers.gate import FOLDS, Gate, any_of, leads
from glue.privacy.recognisers.handle import HANDLE, HANDLE_IN_WORDS, PROFILE, PROFILE_ID, named_by
from glue.privacy.recognisers.identity_numbers import LICENCE, PASSPORT
from glue.privacy.recognisers.lexicon import Lexicon
from glue.privacy.recognisers.mail import MAIL, MAIL_IN_WORDS
from glue.privacy.recognisers.name import LABELLED_NAME, NAME, OPENS, TAG, opening, opens
from glue.privacy.recognisers.payment import IBAN, TRANSACTION, TRANSACTION_CODE
from glue.privacy.recognisers.span import COVER, EXCESS, LONGEST, Places, Span, TextKind
from glue.privacy.recognisers.spoken import SPOKEN

__all__ = ["ENTITIES", "EXCESS", "KINDS", "PERSONS", "Span", "find", "named_by"]

KINDS: tuple[TextKind, ...] = (
    MAIL, MAIL_IN_WORDS, PROFILE, PROFILE_ID, HANDLE, HANDLE_IN_WORDS, BIRTH_DATE, PASSPORT, LICENCE, IBAN,
    TRANSACTION, TRANSACTION_CODE, ADDRESS, ADDRESS_LINE, LABELLED_NAME, NAME, TAG, SPOKEN,
)  # fmt: skip
_NUMBERS = tuple(kind.entity for kind in numbers.KINDS)
ENTITIES: tuple[str, ...] = tuple(dict.fromkeys((*_NUMBERS, *(kind.entity for kind in KINDS), EXCESS)))
PERSONS = frozenset({HANDLE.entity, PROFILE.entity})  # lead to one person, as the field of an author does
# What scrubbing put there: it neither is nor names anything that follows.
_SCRUBBED = re.compile(rf"{PSEUDONYM}|(?<=\[)(?:{'|'.join(ENTITIES)})(?=\])", re.ASCII)
_MARKED = tuple((mark, kind) for kind in KINDS for mark in kind.marks)
_LEXICON = Lexicon(KINDS)
_NUMBER, _WORD, _OPENING = "numbers", "words", "opening"  # parts of the search, beside the marks
_PUT = "put"  # by scrubbing: covered, and looked at once more
_ALL = frozenset({FOLDS, _NUMBER, _WORD, _OPENING, *(mark for mark, _ in _MARKED)})
_DIGITS = frozenset("০১২৩৪৫৬৭৮৯")


@cache
def _gate() -> Gate:
    scrubbed = rf"(?:HANDLE|PROFILE):|\[{any_of(ENTITIES)}"
    return Gate({numbers.BLOCK_BEGINS: {_NUMBER}, OPENS: {_OPENING}, scrubbed: {_PUT}, **leads(KINDS, _WORD)})


def find(text: str) -> list[Span]:
    """Every find in ``text``, by position, without overlaps."""
    parts = _gate().look(text)
    if parts and _PUT in parts:
        text = _SCRUBBED.sub(_covered, text)
        parts = _gate().look(text)
    if parts is None:
        return search(text)
    return search(text, parts) if parts else []


def search(text: str, parts: frozenset[str] = _ALL) -> list[Span]:
    """As :func:`find`, without a first look, which tells the ``parts`` that can find something."""
    if len(text) > LONGEST:
        return [*search(text[:LONGEST], parts), Span(LONGEST, len(text), EXCESS)]
    if parts is _ALL or parts >= _ALL:
        text = _SCRUBBED.sub(_covered, text)
    folds = FOLDS in parts
    folded = fold(text) if folds else fold(text, _DIGITS)
    plain = folded.text
    spans: list[Span] = []
    if len(plain) > LONGEST:
        plain = plain[:LONGEST]
        spans.append(Span(LONGEST, len(folded.text), EXCESS))
    if _NUMBER in parts:
        spans += numbers.find(plain)
    for mark, kind in _MARKED:
        if mark in parts and mark in plain:
            spans += kind.find(plain, Places.of_mark(plain, mark))
    if _OPENING in parts and opens(plain):
        spans += opening(plain)
    if _WORD in parts:
        spans += _LEXICON.find(plain, folds)
    return _ordered(spans, folded) if spans else spans


def _covered(match: re.Match[str]) -> str:
    return COVER * len(match.group())


def _ordered(spans: list[Span], folded: Folded) -> list[Span]:
    if len(spans) > 1:
        spans.sort()
        kept = [spans[0]]
        for span in spans[1:]:
            if span.start >= kept[-1].end:
                kept.append(span)
            elif span.end > kept[-1].end:  # both are personal: take their union
                kept[-1] = Span(kept[-1].start, span.end, kept[-1].entity)
        spans = kept
    if folded.same:
        return spans
    return [Span(*folded.original(start, end), entity) for start, end, entity in spans]
