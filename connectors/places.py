"""Which district or division a text names, by its code of ISO 3166-2: orders and weather meet by it."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from connectors.reading import western_digits
from glue.errors import ConfigError

_SEPARATORS = re.compile(r"[,;|/()\n।]+")
_JOINERS = dict.fromkeys(map(ord, "'’`.\u200b\u200c\u200d\ufeff"))
_LONGEST = 200
_FILE = Path(__file__).parent / "data" / "places.json"


@dataclass(frozen=True)
class _Places:
    codes: dict[str, str]
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
        words = sorted((_folded(word) for word in document["drop"]), key=len, reverse=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"file {_FILE}", f"it cannot be read: {error}", "correct it") from error
    return _Places(codes, re.compile(rf"(?:^|(?<= ))(?:{'|'.join(map(re.escape, words))})(?= |$)"))


def _folded(text: str) -> str:
    """One spelling of a name: without case, marks between words, joiners, digits (a postcode)."""
    plain = unicodedata.normalize("NFC", western_digits(text).casefold())
    kept = plain.translate(_JOINERS)
    words = "".join(char if char.isalpha() or unicodedata.category(char)[0] == "M" else " " for char in kept)
    return " ".join(words.split())


def place_code(*texts: str | None) -> str | None:
    """The code of the first text that names a place (``BD-13``); None where none does.

    A district wins over the division of its name, unless the text says division. In an address the last part counts:
    ``Mirpur 10, Dhaka-1216``.

    Raises:
        ConfigError: the file of places cannot be read.
    """
    known = _places()
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            continue
        parts = _SEPARATORS.split(text[:_LONGEST])
        for part in (text[:_LONGEST], *reversed(parts)):
            if found := _named(_folded(part), known):
                return found
    return None


def _named(name: str, known: _Places) -> str | None:
    while name:
        if code := known.codes.get(name):
            return code
        shorter = " ".join(known.drop.sub(" ", name, count=1).split())
        if shorter == name:
            break
        name = shorter
    words = name.split()
    # "Mirpur Dhaka": the place stands last, in one word or two (Chapai Nawabganj).
    return next((known.codes[end] for count in (2, 1) if (end := " ".join(words[-count:])) in known.codes), None)
