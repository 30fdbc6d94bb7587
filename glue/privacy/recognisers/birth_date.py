"""Dates of birth: a date with its year right beside a word that says what it is: DOB, জন্ম তারিখ, jonmo tarikh.

A birthday may also be that of a shop, or of a child to come, so beside such a word only a year before 2020 counts.
"""

from __future__ import annotations

import re

from glue.privacy.recognisers.gate import BEGINS, PARTS, any_of
from glue.privacy.recognisers.span import Places, Span, TextKind, words_of

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|জানুয়ার[িী]|জানুয়ার[িী]|ফেব্রুয়ার[িী]|ফেব্রুয়ার[িী]|মার্চ|এপ্রিল|মে|জুন|জুলাই"
    r"|আগস্ট|আগষ্ট|অগাস্ট|সেপ্টেম্বর|অক্টোবর|নভেম্বর|ডিসেম্বর|বৈশাখ|জ্যৈষ্ঠ|আষাঢ়|আষাঢ়|শ্রাবণ|ভাদ্র|আশ্বিন|কার্তিক"
    r"|অগ্রহায়ণ|অগ্রহায়ণ|পৌষ|মাঘ|ফাল্গুন|চৈত্র)"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|ই|শে|লা|রা|ঠা|তারিখ)?"
_DATE = (
    r"(?<!\d)(?:\d{1,2}(?: ?[./\-] ?| )\d{1,2}(?: ?[./\-] ?| )(?P<y1>\d{4}|\d{2})"
    r"|(?P<y2>\d{4})(?: ?[./\-] ?| )\d{1,2}(?: ?[./\-] ?| )\d{1,2}|\d{4}(?P<y3>(?:19|20)\d\d)"
    r"|(?P<y6>(?:19|20)\d\d)[01]\d[0-3]\d"
    rf"|{_DAY}(?: of)?[\s\-.,]{{1,2}}{_MONTH}[\s\-.,']{{0,3}}(?P<y4>\d{{4}}|\d{{2}})"
    rf"|{_MONTH}[\s\-.]{{1,2}}{_DAY}[\s\-.,']{{1,3}}(?P<y5>\d{{4}}|\d{{2}}))(?!\d)"
)
_NAMED = (
    r"(?:dob|d\.? ?o\.? ?b|o\.? ?b|birth[ _\-]?date|birth(?!\w)|jonmo[ _\-]?tarikh?|জন্ম ?তা(?:রিখ|ং)|জন্ম(?=[:ঃ ])"
    r"|जन्म ?(?:तिथि|तारीख))"
)
_KEPT = r"(?:birth ?day|born|jonmodin|জন্ম ?দিন)"
_ITSELF = re.compile(rf"{_NAMED}|(?P<kept>{_KEPT})", re.IGNORECASE)
_BEHIND = re.compile(
    rf"[\s:=\-–.,()ঃ]{{0,4}}(?:(?:is|was|on|holo|hocche|হলো|হল|হচ্ছে)[\s:]{{1,2}})?(?P<date>{_DATE})", re.IGNORECASE
)
_BEFORE = re.compile(  # 12/03/1990 is my date of birth
    rf"(?P<date>{_DATE})[\s,:()\-–]{{1,4}}(?:(?:is|was|holo|hocche|হলো|my|amar|আমার|the|his|her)\s{{1,2}}){{0,3}}"
    r"(?:date of )?\Z",
    re.IGNORECASE,
)
_WINDOW = 64
_PAST = 2020


def _find(text: str, places: Places) -> list[Span]:
    spans: list[Span] = []
    for place in places.starts:
        word = _ITSELF.match(text, place)
        if word is None:
            continue
        match = _BEHIND.match(text, word.end()) or _BEFORE.search(text, max(0, place - _WINDOW), place)
        if match is not None and (not word["kept"] or _is_past(match)):
            spans.append(Span(*match.span("date"), "BIRTH_DATE"))
    return spans + places.unread


def _is_past(match: re.Match[str]) -> bool:
    year = int(next(match[name] for name in ("y1", "y2", "y3", "y4", "y5", "y6") if match[name]))
    return 100 < year < _PAST


_WORDS = words_of(
    "dob birth birthdate birthday born jonmo jonmotarikh jonmotarik jonmodin জন্ম জন্মতারিখ জন্মদিন জন্মতাং जन्म जन्मतिथि"
)
BIRTH_DATE = TextKind(
    "BIRTH_DATE", _find, words=_WORDS, beside=frozenset({"o"}), after=frozenset({"d"}),
    leads=(f"(?i){BEGINS}(?:{any_of(_WORDS)}|d\\.? ?o\\.? ?b)(?:{PARTS}|$)",),
)  # fmt: skip
