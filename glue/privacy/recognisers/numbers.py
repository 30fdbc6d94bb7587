"""One pass over the digits of a text: each group of digits goes to the first kind of number that claims it.

A block is bounded, its groups are walked once, and each kind looks at a bounded number of groups, so the whole is
linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache

from glue.privacy.recognisers.gate import Gate, any_of
from glue.privacy.recognisers.identity_numbers import BIRTH, NID, TIN
from glue.privacy.recognisers.payment import ACCOUNT, CARD
from glue.privacy.recognisers.phone import PHONE
from glue.privacy.recognisers.span import EXCESS, MOST_FINDS, Block, Group, NumberKind, Span

KINDS: tuple[NumberKind, ...] = (NID, BIRTH, TIN, ACCOUNT, CARD, PHONE)  # in this order: a name beats a form
_UNNAMED = sum(not kind.marks for kind in KINDS)  # kinds that need no word
_MOBILE = 11  # digits
_MOST_CHARACTERS = 400  # a block longer than this is not text for people; all of it is taken

_SEPARATORS = (
    "\x00- !-/:-@\\[-`{}~\xa0-\xbf\u0964\u0965\u2000-\u2bff\u3000-\u303f\ufffd\U0001f000-\U0001faff"  # all but |
)
_LIKE = "oOlI|"  # typed for 0 and 1
_BETWEEN = f"</?(?:br?|i|u|p|s|em|td|tr|div|span) ?/?>|&[a-z]{{2,5}};|[{_SEPARATORS}]"
_BLOCK = re.compile(rf"[0-9](?:(?:{_BETWEEN}){{0,5}}+[0-9{_LIKE}]){{6,}}+")
BLOCK_BEGINS = f"[0-9০-৯](?:(?:{_BETWEEN}){{0,5}}[0-9০-৯{_LIKE}]){{6}}"  # before it is folded
_ESCAPED = re.compile(r"%2[0-9a-f]|&#(?:\d{2}|x[0-9a-f]{2});", re.IGNORECASE)  # a blank, a dash
_GROUP = re.compile(rf"[0-9{_LIKE}]+")
_DIGIT = str.maketrans(_LIKE, "00111")
_YEAR = 4  # digits
_DATE = re.compile(
    r"(?:[0-3]?\d[./\-\s][01]?\d[./\-\s](?:19|20)\d\d|(?:19|20)\d\d[./\-\s][01]?\d[./\-\s][0-3]?\d"
    r"|[01]?\d[./\-][0-3]?\d[./\-](?:19|20)\d\d)(?!\d)(?:[ T,]{1,2}[0-2]?\d:[0-5]\d(?::[0-5]\d)?)?"
)


def find(text: str) -> list[Span]:
    """Every number in a folded text that identifies a person."""
    spans: list[Span] = []
    kinds: tuple[NumberKind, ...] = ()
    if "%2" in text or "&#" in text:
        text = _ESCAPED.sub(lambda found: " " * len(found.group()), text)
    for count, match in enumerate(_BLOCK.finditer(text)):
        if count == MOST_FINDS:
            spans.append(Span(match.start(), len(text), EXCESS))
            break
        start, end = match.span()
        if end - start > _MOST_CHARACTERS:
            spans.append(Span(start, end, PHONE.entity))
            continue
        kinds = kinds or _possible(text)
        if end - start == _MOBILE and len(kinds) == _UNNAMED and _is_mobile(text, start, end):
            spans.append(Span(_with_plus(text, start), end, PHONE.entity))  # the usual form, without a look at groups
            continue
        for block in _blocks(text, start, end):
            if found := _in_block(block, kinds):
                spans += found
                break
    return spans


def _is_mobile(text: str, start: int, end: int) -> bool:
    return text.startswith("01", start) and text[start + 2] in "3456789" and text[start:end].isdigit()


def _blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """The block from ``start`` to ``end``; first with the look-alike letters before it, which may also be a word's."""
    matches = list(_GROUP.finditer(text, start, end))
    if text[end : end + 1].isalpha() and not any(map(str.isdigit, matches[-1].group())):
        del matches[-1]  # the beginning of a word: 01712345678 order
    groups = tuple([Group(*match.span(), _digits(match.group())) for match in matches])
    place = start
    while place and start - place < 2 and text[place - 1] in _LIKE:
        place -= 1
    for first_digit in range(place, start):
        first = Group(first_digit, groups[0].end, _digits(text[first_digit : groups[0].end]))
        yield Block(text, first_digit, end, (first, *groups[1:]))
    yield Block(text, start, end, groups)


def _digits(text: str) -> str:
    return text if text.isdigit() else text.translate(_DIGIT)


@cache
def _named() -> Gate:
    return Gate({f"(?i){any_of(kind.marks)}": {kind.entity} for kind in KINDS if kind.marks})


def _possible(text: str) -> tuple[NumberKind, ...]:
    """The kinds whose words occur in the text, and those that need none."""
    named: Collection[str] | None = _named().look(text)
    if named is None:
        lower = text.lower()
        named = {kind.entity for kind in KINDS if any(mark in lower for mark in kind.marks)}
    return tuple([kind for kind in KINDS if not kind.marks or kind.entity in named])


def _in_block(block: Block, kinds: tuple[NumberKind, ...]) -> list[Span]:
    spans: list[Span] = []
    text, at = block.text, 0
    while at < len(block.groups):
        if len(block.groups[at].digits) <= _YEAR and (skipped := _date(block, at)):
            at = skipped
            continue
        for kind in kinds:
            after = kind.claim(block, at)
            if after > at:
                first, last = block.groups[at], block.groups[after - 1]
                spans.append(Span(_with_plus(text, first.start), last.end, kind.entity))
                at = after
                break
        else:
            at += 1
    return spans


def _with_plus(text: str, start: int) -> int:
    """The place of a plus or a parenthesis right before it, which belongs to the number."""
    before = text[max(0, start - 2) : start]
    if "+" in before:
        return start - len(before) + before.index("+")
    return start - before.endswith("(")


def _date(block: Block, at: int) -> int:
    """The index after the groups of a date that begins at this group, or 0."""
    match = _DATE.match(block.text, block.groups[at].start)
    if match is None:
        return 0
    end = at
    while end < len(block.groups) and block.groups[end].end <= match.end():
        end += 1
    return end
