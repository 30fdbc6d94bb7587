"""What sources read out of text: counts in every notation, hashtags, products."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_COUNT = re.compile(r"(\d[\d.,]*)\s*(k|m|b|lakh|crore|হাজার|লাখ|লক্ষ|কোটি)?\b", re.IGNORECASE)
_SCALE = {
    "k": 10**3, "m": 10**6, "b": 10**9, "lakh": 10**5, "crore": 10**7,
    "হাজার": 10**3, "লাখ": 10**5, "লক্ষ": 10**5, "কোটি": 10**7,
}  # fmt: skip
# Combining marks belong to a Bengali word, so \w alone would cut it.
_HASHTAG = re.compile(r"#([\w\u0980-\u09FF]{1,100})")
_PRODUCT_ID = re.compile(r"\bMX-\d{4,8}\b")


def parse_count(text: str | None) -> int:
    """A count as a page shows it: ``1.2K``, ``3.4M``, ``12,345``, ``১২,৩৪৫``, ``১.২ হাজার``; nothing is 0.

    A number with a unit has a decimal mark, one without has only separators of thousands (also Indian ones: 1,23,456).

    Raises:
        ValueError: there is text, but no count in it.
    """
    if text is None or not text.strip():
        return 0
    found = _COUNT.search(unicodedata.normalize("NFKC", text).translate(_ASCII_DIGITS))
    if not found:
        raise ValueError("no count in this text")
    number, unit = found.group(1).rstrip(".,"), (found.group(2) or "").lower()
    if not unit:
        return int(re.sub(r"[.,]", "", number))
    whole, _, rest = number.replace(",", ".").rpartition(".")
    if not whole:
        return int(rest) * _SCALE[unit]
    # 1,234.5K has both marks: only the last one is decimal
    return round(float(f"{whole.replace('.', '')}.{rest}") * _SCALE[unit])


_ASCII_DIGITS = {ord("০") + digit: str(digit) for digit in range(10)}


def hashtags(text: str) -> list[str]:
    """Hashtags without the #, lower case, each once, in order."""
    return list(dict.fromkeys(tag.lower() for tag in _HASHTAG.findall(text)))


def product_ids(text: str) -> list[str]:
    """Ids of catalogue products (``MX-1023``) that the text names, each once."""
    return list(dict.fromkeys(_PRODUCT_ID.findall(text)))


class Mentions:
    """Finds products by their spellings: canonical name -> spellings in English, Bengali, Banglish."""

    def __init__(self, spellings: Mapping[str, Sequence[str]]) -> None:
        self._patterns = [
            # Latin words need edges; Bengali ones take endings (জুতার, শাড়িটা), so only their beginning counts.
            (name, re.compile("|".join(_pattern(one) for one in ways), re.IGNORECASE))
            for name, ways in spellings.items()
            if ways
        ]

    def __call__(self, text: str) -> list[str]:
        """Canonical names of the products mentioned."""
        plain = unicodedata.normalize("NFC", text)
        return [name for name, pattern in self._patterns if pattern.search(plain)]


def _pattern(spelling: str) -> str:
    escaped = re.escape(unicodedata.normalize("NFC", spelling))
    return rf"\b{escaped}(?:s|es|er|ta|ti|gulo)?\b" if spelling.isascii() else rf"(?<![\u0980-\u09FF]){escaped}"
