"""Numbers that a state gives a person: NID, birth registration, TIN; passports and driving licences.

A national id has 10, 13 or 17 digits, as many as an order number, so a word beside it decides. Birth registrations
have 17 digits (16 in older ones), tax numbers 12. A passport of Bangladesh is one or two letters and seven digits; a
driving licence two letters of the office and 7 to 13 letters and digits.
"""

from __future__ import annotations

import re

from glue.privacy.recognisers.context import nid_after, nid_before
from glue.privacy.recognisers.phone import claim as claim_phone
from glue.privacy.recognisers.span import Block, Claim, NumberKind, TextKind, spans_of, words_of

_NID_DIGITS = (10, 13, 17)
_BEFORE = r"[^\d\n;।<>=░]{0,24}\Z"
_BIRTH_WORD = re.compile(
    rf"(?:birth ?(?:reg|cert|no|num|id)|jonm[oa] ?(?:nib|son)|\bbrn\b|\bbrc\b|জন্ম ?(?:নিবন্ধন|সনদ)){_BEFORE}",
    re.IGNORECASE,
)
_TIN_WORD = re.compile(
    rf"(?:\be-?tin\b|\btin\b|tax ?(?:id|payer)|টি ?আই ?এন|টিন ?(?:নম্বর|নং|সার্টিফিকেট)){_BEFORE}", re.IGNORECASE
)
_PASSPORT = re.compile(
    r"(?:passport|পাসপোর্ট|passpot|pasport|pp ?no)[^\n;।<>=░]{0,24}?"
    r"(?<![A-Za-z0-9])([A-Za-z]{1,2}[ \-]?\d(?:[ \-]?\d){6,7})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LICENCE = re.compile(
    r"(?:driving|licen[cs]e|\bd/?l no|লাইসেন্স|লাইসেন্স)[^\n;।<>=░]{0,24}?(?<![A-Za-z0-9])"
    r"((?=[A-Za-z0-9\-]{0,14}\d{4})[A-Za-z]{2}[ \-]?[A-Za-z0-9\-]{7,15})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_WINDOW = 64


def _claim_nid(block: Block, at: int) -> int:
    start = block.groups[at].start
    if nid_before(block.text, start):
        return _take(block, at, _NID_DIGITS)
    if nid_after(block.text, block.end) and sum(len(group.digits) for group in block.groups[at:]) in _NID_DIGITS:
        return len(block.groups)
    return at


def _take(block: Block, at: int, lengths: tuple[int, ...]) -> int:
    """The longest run of groups with one of these numbers of digits that does not eat into a phone."""
    best, total = at, 0
    for end in range(at + 1, len(block.groups) + 1):
        total += len(block.groups[end - 1].digits)
        if total > lengths[-1]:
            break
        if total in lengths:
            best = end
            if end == at + 1:
                break  # one group that is whole
            if end < len(block.groups) and claim_phone(block, end) > end:
                break
    return best


def _claim_named(word: re.Pattern[str], lengths: tuple[int, ...]) -> Claim:
    def claim(block: Block, at: int) -> int:
        start = block.groups[at].start
        if word.search(block.text, max(0, start - _WINDOW), start) is None:
            return at
        return _take(block, at, lengths)

    return claim


NID = NumberKind(
    "NID",
    _claim_nid,
    (
        "nid",
        "n.i.d",
        "n i d",
        "id card",
        "idcard",
        "national",
        "smart",
        "voter",
        "আইডি",
        "আই ডি",
        "জাতীয়",
        "জাতীয়",
        "ভোটার",
        "পরিচয়",
        "পরিচয়",
        "স্মার্ট",
    ),
)
BIRTH = NumberKind("BIRTH_ID", _claim_named(_BIRTH_WORD, (16, 17)), ("birth", "brn", "brc", "জন্ম", "jonm"))
TIN = NumberKind("TIN", _claim_named(_TIN_WORD, (12,)), ("tin", "tax", "টি", "টিন"))
PASSPORT = TextKind(
    "PASSPORT",
    spans_of(_PASSPORT, "PASSPORT", 1),
    words=words_of("passport passpot pasport passportno pp ppno পাসপোর্ট পাসপোর্টের"),
)
LICENCE = TextKind(
    "LICENCE",
    spans_of(_LICENCE, "LICENCE", 1),
    words=words_of("driving licence license licences dl লাইসেন্স লাইসেন্সের ড্রাইভিং"),
)
