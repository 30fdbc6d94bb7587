"""Mobiles whose digits are written as words, in English, Bengali and Banglish: zero one seven …, শূন্য এক সাত …

The first ones may stand in digits, ``017 one two …``; then the number must be whole.
"""

from __future__ import annotations

import re

from glue.privacy.recognisers.gate import BEGINS, PARTS, any_of
from glue.privacy.recognisers.span import Places, Span, TextKind, words_of

_WORDS = {
    "0": "zero jiro jero shunno sunno shunyo sunyo o শূন্য শুন্য শূণ্য জিরো",
    "1": "one ek aek এক ওয়ান ওয়ান",
    "2": "two dui duy দুই টু",
    "3": "three tin teen তিন থ্রি",
    "4": "four char chaar চার ফোর",
    "5": "five pach panch pac পাঁচ পাচ ফাইভ",
    "6": "six choy chhoy soy ছয় ছয় সিক্স",
    "7": "seven sat shat saat সাত সেভেন",
    "8": "eight at aat আট এইট",
    "9": "nine noy নয় নয় নাইন",
}
_DIGIT = {word: digit for digit, words in _WORDS.items() for word in words.split()}
_TIMES = {"double": 2, "dabol": 2, "ডাবল": 2, "triple": 3, "ট্রিপল": 3}
_TOKEN = re.compile(
    r"([A-Za-z]{1,8}|[\u0980-\u09e5]{1,10}|[0-9]{1,11})(?:[\s,\-./]{1,3}|(?=[^A-Za-z\u0980-\u09e5])|\Z)"
)
_MOBILE = re.compile(r"(?:(?:00)?88)?01[3-9]\d{6,9}\Z")
_WHOLE = re.compile(r"(?:(?:00)?88)?01[3-9]\d{8}\Z")
_DIGITS_BEFORE = re.compile(
    r"(?<![\w.])\+?(?:(?:00)?880?[\s\-]{0,2})?[0oO]?[\s\-]?1(?:[\s\-./]?\d){0,9}[\s,\-./]{1,3}\Z"
)
_WINDOW = 32
_LONGEST = 18  # tokens
_LEAST_WORDS = 2


def _find(text: str, places: Places) -> list[Span]:
    spans: list[Span] = []
    for place in places.starts:
        if spans and place < spans[-1].end:
            continue
        before = _DIGITS_BEFORE.search(text, max(0, place - _WINDOW), place)
        start = before.start() if before else place
        end = _number(text, start + (text[start] == "+"), whole=True) if before else 0
        if not end:
            start, end = place, _number(text, place, whole=False)
        if end:
            spans.append(Span(start, end, "PHONE"))
    return spans + places.unread


def _number(text: str, place: int, whole: bool) -> int:
    """Where the number that begins at ``place`` ends, 0 where there is none, or no ``whole`` one."""
    digits, words, times, end, at = "", 0, 1, 0, place
    for _ in range(_LONGEST):
        match = _TOKEN.match(text, at)
        word = match.group(1).lower() if match else ""
        if match is None or not (word in _TIMES or word in _DIGIT or word.isdigit()):
            break
        at = match.end()
        if word in _TIMES:
            times = _TIMES[word]
            continue
        digits += _DIGIT.get(word, word) * times
        words, times, end = words + (word in _DIGIT), 1, match.end(1)
        if _WHOLE.match(digits):
            break
    if whole:
        return end if words and _WHOLE.match(digits) else 0
    return end if words >= _LEAST_WORDS and _MOBILE.match(digits) else 0


_LEADING = (words_of(_WORDS["0"]) - {"o"}) | frozenset(_TIMES)
_ANY = words_of(" ".join(_WORDS.values())) - {"o"} | frozenset(_TIMES)
SPOKEN = TextKind(
    "PHONE",
    _find,
    words=_ANY,
    leads=(
        f"(?i){BEGINS}{any_of(_LEADING)}(?:{PARTS}|$)",
        rf"(?i)[1১](?:[\s\-./]?[0-9০-৯]){{0,9}}[\s,\-./]{{1,3}}{any_of(_ANY)}(?:{PARTS}|$)",
    ),
)
