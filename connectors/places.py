"""Which district or division a text names, by its code of ISO 3166-2: orders and weather meet by it."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from connectors.reading import western_digits
from glue.errors import ConfigError

_SEPARATORS = re.compile(r"[,;|/()\n।]+")
_JOINERS = dict.fromkeys(map(ord, "'’`.\u200b\u200c\u200d\ufeff"))
_LONGEST = 200
_FILE = Path(__file__).parent / "data" / "places.json"


@dataclass(frozen=True)
class _Places:
    codes: dict[str, str]
    division_of: dict[str, str]  # of each district
    namesake_of: dict[str, str]  # the division of a district's name
    upazila_in: dict[str, frozenset[str]]  # districts in which an upazila has the name of this one
    elsewhere: frozenset[str]
    outside: frozenset[str]
    drop: re.Pattern[str]


@cache
def _places() -> _Places:
    try:
        document = json.loads(_FILE.read_text(encoding="utf-8"))
        codes: dict[str, str] = {}
        for one in document["places"]:
            for name in (one["name"], one["bengali"], *one["spellings"]):
                if codes.setdefault(_folded(name), one["code"]) != one["code"]:
                    raise ValueError(f"{name} is the name of two places")
        districts = [one for one in document["places"] if one["kind"] == "district"]
        words = sorted((_folded(word) for word in document["drop"]), key=len, reverse=True)
        return _Places(
            codes,
            {one["code"]: one["division"] for one in districts},
            {one["code"]: codes[name] for one in districts if (name := _folded(f"{one['name']} Division")) in codes},
            {one["code"]: frozenset(one.get("upazila_in", ())) for one in districts},
            frozenset(map(_folded, document["elsewhere"])),
            frozenset(map(_folded, document["outside"])),
            re.compile(rf"(?:^|(?<= ))(?:{'|'.join(map(re.escape, words))})(?= |$)"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"file {_FILE}", f"it cannot be read: {error}", "correct it") from error


def _folded(text: str) -> str:
    """One spelling of a name: without case, marks between words, joiners, accents of Latin, digits (a postcode)."""
    plain = unicodedata.normalize("NFC", western_digits(text).casefold())
    kept = "".join(unicodedata.normalize("NFD", char)[0] if char < "\u0250" or "Ḁ" <= char <= "ỿ" else char
                   for char in plain.translate(_JOINERS))  # fmt: skip
    words = "".join(char if char.isalpha() or unicodedata.category(char)[0] == "M" else " " for char in kept)
    return " ".join(words.split())


def place_code(*texts: Any) -> str | None:
    """The code of the first text that names a place (``BD-13``); None where none does, or where they contradict.

    A district wins over the division of its name, unless the text says division: ``Bogura, Rajshahi`` is Bogura. Two
    districts of which none lies in the other, a foreign country, and ``outside Dhaka`` name no place.

    Raises:
        ConfigError: the file of places cannot be read.
    """
    known = _places()
    parts = [
        [_folded(part) for part in (text, *_SEPARATORS.split(text))]
        for text in (one[:_LONGEST] for one in texts if isinstance(one, str))
    ]
    if any(_elsewhere(part, known) for one in parts for part in one):
        return None
    return next((code for one in parts if (code := _code(one, known))), None)


def _elsewhere(part: str, known: _Places) -> bool:
    words = part.split()
    ends = {" ".join(words[-count:]) for count in (1, 2, 3)}
    return bool(ends & known.elsewhere or known.outside & set(words))


def _code(parts: list[str], known: _Places) -> str | None:
    """What the parts of one text name together; the first of them is the text itself."""
    whole, *rest = parts
    found = list(dict.fromkeys(code for part in (rest or [whole]) if (code := _named(part, known))))
    if not found and (code := _named(whole, known)):
        return code
    if not found:  # "Mirpur Dhaka": the place stands last, in one word or two (Chapai Nawabganj)
        ends = (" ".join(part.split()[-count:]) for part in (*reversed(rest), whole) for count in (2, 1))
        return next((known.codes[end] for end in ends if end in known.codes), None)
    districts = [code for code in found if code in known.division_of]
    divisions = [code for code in found if code not in known.division_of]
    within = {known.division_of[code] for code in districts}
    if len(districts) > 1:
        # Of "Bogura, Rajshahi" the latter is the division, of "Sherpur, Bogura" the former the upazila.
        districts = [
            code for code in districts
            if not any(known.division_of[other] == known.namesake_of.get(code) for other in districts if other != code)
        ]  # fmt: skip
        districts = [code for code in districts if not known.upazila_in[code] & set(districts)]
    if len(districts) > 1 or len(divisions) > 1 or (districts and divisions and not within & set(divisions)):
        return None
    return next(iter((*districts, *divisions)), None)


def _named(name: str, known: _Places) -> str | None:
    """The place of a name as a whole, without the words that say what it is a name of, from the last one on."""
    while name:
        if code := known.codes.get(name):
            return code
        matches = list(known.drop.finditer(name))
        if not matches:
            return None
        last = matches[-1]
        name = " ".join((name[: last.start()] + name[last.end() :]).split())
    return None
