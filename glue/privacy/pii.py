"""Finding personal data in text: phones of Bangladesh and abroad, mails, national ids in context.

Every search is linear in the text: quantifiers are bounded, neighbouring parts of a pattern share no character, and a
cheap gate decides whether a search is worth starting. Phones are sought in a shadow of the text, character for
character as long as the text, in which every script's digits are ASCII and every separator is a space; so a find in
the shadow is a find in the text.

Forms of a Bangladeshi mobile (operators 013-019, and 011): ``01XXXXXXXXX``, ``+8801…``, ``8801…``, ``008801…``, bare
``1XXXXXXXXX``; spaces, dashes, dots and the like between digits; Bengali digits; letters o, O, l, I and | for 0 and 1;
glued to words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from glue.privacy.pii_context import bare_is_phone, nid_after, nid_before


class Span(NamedTuple):
    """A find: ``text[start:end]`` is a PHONE, EMAIL or NID, or EXCESS, the unread rest of a hostile text."""

    start: int
    end: int
    entity: str


_SEPARATORS = " \t\u00a0\u2000-\u200f\u2010-\u2015\u202a-\u202f\u2060-\u2064\u2212\ufe0f\ufeff.()\\-·•~"
_DIGIT_SCRIPTS = (
    "০",
    "0",
    "٠",
    "۰",
    "०",
    "０",
)  # Bengali, ASCII, Arabic, Persian, Devanagari, full width: each its zero
_DIGITS = "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _DIGIT_SCRIPTS)
_LIKE = "oOlI|"

# A digit, then at least six more digits or look-alikes with at most three separators between two of them.
_BLOCK = re.compile(rf"[{_DIGITS}](?:[{_SEPARATORS}]{{0,3}}+[{_DIGITS}{_LIKE}]){{6,}}+")
_HEAD = re.compile(rf"(?:[+＋(]?[{_LIKE}{_SEPARATORS}]{{0,2}})\Z")

_SHADOW: dict[int, str] = {}
for _zero in _DIGIT_SCRIPTS:
    for _value in range(10):
        _SHADOW[ord(_zero) + _value] = str(_value)
for _code in (*range(0x20), 0x20, 0xA0, *range(0x2000, 0x2070), 0x2212, 0xFE0F, 0xFEFF, *map(ord, ".()-·•~")):
    _SHADOW[_code] = " "
_SHADOW[ord("\n")] = "\n"
_SHADOW[ord("＋")] = "+"
for _letter, _digit in (("o", "o"), ("O", "o"), ("l", "l"), ("I", "l"), ("|", "l")):
    _SHADOW[ord(_letter)] = _digit

_0, _1, _N, _G = "[0o]", "[1l]", "[0-9ol]", " {0,3}+"
_MOBILE = rf"{_0}{_G}{_1}{_G}[13-9](?:{_G}{_N}){{8}}"
_COUNTRY = rf"(?:\+{_G}|{_0}{_G}{_0}{_G})?8{_G}8{_G}"
_PHONE = re.compile(
    rf"(?<![0-9])(?:{_COUNTRY})?{_MOBILE}(?![0-9])"  # 01…, 8801…, +8801…, 008801…
    rf"|(?<![0-9])(?:{_COUNTRY}0?{_G}){_MOBILE}(?![0-9])"  # +88 001…
    rf"|(?<![0-9])1[3-9][0-9]{{2}} ?[0-9]{{6}}(?![0-9])"  # bare, judged by its neighbours
    rf"|(?<![0-9])1[3-9][0-9]{{2}} [0-9]{{3}} [0-9]{{3}}(?![0-9])"
    rf"|\+{_G}[1-9](?:{_G}[0-9]){{7,14}}(?![0-9])"  # abroad (E.164), only with its plus
)
_NID = re.compile(r"(?<![0-9])[0-9](?: ?[0-9]){9}(?:(?: ?[0-9]){3}(?:(?: ?[0-9]){4})?)?(?![0-9])")
_NID_THEN_PHONE = re.compile(
    _NID.pattern.replace("?)?(?![0-9])", "??)??(?![0-9])") + rf"(?= {{1,3}}(?:{_COUNTRY})?{_MOBILE}(?![0-9]))"
)
_NID_LAST = re.compile(_NID.pattern + r"\Z")
_DATE = re.compile(
    r"(?:[0-3]?[0-9]\D[0-3]?[0-9]\D(?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}\D[0-3]?[0-9]\D[0-3]?[0-9])(?![0-9])"
)

_MAIL = re.compile(
    r"[@＠](?<=[\w.%+\-][@＠])[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}+)(?:\.[A-Za-z0-9\-]{1,63}+){1,6}+"
    r"|[@＠](?<=[\w.%+\-][@＠]) ?(?:gmail|yahoo|hotmail|outlook|icloud|ymail|live)(?: ?\. ?com\b)?",
    re.IGNORECASE,
)
_MAIL_WORDS = re.compile(
    r"(?<![\w.%+\-])[\w.%+\-]{1,64}+ {0,2}+[\[({] ?at ?[\])}] {0,2}+[A-Za-z0-9\-]{1,63}+"
    r"(?: {0,2}+(?:\.|[\[({] ?dot ?[\])}]) {0,2}+[A-Za-z]{2,24}+){1,3}+",
    re.IGNORECASE,
)
_LOCAL_END = re.compile(r"[\w.%+\-]{1,64}\Z")
_AT = re.compile(r"[@＠]")
_MOST = 128  # candidates in one text; beyond that it is no text of a person, and the rest of it is taken unread
_MAX_DIGITS = 400  # a block longer than this is no text for people; all of it is taken


def find(text: str) -> list[Span]:
    """Every find in ``text``, by position, without overlaps."""
    spans = _mails(text) if "@" in text or "＠" in text or "at" in text else []
    for number, block in enumerate(_BLOCK.finditer(text)):
        if number == _MOST:
            spans.append(Span(block.start(), len(text), "EXCESS"))
            break
        spans += _in_block(text, block.start(), block.end())
    return _without_overlaps(spans) if len(spans) > 1 else spans


def _mails(text: str) -> list[Span]:
    spans: list[Span] = []
    for number, at in enumerate(_AT.finditer(text)):
        if number == _MOST:
            return [*spans, Span(at.start(), len(text), "EXCESS")]
        match = _MAIL.match(text, at.start())
        if match is None:
            continue
        domain = match.group()
        if "." in domain and not domain.rpartition(".")[2][:2].isalpha():
            continue  # 2pcs@500.00
        start = match.start()
        local = _LOCAL_END.search(text, max(0, start - 64), start)
        spans.append(Span(local.start() if local else start, match.end(), "EMAIL"))
    if "at" in text and ("(" in text or "[" in text or "{" in text):
        spans += [Span(m.start(), m.end(), "EMAIL") for m in _MAIL_WORDS.finditer(text)]
    return spans


def _in_block(text: str, start: int, end: int) -> list[Span]:
    """The phones and national ids in one run of digits and separators."""
    if end - start > _MAX_DIGITS:
        return [Span(start, end, "PHONE")]
    head = _HEAD.search(text, max(0, start - 3), start)
    if head:
        start = head.start()
    shadow = text[start:end].translate(_SHADOW)
    spans: list[Span] = []
    position = 0
    if nid_before(text, start) and (match := _NID_THEN_PHONE.search(shadow) or _NID.search(shadow)):
        spans.append(Span(start + match.start(), start + match.end(), "NID"))
        position = match.end()
    if nid_after(text, end) and (match := _NID_LAST.search(shadow, position)):
        spans.append(Span(start + match.start(), end, "NID"))
        shadow = shadow[: match.start()]
    while match := _PHONE.search(shadow, position):
        position = match.end()
        if _is_phone(text, start + match.start(), start + match.end(), match.group()):
            spans.append(Span(start + match.start(), start + match.end(), "PHONE"))
        elif date := _DATE.match(shadow, match.start()):
            position = date.end()
        else:
            position = match.start() + 1
    return spans


def _is_phone(text: str, start: int, end: int, found: str) -> bool:
    digits = sum(map(str.isdigit, found))
    if digits < 7:  # look-alike letters alone are words
        return False
    if found[0] == "1":
        return bare_is_phone(text, start, end)
    return not _DATE.match(found)


def _without_overlaps(spans: list[Span]) -> list[Span]:
    spans.sort()
    kept = [spans[0]]
    for span in spans[1:]:
        if span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:  # both are personal: take their union
            kept[-1] = Span(kept[-1].start, span.end, kept[-1].entity)
    return kept


def ascii_digits(text: str) -> str:
    """``text`` with the digits of every script as ASCII, compatibility forms folded (NFKC)."""
    return unicodedata.normalize("NFKC", text).translate(_ONLY_DIGITS)


_ONLY_DIGITS = {code: digit for code, digit in _SHADOW.items() if digit.isdigit()}
