"""What sources read out of text: counts in every notation, hashtags, products."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from connectors.reading import western_digits

# Units as the platforms show them in English, Bengali and Hindi (CLDR's compact forms), by what they multiply with.
# T is a thousand in India and a million millions elsewhere: it is not read.
_THOUSAND = "k thousand thousands hazar hajar হাজার হা हज़ार हजार"
_LAKH = "l lakh lakhs lac lacs লাখ লক্ষ লা लाख ला"
_CRORE = "cr crore crores koti কোটি কো करोड़ करोड क"
_UNITS = {
    **dict.fromkeys(_THOUSAND.split(), 10**3),
    **dict.fromkeys(_LAKH.split(), 10**5),
    **dict.fromkeys(_CRORE.split(), 10**7),
    **dict.fromkeys(["m", "mn", "mln", "million", "millions", "মিলিয়ন", "मिलियन"], 10**6),
    **dict.fromkeys(["b", "bn", "billion", "billions", "বিলিয়ন", "बिलियन", "अरब", "अ"], 10**9),
    **dict.fromkeys(["खरब", "ख"], 10**11),
    "नील": 10**13,
    "शंख": 10**15,
}
# হাজার কোটি, "TCr": what precedes crore multiplies it.
_BEFORE_CRORE = {**dict.fromkeys(f"{_THOUSAND} t".split(), 10**3), **dict.fromkeys(_LAKH.split(), 10**5),
                 **dict.fromkeys(["শত", "শ", "सौ", "hundred"], 100)}  # fmt: skip
_NOUNS = """
    like likes comment comments share shares view views play plays reaction reactions follower followers reply replies
    sold rating ratings review reviews people person times repost reposts save saves favorite favorites subscriber
    subscribers all
    বিক্রি বিক্রিত রেটিং রিভিউ
    লাইক লাইকস মন্তব্য কমেন্ট কমেন্টস শেয়ার ভিউ প্রতিক্রিয়া রিঅ্যাকশন রিয়েকশন রিয়্যাক্ট জন টি টা বার ফলোয়ার অনুসরণকারী উত্তর
    দেখা হয়েছে মানুষ জনের সাবস্ক্রাইবার
    लाइक लाइक्स पसंद टिप्पणी टिप्पणियां टिप्पणियाँ कमेंट कमेंट्स शेयर व्यू व्यूज व्यूज़ बार प्रतिक्रिया प्रतिक्रियाएं
    प्रतिक्रियाएँ लोग फ़ॉलोअर फॉलोअर देखा गया सब्सक्राइबर
"""
_PLAIN = re.compile(r"\d+|\d{1,3}(?:[ ',]\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}|\d{1,3}(?:\.\d{3})+")
_SCALED = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})(?:\.(\d+))?")
_DECIMAL_COMMA = re.compile(r"(?<!\d)(\d+),(\d{1,2})")
_COUNT = re.compile(r"(\d(?:[\d., '’٬٫]*\d)?)\s*(.*)", re.DOTALL)
# A hashtag begins with a letter, digit or _; marks belong to the letter before them, joiners stand between two.
_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x1_1000)
    if unicodedata.category(chr(code)) in ("Mn", "Mc") and not 0xFE00 <= code <= 0xFE0F
)
_HASHTAG = re.compile(rf"[#＃](\w[\w{_MARKS}\u200c\u200d]{{0,99}})")
_HASHTAGS = re.compile(rf"(?<![\w&/])(?:{_HASHTAG.pattern})+")  # the platforms also link #one#two
# What they show in place of 0.
_NOTHING = (
    "no views|no comments|no comments yet|no likes|no likes yet|no shares|no replies|no reactions"
    "|কোনো মন্তব্য নেই|কোনও মন্তব্য নেই|কোনো ভিউ নেই|कोई टिप्पणी नहीं|कोई कमेंट नहीं|कोई व्यू नहीं"
)
_PRODUCT_ID = re.compile(r"(?<![A-Za-z0-9])MX-[0-9]{4,8}(?![A-Za-z0-9])", re.IGNORECASE)


def parse_count(text: str | None) -> int:
    """A count as a page shows it, read as a whole; nothing is 0.

    ``1.2K``, ``3.4M``, ``12,345``, ``1,23,456``, ``১২,৩৪৫``, ``১.২ হাজার``, ``২ লাখ+``, ``1.5 करोड़``, ``56 Comments``,
    ``All reactions: 5``, ``No comments``.
    Without a unit there are only separators of groups; with one, a comma before one or two digits is a decimal mark.

    Raises:
        ValueError: there is text that is not a count as a whole.
    """
    if text is None:
        return 0
    plain = _folded(text)
    if not plain or plain in _ZEROS:
        return 0
    found = _COUNT.fullmatch(plain) or _COUNT.fullmatch(_without_label(plain))
    if not found:
        raise ValueError("no count in this text")
    number = found.group(1).replace("’", "'").replace("٬", ",").replace("٫", ".")
    scale, behind = _scale(found.group(2))
    if behind:
        raise ValueError("no count that can be read as a whole")
    if scale == 1:
        if not _PLAIN.fullmatch(number):
            raise ValueError("no count: a number without a unit has no decimals")
        return int(re.sub(r"\D", "", number))
    if comma := _DECIMAL_COMMA.fullmatch(number):
        whole, decimals = comma.groups()
    elif point := _SCALED.fullmatch(number):
        whole, decimals = point.group(1).replace(",", ""), point.group(2) or ""
    else:
        raise ValueError("no count: its number can be read in two ways")
    units: int
    units, rest = divmod(int(whole + decimals) * scale, 10 ** len(decimals))
    if rest:
        raise ValueError("no count: more decimals than its unit has")
    return units


def _folded(text: str) -> str:
    """One case, one form of each letter, ASCII digits, plain spaces."""
    plain = western_digits(text.translate(INVISIBLE)).casefold()
    return " ".join(plain.split())


INVISIBLE = dict.fromkeys(
    (*map(ord, "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufe0f\ufeff"), *range(0x202A, 0x202F),
     *range(0x2066, 0x206A))
)  # fmt: skip
_BLANK = "\u115f\u1160\u2800\u3164\ufe0f\uffa0"  # letters and signs by name, seen as nothing
_UNITS = {_folded(name): scale for name, scale in _UNITS.items()}
_BEFORE_CRORE = {_folded(name): scale for name, scale in _BEFORE_CRORE.items()}
_CRORES = frozenset(map(_folded, _CRORE.split()))
_LABELS = frozenset(map(_folded, _NOUNS.split()))
_ZEROS = frozenset(map(_folded, _NOTHING.split("|")))


def _without_label(text: str) -> str:
    """``Likes: 5`` and ``All reactions: 5`` without the words before the number."""
    words = text.replace(":", " ", 1).split()
    while words and words[0] in _LABELS:
        words.pop(0)
    return " ".join(words)


def _scale(behind: str) -> tuple[int, str]:
    """What the words behind a number multiply it with, and what of them is neither a unit nor a word for counts."""
    words = [word.strip("+.॰") for word in re.sub(r"[+.॰]", " ", behind).split()]
    scale = 1
    if words and (glued := _glued(words[0])):
        words[:1] = glued
    if len(words) > 1 and words[0] in _BEFORE_CRORE and words[1] in _CRORES:
        scale, words = _BEFORE_CRORE[words[0]] * 10**7, words[2:]
    elif words and words[0] in _UNITS:
        scale, words = _UNITS[words[0]], words[1:]
    return scale, " ".join(word for word in words if word not in _LABELS)


def _glued(word: str) -> list[str]:
    """``tcr``, ``klikes`` or ``হাজারটি`` in its parts."""
    if word in _UNITS or word in _LABELS:
        return []
    for start in (*_BEFORE_CRORE, *_UNITS):
        rest = word.removeprefix(start)
        if rest != word and (rest in _LABELS or (start in _BEFORE_CRORE and rest in _CRORES)):
            return [start, rest]
    return []


def hashtags(text: str) -> list[str]:
    """Hashtags without the #, lower case, each once, in order; as written, of two forms of one letter the first."""
    tags = (tag for run in _HASHTAGS.finditer(text) for tag in _HASHTAG.findall(run.group()))
    found: dict[str, str] = {}
    for tag in tags:
        plain = tag.rstrip("\u200c\u200d").lower()
        found.setdefault(unicodedata.normalize("NFC", plain), plain)
    return list(found.values())


def has_no_text(text: str | None) -> bool:
    """Whether a post holds nothing to read: no text, or only blanks and invisible characters."""
    return all(char in _BLANK or unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cc", "Cf") for char in text or "")


def product_ids(text: str) -> list[str]:
    """Ids of catalogue products (``MX-1023``) that the text names, each once; also ``mx-১০২৩``."""
    return list(dict.fromkeys(found.upper() for found in _PRODUCT_ID.findall(western_digits(text))))


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
