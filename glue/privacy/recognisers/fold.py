"""One spelling of a text for the search: every script's digits as ASCII, compatibility forms and joiners resolved.

A find in the folded text maps back to the characters of the original. Most texts hold nothing to fold but Bengali
digits, which keep their length; only others pay for the map.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_BENGALI_DIGITS = [(chr(0x09E6 + value), str(value)) for value in range(10)]
_BENGALI_DIGIT = re.compile("[\u09e6-\u09ef]")
# What needs a look at each character: anything but printable ASCII, the Bengali block, usual punctuation and emoji.
_UNUSUAL = re.compile(
    "[^\t\n\r -~\u0964\u0965\u0980-\u09ff\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u20ac\U0001f300-\U0001f64f]"
)
_KEYCAP = "\u20e3"
_STROKES = {0x2212: "-", 0x2044: "/", 0xFE63: "-", 0xFF0D: "-", 0x0130: "I"}


class Folded(NamedTuple):
    """A folded text; ``places[i]`` is where its character i begins in the original, None where both have one length."""

    text: str
    places: list[int] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of ``text[start:end]``, with the invisible characters that follow it."""
        return (start, end) if self.places is None else (self.places[start], self.places[end])


def fold(text: str) -> Folded:
    """``text`` as the recognisers read it."""
    if text.isascii():
        return Folded(text, None)
    if _UNUSUAL.search(text) is None:
        return Folded(_latin_digits(text) if _BENGALI_DIGIT.search(text) else text, None)
    parts: list[str] = []
    index: list[int] = []
    for place, char in enumerate(text):
        seen = _fold_one(char)
        parts.append(seen)
        index += [place] * len(seen)
    index.append(len(text))
    return Folded("".join(parts), index)


def _latin_digits(text: str) -> str:
    for bengali, latin in _BENGALI_DIGITS:
        if bengali in text:
            text = text.replace(bengali, latin)
    return text


@lru_cache(4096)
def _fold_one(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cf", "Me") or char == _KEYCAP or "\ufe00" <= char <= "\ufe0f":
        return ""  # soft hyphen, joiners, marks of direction, variation selectors, keycaps
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    stroke = _STROKES.get(ord(char))
    if stroke is not None:
        return stroke
    plain = unicodedata.normalize("NFKC", char)
    if plain != char:
        return "".join(_fold_one(one) if one != char else one for one in plain)
    return char
