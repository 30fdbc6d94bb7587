"""Finding personal data in text: one file a kind, one registry, one search.

:func:`find` folds a text (every script's digits, compatibility forms, invisible characters), asks the kinds whose marks
or words occur in it, and maps what they find back to the original characters. A new kind is a file and a line in
``KINDS`` (or, if it consists of digits, in :data:`glue.privacy.recognisers.numbers.KINDS`).

Every search is linear in the text: quantifiers are bounded, and neighbouring parts of a pattern share no character or
are possessive.
"""

from __future__ import annotations

from glue.privacy.recognisers import numbers
from glue.privacy.recognisers.address import ADDRESS, ADDRESS_LINE
from glue.privacy.recognisers.fold import fold
from glue.privacy.recognisers.handle import HANDLE, PROFILE
from glue.privacy.recognisers.identity_numbers import LICENCE, PASSPORT
from glue.privacy.recognisers.mail import MAIL, MAIL_IN_WORDS
from glue.privacy.recognisers.name import NAME
from glue.privacy.recognisers.payment import IBAN, TRANSACTION
from glue.privacy.recognisers.span import EXCESS, Span, TextKind

__all__ = ["ENTITIES", "EXCESS", "KINDS", "Span", "find"]

# Where two finds overlap, the union counts as the kind that stands first here.
KINDS: tuple[TextKind, ...] = (
    MAIL, MAIL_IN_WORDS, PROFILE, HANDLE, PASSPORT, LICENCE, IBAN, TRANSACTION, ADDRESS, ADDRESS_LINE, NAME,
)  # fmt: skip
_NUMBERS = tuple(kind.entity for kind in numbers.KINDS)
ENTITIES: tuple[str, ...] = tuple(dict.fromkeys((*_NUMBERS, *(kind.entity for kind in KINDS), EXCESS)))
_MARKS = {mark: tuple(kind for kind in KINDS if mark in kind.marks) for mark in "@/"}
_PAIRED = tuple(kind for kind in KINDS if kind.pairs)
_WORDS: dict[str, tuple[TextKind, ...]] = {
    word: tuple(kind for kind in KINDS if word in kind.words)
    for word in frozenset().union(*(kind.words for kind in KINDS))
}
_KNOWN = frozenset(_WORDS).union(*(kind.pairs for kind in KINDS))
_PARTING = ":,.-()/#=[]।ঃ|"  # parts words, beside blanks


def find(text: str) -> list[Span]:
    """Every find in ``text``, by position, without overlaps."""
    folded = fold(text)
    plain = folded.text
    spans = numbers.find(plain)
    wanted = [kind for mark, kinds in _MARKS.items() if mark in plain for kind in kinds]
    lower = plain.lower()
    for mark in _PARTING:
        if mark in lower:
            lower = lower.replace(mark, " ")
    if hits := _KNOWN.intersection(lower.split()):
        wanted += [kind for hit in hits for kind in _WORDS.get(hit, ())]
        if len(hits) > 1:
            wanted += [kind for kind in _PAIRED if len(kind.pairs & hits) > 1]
    for kind in dict.fromkeys(wanted):
        spans += kind.find(plain)
    if len(spans) > 1:
        spans = _without_overlaps(spans)
    if folded.places is None:
        return spans
    return [Span(*folded.original(start, end), entity) for start, end, entity in spans]


def _without_overlaps(spans: list[Span]) -> list[Span]:
    spans.sort()
    kept = [spans[0]]
    for span in spans[1:]:
        if span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:  # both are personal: take their union
            kept[-1] = Span(kept[-1].start, span.end, kept[-1].entity)
    return kept
