"""Mail addresses: RFC 5322's usual form with domains in any script (RFC 6531), and how people hide or mistype them."""

from __future__ import annotations

import re

from glue.privacy.recognisers.span import EXCESS, MOST_FINDS, Span, TextKind, spans_of, words_of

_LETTER = (
    r"\w\u0900-\u0963\u0966-\u0dff\u0e00-\u0e7f"  # with the vowel signs of Indian scripts and Thai, which are no \w
)
_LABEL = rf"[{_LETTER}][{_LETTER}\-]{{0,62}}+"
_AT = re.compile(r"@")
_DOMAIN = re.compile(
    rf"@[ \t]{{0,2}}+({_LABEL}(?:[ \t]?\.[ \t]?(?![\d])[{_LETTER}\-]{{2,63}}+|\.{_LABEL}){{1,6}}+)"
    r"|@[ \t]{0,2}+(?:gmail|yahoo|hotmail|outlook|icloud|ymail|live|proton)\b(?:[ .]{1,2}com?\b)?",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?:gmail|yahoo|hotmail|outlook|icloud|ymail|live|proton)\b", re.IGNORECASE)
_LOCAL_END = re.compile(rf"[{_LETTER}.%+\-']{{1,64}}\Z")
_LOCAL_BEFORE_BLANK = re.compile(r"[A-Za-z0-9._%+\-]{2,64}[ \t]{1,2}\Z")
_AT_WORD = r"(?:at|এট|অ্যাট|এ্যাট|ऐट|एट)"
_IN_BRACKETS = rf"[\[({{<] ?{_AT_WORD} ?[\])}}>]"
_DOT = r"(?:dot|ডট|डॉट)"
_DOT_WORD = rf"(?:[\[({{<] ?{_DOT} ?[\])}}>]|{_DOT}|\.)"
_PROVIDER = r"(?:gmail|yahoo|hotmail|outlook|জিমেইল|ইয়াহু|হটমেইল|जीमेल)"
_END = rf"[{_LETTER}]{{2,24}}+"
_WORDS = re.compile(
    rf"(?<![\w.%+\-])[{_LETTER}.%+\-]{{1,64}}+(?:"
    rf"[ \t]{{0,2}}{_IN_BRACKETS}[ \t]{{0,2}}[{_LETTER}\-]{{1,63}}+(?:[ \t]{{0,2}}{_DOT_WORD}[ \t]{{0,2}}{_END}){{1,3}}"
    rf"|[ \t]{{1,2}}{_AT_WORD}[ \t]{{1,2}}[{_LETTER}\-]{{1,63}}+(?:[ \t]{{1,2}}{_DOT}[ \t]{{1,2}}{_END}){{1,3}}"
    rf"|[ \t]{{1,2}}(?:{_IN_BRACKETS}|{_AT_WORD})[ \t]{{1,2}}{_PROVIDER}(?:[ \t]{{0,2}}{_DOT_WORD}[ \t]{{0,2}}{_END})?"
    rf"|[ \t]{{1,2}}(?:gmail|yahoo|hotmail)[ .]{{1,2}}com\b"
    rf")",
    re.IGNORECASE,
)


def _find(text: str) -> list[Span]:
    spans: list[Span] = []
    for count, at in enumerate(_AT.finditer(text)):
        if count == MOST_FINDS:
            spans.append(Span(at.start(), len(text), EXCESS))
            break
        if (span := _around(text, at.start())) is not None:
            spans.append(span)
    return spans


def _around(text: str, at: int) -> Span | None:
    domain = _DOMAIN.match(text, at)
    if domain is None:
        return None
    local = _LOCAL_END.search(text, max(0, at - 64), at)
    if local is None:  # a blank before the at: only before a real domain, or every mention would be a mail
        local = _LOCAL_BEFORE_BLANK.search(text, max(0, at - 66), at)
        if local is None:
            return None
    name = domain.group(1)
    if name is not None and not name.rpartition(".")[2].strip()[:2].isalpha() and name.isascii():
        return None  # 2pcs@500.00
    return Span(local.start(), domain.end(), "EMAIL")


MAIL = TextKind("EMAIL", _find, "@")
MAIL_IN_WORDS = TextKind(
    "EMAIL",
    spans_of(_WORDS, "EMAIL"),
    words=words_of("at dot gmail yahoo hotmail outlook জিমেইল এট অ্যাট এ্যাট ডট ऐट एट डॉट जीमेल"),
)
