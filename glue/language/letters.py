"""One spelling a letter: what looks the same in Bengali is the same text afterwards."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = dict.fromkeys((0x200B, 0x200C, 0x200D, 0xFEFF))
_DIGITS = {0x09E6 + number: str(number) for number in range(10)}
# Unicode composes neither of these three: a keyboard types one code point or two, and they look the same
_NUKTA = {"\u09a1\u09bc": "\u09dc", "\u09a2\u09bc": "\u09dd", "\u09af\u09bc": "\u09df"}
_PAIRS = re.compile("|".join(_NUKTA))
BENGALI = re.compile(r"[\u0980-\u09ff]+")


def normalised(text: str) -> str:
    """The text with composed letters (ড় ঢ় য় as one code point), without joiners, its Bengali digits as 0 to 9."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text.translate(_JOINERS).translate(_DIGITS))
    return _PAIRS.sub(lambda found: _NUKTA[found.group()], text)
