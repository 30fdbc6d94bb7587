"""Mail addresses: RFC 5322's usual form with domains in any script (RFC 6531), and how people hide or mistype them."""

from __future__ import annotations

import re

from glue.privacy.recognisers.span import Places, Span, TextKind, words_of

_LETTER = (
    r"\w\u0900-\u0963\u0966-\u0dff\u0e00-\u0e7f"  # with the vowel signs of Indian scripts and Thai, which are no \w
)
_LABEL = rf"[{_LETTER}][{_LETTER}\-]{{0,62}}+"
_PROVIDERS = "gmail yahoo hotmail outlook icloud ymail live proton protonmail rocketmail"
_PROVIDER = rf"(?:{_PROVIDERS.replace(' ', '|')})"
_PROVIDER_WORDS = "জিমেইল জিমেল ইয়াহু ইয়াহু হটমেইল আউটলুক जीमेल याहू"
_AT = r"(?:@{1,2}|%40|&#0{0,4}64;|&#x0{0,4}40;|&commat;)"
_RATE = r"the rate(?: of)?"  # "at the rate", as the sign is read aloud in South Asia
_DOMAIN = re.compile(
    rf"{_AT}(?:[ \t]?[\])}}>])?(?:[ \t]?{_RATE})?[ \t]{{0,2}}+"
    rf"(?:({_LABEL}(?:[ \t]?[\[({{]?\.[\])}}]?[ \t]?(?![\d])"
    rf"[{_LETTER}\-]{{2,63}}+|\.{_LABEL}|,(?:com|net|org|bd)\b){{1,6}}+)"
    rf"|{_PROVIDER}(?:\b|(?=com?\b))(?:[ .,]{{0,3}}(?:com?|con|cm)\b)?|\s{{1,3}}+{_PROVIDER} ?\. ?com?\b)",
    re.IGNORECASE,
)
_OF_PROVIDER = re.compile(rf"[\s#&;%@0-9]{{0,12}}{_PROVIDER}", re.IGNORECASE)
_LOCAL_END = re.compile(rf"[{_LETTER}.%+\-']{{1,64}}\Z")
_LOCAL_BEFORE_BLANK = re.compile(r"[A-Za-z0-9._%+\-]{2,64}[ \t]{1,2}\Z")
_LOCAL_BEFORE_BREAK = re.compile(r"[A-Za-z0-9._%+\-]{2,64}[ \t]?\r?\n[ \t]?\Z")

_AT_WORDS = "at et এট এ্যাট অ্যাট এ্যট অ্যট ऐट एट"
_DOT = r"(?:dot|ডট|डॉट|\.)"
_LOCAL_BEFORE_WORD = re.compile(
    rf"(?<![{_LETTER}.%+\-])([{_LETTER}.%+\-]{{1,64}}+)[ \t]{{0,2}}(?:([\[({{<])|[|*~\-])? ?\Z"
)
_MORE_LOCAL = re.compile(
    rf"(?:[{_LETTER}\-]{{1,32}}+[ \t]{{0,2}}[\[({{<]?(?:dot|ডট|underscore)[\])}}>]?[ \t]{{0,2}}){{1,3}}\Z",
    re.IGNORECASE,
)
_DOT_WORD = (
    rf"(?:[ \t]{{0,2}}[\[({{<|*~\-] ?{_DOT} ?[\])}}>|*~\-][ \t]{{0,2}}|[ \t]{{1,2}}{_DOT}[ \t]{{1,2}}|[ \t]?\.[ \t]?)"
)
_SPOKEN_LABEL = rf"[{_LETTER}\-]{{1,63}}+"
_SPOKEN_DOMAIN = re.compile(
    rf"[A-Za-z\u0900-\u09ff]{{1,8}}+(?:[ \t]{_RATE})?(?:[_\-.]{_PROVIDER}(?:[_\-.](?:dot[_\-.])?com)?\b"
    rf"| ?[\])}}>|*~\-]?[ \t]{{0,2}}+(?:{_SPOKEN_LABEL}(?:{_DOT_WORD}[{_LETTER}]{{2,24}}+){{1,3}}"
    rf"|(?:{_PROVIDER}|{'|'.join(_PROVIDER_WORDS.split())})(?![{_LETTER}])))",
    re.IGNORECASE,
)
_LETTER_A = "a এ"  # (a) for the sign, in brackets only
_ALONE = re.compile(rf"[aএ](?![{_LETTER}])", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"[aএ] ?[\])}}>] ?{_PROVIDER}(?:{_DOT_WORD}|[ .,]){{1,3}}+com?\b", re.IGNORECASE)
_SPOKEN_DOT = re.compile(rf"[\[({{<] ?{_DOT}|[ \t](?:dot|ডট|डॉट)[ \t]", re.IGNORECASE)
_WITHOUT_AT = re.compile(rf"{_PROVIDER}[ .]{{1,2}}com\b", re.IGNORECASE)
_LOCAL_WITHOUT_AT = re.compile(r"(?<![\w.%+\-])(?=[\w.%+\-]{0,60}\d)[\w.%+\-]{3,64}[ \t]{1,2}\Z")
_WINDOW = 72


def _find(text: str, places: Places) -> list[Span]:
    spans = [span for at in places.starts if (span := _around(text, at)) is not None]
    return spans + places.unread


def _around(text: str, at: int) -> Span | None:
    domain = _DOMAIN.match(text, at)
    if domain is None:
        return None
    while at and text[at - 1] in "[({<":
        at -= 1
    local = _LOCAL_END.search(text, max(0, at - 64), at)
    if local is None:  # a blank before the at: only before a real domain, or every mention would be a mail
        local = _LOCAL_BEFORE_BLANK.search(text, max(0, at - 66), at)
        if local is None and _OF_PROVIDER.match(domain.group()):
            local = _LOCAL_BEFORE_BREAK.search(text, max(0, at - 68), at)
        if local is None:
            return None
    name = domain.group(1)
    if (
        name is not None
        and not _OF_PROVIDER.match(name)
        and not name.rpartition(".")[2].strip(" \t[](){}")[:2].isalpha()
        and name.isascii()
    ):
        return None  # 2pcs@500.00
    return Span(local.start(), domain.end(), "EMAIL")


def _find_in_words(text: str, places: Places) -> list[Span]:
    spans = []
    for at in places.starts:
        span = _without_at(text, at) if _WITHOUT_AT.match(text, at) else _with_word(text, at)
        if span is not None:
            spans.append(span)
    return spans + places.unread


def _with_word(text: str, at: int) -> Span | None:
    local = _LOCAL_BEFORE_WORD.search(text, max(0, at - _WINDOW), at)
    domain = _SPOKEN_DOMAIN.match(text, at)
    if local is None or domain is None:
        return None
    if _ALONE.match(text, at) and not (local.group(2) and _IN_BRACKETS.match(text, at)):
        return None  # "make a gmail account"
    said = domain.group()
    named = re.search(rf"(?:{_PROVIDER}|{'|'.join(_PROVIDER_WORDS.split())})", said, re.IGNORECASE)
    if not (local.group(2) or named or _SPOKEN_DOT.search(said)):
        return None  # "look at shop.com"
    more = _MORE_LOCAL.search(text, max(0, local.start(1) - _WINDOW), local.start(1))
    return Span(more.start() if more else local.start(1), domain.end(), "EMAIL")


def _without_at(text: str, at: int) -> Span | None:
    local = _LOCAL_WITHOUT_AT.search(text, max(0, at - _WINDOW), at)
    provider = _WITHOUT_AT.match(text, at)
    return None if local is None or provider is None else Span(local.start(), provider.end(), "EMAIL")


MAIL = TextKind("EMAIL", _find, "@%&", leads=("(?i)@|%40|&#0*64;|&#x0*40;|&commat;",))
MAIL_IN_WORDS = TextKind(
    "EMAIL",
    _find_in_words,
    words=words_of(f"{_AT_WORDS} {_PROVIDERS}"),
    beside=words_of(_LETTER_A),
    before=words_of(_PROVIDERS),
)
