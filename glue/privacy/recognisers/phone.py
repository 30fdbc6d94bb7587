"""Phones: mobiles of Bangladesh as people type them, landlines, and foreign numbers with their plus.

Forms of a mobile (operators 013-019, and 011): ``01XXXXXXXXX``, ``+8801…``, ``8801…``, ``008801…``, bare
``1XXXXXXXXX``; with any separators, glued to words, or with a digit too many or too few, as long as its neighbours do
not name it as something else.
"""

from __future__ import annotations

import re

from glue.privacy.recognisers.context import bare_is_phone, is_amount, is_named_id, is_phone_word
from glue.privacy.recognisers.span import Block, NumberKind

_NATIONAL = 10  # digits of 1XXXXXXXXX
_SHORTEST, _LONGEST = 8, 12  # of the same, mistyped
_MOST_DIGITS = 17  # 00880 0 1XXXXXXXXX, and one more
_MOBILE = re.compile(r"(?P<prefix>(?:0{0,2}88)?0{0,2})(?P<national>1[13-9]\d*)\Z")
_BARE_SHAPES = ((10,), (4, 6), (4, 3, 3), (5, 5))
_TIGHT = re.compile(r"[\s\-./_,:·•–—()]{1,2}\Z")
_LANDLINE = re.compile(r"(?:0{0,2}880?|0)(?:2\d{7,9}|[3-9]\d{7,9}|9\d{9}|1[0-2]\d{8})\Z")
# Of Dhaka and of internet telephony, in forms that nothing else has: no amount begins with 0, a date groups otherwise
_PLAIN_LANDLINE = re.compile(
    r"(?:096\d{8}|096\d \d{7}|02\d{7,8}|0?9[67]\d{2,3} \d{6}|02 \d{7,8}|02 \d{4} \d{4}|(?:00)?8802\d{7,8}"
    r"|(?:00)?880 ?2 \d{7,8})\Z"
)
_COUNTRY = r"(?:971|966|974|965|968|973|962|961|20|39|44|49|33|34|60|65|61|81|82|86|91|92|94|95|977|1)"
_ABROAD = re.compile(rf"(?:00{_COUNTRY}|{_COUNTRY})[1-9]\d{{7,10}}\Z")
_REAL_DIGITS = 7


def claim(block: Block, at: int) -> int:
    """See :class:`NumberKind`."""
    if _has_plus(block, at) and (end := _foreign(block, at)):
        return end
    if _is_plain(block.groups[at].digits) and _enough_digits(block, at, at + 1):
        return at + 1
    if _is_fraction(block, at):
        return at
    best, best_gap = at, 99
    digits = ""
    if block.groups[at].digits[0] not in "018":
        return _landline(block, at)
    for end in range(at + 1, len(block.groups) + 1):
        digits += block.groups[end - 1].digits
        if len(digits) > _MOST_DIGITS:
            break
        match = _MOBILE.match(digits)
        if match is None:
            if len(digits) > 5:
                break
            continue
        length = len(match["national"])
        if end > at + 1 and len(block.groups[at].digits) == 1 and "_" in block.text[block.groups[at].end]:
            break  # u_0_1712345678 is a name in a program
        if not match["prefix"]:
            if length == _NATIONAL and _is_bare(block, at, end):
                return end
            continue
        if length == _NATIONAL and _enough_digits(block, at, end):
            return end
        gap = abs(length - _NATIONAL)
        if _SHORTEST <= length <= _LONGEST and gap <= best_gap and _is_mistyped(block, at, end):
            best, best_gap = end, gap
    return best if best > at else _landline(block, at)


def _is_plain(digits: str) -> bool:
    """The usual form, decided without a pattern."""
    return len(digits) == _NATIONAL + 1 and digits.startswith("01") and digits[2] in "13456789"


def _is_fraction(block: Block, at: int) -> bool:
    """The ``00`` of ``500.00``, which no phone begins with."""
    start, end, digits = block.groups[at]
    return (
        len(digits) == 2
        and end - start == 2
        and re.search(r"\d[.,]\Z", block.text[max(0, start - 2) : start]) is not None
    )


def _has_plus(block: Block, at: int) -> bool:
    start = block.groups[at].start
    return "+" in block.text[max(0, start - 2) : start]


def _enough_digits(block: Block, at: int, end: int) -> bool:
    """Look-alike letters alone are words."""
    text = block.text[block.groups[at].start : block.groups[end - 1].end]
    return sum(map(str.isdigit, text)) >= _REAL_DIGITS


def _is_bare(block: Block, at: int, end: int) -> bool:
    shape = tuple(len(group.digits) for group in block.groups[at:end])
    if len(shape) > 1 and end < len(block.groups) and block.groups[end - 1].digits.startswith("0"):
        return False  # the next number begins there
    return shape in _BARE_SHAPES and bare_is_phone(block.text, block.groups[at].start, block.groups[end - 1].end)


def _are_tight(block: Block, at: int, end: int) -> bool:
    """No more than a separator or two between the groups."""
    return all(
        _TIGHT.match(block.text[left.end : right.start])
        for left, right in zip(block.groups[at:end], block.groups[at + 1 : end], strict=False)
    )


def _is_mistyped(block: Block, at: int, end: int) -> bool:
    first, last = block.groups[at], block.groups[end - 1]
    if not _enough_digits(block, at, end) or first.digits.startswith("011"):
        return False
    if not _are_tight(block, at, end):
        return False
    if is_phone_word(block.text, first.start, last.end):
        return True
    if is_named_id(block.text, first.start):
        return False
    return first.digits.startswith("0") or not is_amount(block.text, first.start, last.end)  # no amount begins with 0


def _foreign(block: Block, at: int) -> int:
    """E.164 with its plus: 8 to 15 digits, the first not 0."""
    count = 0
    best = 0
    if block.groups[at].digits.startswith("0"):
        return 0
    for end in range(at + 1, len(block.groups) + 1):
        group = block.groups[end - 1]
        if end > at + 1 and _TIGHT.match(block.text[block.groups[end - 2].end : group.start]) is None:
            break
        count += len(group.digits)
        if count > 15:
            break
        if count >= 8:
            best = end
    return best


def _landline(block: Block, at: int) -> int:
    """Area code and subscriber, where a word or the form says that it is a phone."""
    digits = ""
    if block.end - block.groups[at].start <= _REAL_DIGITS:
        return at
    for end in range(at + 1, min(at + 5, len(block.groups)) + 1):
        digits += block.groups[end - 1].digits
        if len(digits) > 15:
            break
        if len(digits) >= _REAL_DIGITS + 4 and _ABROAD.match(digits) and _is_abroad(block, at, end, digits):
            return end
        if _is_plain_landline(block, at, end):
            return end
        if _LANDLINE.match(digits) and is_phone_word(block.text, block.groups[at].start, block.groups[end - 1].end):
            return end
    return at


def _is_plain_landline(block: Block, at: int, end: int) -> bool:
    groups = block.groups[at:end]
    if len(groups) > 3 or not _PLAIN_LANDLINE.match(" ".join(group.digits for group in groups)):
        return False
    start = groups[0].start
    if start and (block.text[start - 1].isalnum() or block.text[start - 1] in "#._-/"):
        return False  # the end of a longer number, code or name
    return _are_tight(block, at, end) and not is_named_id(block.text, start)


def _is_abroad(block: Block, at: int, end: int, digits: str) -> bool:
    """Without its plus, a foreign number needs its 00 and no other name, or a word for a phone right beside it."""
    start, last = block.groups[at].start, block.groups[end - 1].end
    if is_named_id(block.text, start) or is_amount(block.text, start, last):
        return False
    return digits.startswith("00") or is_phone_word(block.text, start, last)


PHONE = NumberKind("PHONE", claim)
