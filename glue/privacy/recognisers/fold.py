"""One spelling of a text for the search: every script's digits as ASCII, compatibility forms and joiners resolved.

A find in the folded text maps back to the characters of the original. Most texts hold nothing to fold but Bengali
digits, which keep their length; only others pay for the map, and only where something is found.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate

_BENGALI_DIGITS = [(chr(0x09E6 + value), str(value)) for value in range(10)]
# What needs a look at each character: anything but printable ASCII, the Bengali block, usual punctuation and emoji.
_UNUSUAL = re.compile(
    "[^\t\n\r -~\u0964\u0965\u0980-\u09ff\u2013\u2014\u2018\u2019\u201c\u201d"
    "\u2026\u20ac\u2591\u2764\U0001f300-\U0001faff]"
)
_KEYCAP = "\u20e3"
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters by name, seen as nothing
_SAME = {
    0x2212: "-", 0x2044: "/", 0xFE63: "-", 0xFF0D: "-", 0x0130: "I",
    0x043E: "o", 0x041E: "O", 0x03BF: "o", 0x039F: "O", 0x0406: "I", 0x0456: "i", 0x04CF: "l", 0x04C0: "I",
}  # fmt: skip
_FEW = 8  # one in so many characters: then all are looked up at once
_MOST = 4  # characters for one; the few longer ones are words in one sign


class Folded:
    """A folded text, and the way back.

    Attributes:
        text: what the recognisers read.
        same: whether each place in it is the same place in the original.
    """

    __slots__ = ("_begins", "_source", "same", "text")

    def __init__(self, text: str, source: str | None = None) -> None:
        self.text, self._source, self.same = text, source, source is None
        self._begins: list[int] = []  # where each character of the original begins in the folded text

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of ``text[start:end]``, with the invisible characters that follow it."""
        if self._source is None:
            return start, end
        if not self._begins:
            widths = map(len, map(_TABLE.__getitem__, map(ord, self._source)))
            self._begins = list(accumulate(widths, initial=0))
        return bisect_right(self._begins, start) - 1, bisect_right(self._begins, end) - 1


def fold(text: str) -> Folded:
    """``text`` as the recognisers read it."""
    if text.isascii():
        return Folded(text)
    unusual = _UNUSUAL.findall(text)
    if len(unusual) * _FEW > len(text):
        return Folded(text.translate(_TABLE), text)
    source = text
    for char in set(unusual):
        text = text.replace(char, _TABLE[ord(char)])
    for bengali, latin in _BENGALI_DIGITS:
        if bengali in text:
            text = text.replace(bengali, latin)
    return Folded(text, source) if unusual else Folded(text)


class _Table(dict[int, str]):
    """What each character becomes, computed when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_one(chr(code))
        return folded


_TABLE = _Table()


def _fold_one(char: str) -> str:
    if _UNUSUAL.match(char) is None:  # :func:`fold` looks at none of these but digits
        return str(unicodedata.digit(char, char))
    category = unicodedata.category(char)
    if category in ("Cf", "Me") or char == _KEYCAP or char in _FILLERS or "\ufe00" <= char <= "\ufe0f":
        return ""  # soft hyphen, joiners, marks of direction, variation selectors, keycaps
    if category == "Mn" and ("\u0300" <= char <= "\u036f" or "\u20d0" <= char <= "\u20ff"):
        return ""  # strokes and accents upon a character
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    same = _SAME.get(ord(char))
    if same is not None:
        return same
    plain = unicodedata.normalize("NFKC", char)
    if plain != char and len(plain) <= _MOST:
        return "".join(_fold_one(one) if one != char else one for one in plain)
    return char
