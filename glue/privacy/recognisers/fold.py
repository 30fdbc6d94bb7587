"""One spelling of a text for the search: every script's digits as ASCII, compatibility forms and joiners resolved.

A find in the folded text maps back to the characters of the original. Most texts hold nothing to fold but Bengali
digits, which keep their length; only others pay for the map, and only where something is found.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate, count
from operator import add

# Of what is not ASCII, what stays as it is, as part of a pattern's set: letters and signs of Bengali, usual punctuation
# and emoji.
PLAIN = (
    "\u0964\u0965\u0980-\u09e5\u09f0-\u09ff\u2013\u2014\u2018\u2019\u201c\u201d"
    "\u2026\u20ac\u2591\u2764\U0001f300-\U0001faff"
)
_FOLDED = re.compile(rf"[^\x00-\x7f{PLAIN}]+")
_KEYCAP = "\u20e3"
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters by name, seen as nothing
_SAME = {
    0x2212: "-", 0x2044: "/", 0xFE63: "-", 0xFF0D: "-", 0x0130: "I",
    0x043E: "o", 0x041E: "O", 0x03BF: "o", 0x039F: "O", 0x0406: "I", 0x0456: "i", 0x04CF: "l", 0x04C0: "I",
    0x24D0: "@", 0x24B6: "@", 0x249C: "@",  # a letter in a circle or in brackets
}  # fmt: skip
_FEW = 24  # different ones; more are looked up at once
_MOST = 4  # characters for one; the few longer ones are words in one sign


class Folded:
    """A folded text, and the way back.

    Attributes:
        text: what the recognisers read.
        same: whether each place in it is the same place in the original.
    """

    __slots__ = ("_ahead", "_behind", "_irregular", "_source", "same", "text")

    def __init__(self, text: str, source: str = "", irregular: frozenset[str] = frozenset()) -> None:
        """``irregular``: which characters of ``source`` do not become one character."""
        self.text, self._source, self._irregular = text, source, irregular
        self.same = not irregular
        self._behind: list[int] = []  # places of irregular characters in the source
        self._ahead: list[int] = []  # where what each of them became ends in the folded text, less one

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of ``text[start:end]``, with the invisible characters that follow it."""
        return (start, end) if self.same else (self._place(start), self._place(end))

    def _place(self, folded: int) -> int:
        if not self._behind:
            signs = f"[{re.escape(''.join(sorted(self._irregular)))}]"
            between = re.split(signs, self._source)[:-1]
            self._behind = list(map(add, accumulate(map(len, between)), count()))
            longer = {char: len(_TABLE[ord(char)]) - 1 for char in self._irregular}
            more = accumulate(map(longer.__getitem__, map(self._source.__getitem__, self._behind)))
            self._ahead = list(map(add, self._behind, more))
        passed = bisect_left(self._ahead, folded)
        place = folded + (self._behind[passed - 1] - self._ahead[passed - 1] if passed else 0)
        return min(place, self._behind[passed]) if passed < len(self._behind) else place


def fold(text: str, chars: Iterable[str] | None = None) -> Folded:
    """``text`` as the recognisers read it.

    Args:
        chars: what may lie in it of all that may have to be folded, where this is known.
    """
    if text.isascii():
        return Folded(text)
    there = [char for char in chars if char in text] if chars else set("".join(_FOLDED.findall(text)))
    changed = [char for char in there if _TABLE[ord(char)] != char]
    if len(changed) > _FEW:
        folded = text.translate(_TABLE)
    else:
        folded = text
        for char in changed:
            folded = folded.replace(char, _TABLE[ord(char)])
    return Folded(folded, text, frozenset(char for char in changed if len(_TABLE[ord(char)]) != 1))


class _Table(dict[int, str]):
    """What each character becomes, computed when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_one(chr(code))
        return folded


_TABLE = _Table()


def _fold_one(char: str) -> str:
    if _FOLDED.match(char) is None:  # as above: what is not looked up must be what the way back takes it for
        return char
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
