"""Postal addresses as Bangladesh writes them: House 7, Road 3, Block C, Sector 10; বাসা ১২, রোড ৩; গ্রাম, পোস্ট, থানা.

One part alone is seldom an address ("Road 3 is closed"), so two neighbouring parts are asked for, or a house or a flat
with its number, or a word that says that an address follows; that one takes the rest of its line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from glue.privacy.recognisers.span import Places, Span, TextKind, spans_of, words_of

_NUMBER = (
    r"[#\-:.,\sঃ]{0,3}(?:no|nr|number|num|নং|নম্বর|নাম্বার)?[#\-:.\s]{0,3}"
    r"(?:\d{1,5}(?:[/\-]?[A-Za-z\d\u0985-\u09b9]{1,3})?(?![\d%])(?!\s?(?:tk|taka|টাকা|bdt|৳|/-))|[A-Z](?:[/\-]?\d{1,3})?\b"
    r"|(?:এইচ|এফ|এল|বি|সি|ডি|জি|আই|জে|কে|এ|ই)(?![\u0980-\u09ff]))"
)
_HOUSE = (
    r"(?:\bh(?=[#\-:])|\b(?:house|hous|hse|bari|basha|basa|holding|plot|flat|apartment|apt|building|bldg)(?![A-Za-z])"
    r"|হাউজ|হাউস|বাসা|বাড়ি|বাড়ি|বাড়ী|বাড়ী|হোল্ডিং|প্লট|ফ্ল্যাট|ফ্লাট|এপার্টমেন্ট|বিল্ডিং)"
)
_PART = (
    r"(?:\br(?=[#\-:])|\b(?:road|rd|block|blk|sector|sec|lane|avenue|ave|section|floor|level|lift|ward|gali|goli|line|street)(?![A-Za-z])"
    r"|রোড|রাস্তা|সড়ক|সড়ক|ব্লক|সেক্টর|লেন|গলি|এভিনিউ|সেকশন|তলা|ওয়ার্ড|ওয়ার্ড|লাইন|লিফট)"
)
_VILLAGE = (
    r"(?:\b(?:vill|village|gram|p\.? ?o|post(?=:)|post office|p\.? ?s|thana|upazila|upozila|union|zila|district|dist)\b"
    r"\.?"
    r"|গ্রাম|গ্রামঃ|ডাকঘর|পোস্ট অফিস|পো(?:স্ট)?(?=[:ঃ])|থানা|উপজেলা|ইউনিয়ন|ইউনিয়ন|জেলা)"
)
_COMPONENT = re.compile(
    rf"(?P<house>{_HOUSE}{_NUMBER})|(?P<part>{_PART}{_NUMBER})"
    rf"|(?P<village>{_VILLAGE}[ঃ:\-–.\s]{{1,4}}[A-Za-z\u0980-\u09ff]{{2,24}})",
    re.IGNORECASE,
)
_FLOOR = re.compile(r"(?<!\d)\d{1,3}(?:st|nd|rd|th)? ?(?:floor|fl\b|তলা|তালা)", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+|[\u0980-\u09ff]+")
_STREET = re.compile(  # 12/3 Green Road; 45 Kemal Ataturk Avenue
    r"(?<![\d/.,])(?:\d{1,4}/[\dA-Za-z\u0985-\u09b9]{1,3},? (?:[A-Za-z\u0980-\u09ff.]{2,16} ){1,3}"
    r"|\d{1,4}[,]? (?:[A-Z][a-z]{2,15} ){1,3})\Z"
)
_GAP = 16  # characters between two parts of one address
_FLOW = re.compile(r"[\s,;/|.\-–।()]*(?:[A-Za-z\u0980-\u09ff\-]{2,20}[\s,;/|.\-–।()]*){0,2}\Z")
_TAIL = re.compile(r"(?:[,\s\-–]{1,3}(?:[A-Z][a-z]{2,20}|[\u0980-\u09ff]{3,16})(?:[ \-–]{0,3}\d{4}\b)?){1,3}")
_LINE = re.compile(
    r"(?:(?:delivery |shipping |full |home |present |permanent )?\baddress\b|\badress\b|\bthikana\b|ঠিকানা|ঠিকানাঃ)"
    r"[ \t]{0,2}(?:is|holo|হলো|হচ্ছে|[:=\-–ঃ]|(?=[ \t]\d{1,4}[/\-]))[ \t]{0,3}"
    r"(?![\s]|inbox|din|দিন|দেন|kothay|কোথায়|কি\b|ki\b|pls|please)"
    r"([^\n।]{6,120})",
    re.IGNORECASE,
)


class Part(NamedTuple):
    """A part of an address; ``house`` is one that leads to a door by itself."""

    start: int
    end: int
    house: bool


def _find(text: str, places: Places) -> list[Span]:
    spans: list[Span] = []
    run: list[Part] = []
    for place in places.starts:
        part = _part(text, place)
        if part is None or (run and part.start < run[-1].end):
            continue
        if run and not _flows(text, run[-1].end, part.start):
            spans += _address(text, run)
            run = []
        run.append(part)
    return spans + _address(text, run) + places.unread


def _part(text: str, place: int) -> Part | None:
    match = _COMPONENT.match(text, place)
    if match is not None:
        return Part(*match.span(), match["house"] is not None)
    street = _STREET.search(text, max(0, place - 48), place)
    if street is not None:
        end = _WORD.match(text, place)
        return Part(street.start(), end.end() if end else place, True)
    floor = _FLOOR.search(text, max(0, place - 8), place + 6)
    return None if floor is None else Part(*floor.span(), False)


def _flows(text: str, end: int, start: int) -> bool:
    """Whether the text between two parts belongs to one address."""
    return start - end <= 2 * _GAP and _FLOW.match(text[end:start]) is not None


def _address(text: str, run: list[Part]) -> list[Span]:
    if len(run) < 2 and not (run and run[0].house):
        return []
    end = run[-1].end
    tail = _TAIL.match(text, end) if len(run) > 1 else None
    return [Span(run[0].start, tail.end() if tail and text[end : end + 1] == "," else end, "ADDRESS")]


_LEADING = words_of(
    "h house hous hse holding plot flat apartment apt building bldg basha basa bari "
    "হাউজ হাউস বাসা বাড়ি বাড়ি বাড়ী বাড়ী হোল্ডিং প্লট ফ্ল্যাট ফ্লাট এপার্টমেন্ট বিল্ডিং"
)
_FURTHER = words_of(
    "road rd block blk sector sec lane avenue ave section floor level lift ward gali goli line street village vill "
    "gram post thana p ps po r upazila upozila union zila district dist "
    "রোড রাস্তা সড়ক সড়ক "
    "ব্লক সেক্টর লেন গলি এভিনিউ সেকশন তলা ওয়ার্ড ওয়ার্ড লাইন লিফট জেলা গ্রাম পোস্ট পো ডাকঘর থানা উপজেলা ইউনিয়ন ইউনিয়ন"
)
_STREETS = words_of("road avenue lane street রোড সড়ক লেন এভিনিউ")
ADDRESS = TextKind("ADDRESS", _find, words=_LEADING | _FURTHER, pairs=(_FURTHER | {"h"}) - _STREETS)

ADDRESS_LINE = TextKind("ADDRESS", spans_of(_LINE, "ADDRESS", 1), words=words_of("address adress thikana ঠিকানা"))
