"""Whether a value holds something of a person: by its identifying fields, by its texts, by pseudonyms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from glue.privacy.identity import normalise
from glue.privacy.keyring import Keyring
from glue.privacy.recognisers import find
from glue.privacy.recognisers.fold import fold
from glue.privacy.tags import tag_of
from glue.rights.person import FIELD, ORDER, SHOP, Person

_GAP = r"[^0-9a-z]{0,3}"  # what people put between the digits of a phone
_GMAIL = "gmail.com"
_PERSONAL = ("PII_ID", "PII_DROP")
_NAMED = re.compile(r"user|author|handle|nick|unique_?id", re.IGNORECASE)  # native fields that hold handles
_NATIVE_ORDER = ("id", "order_id")


class Matcher:
    """Looks for one person in values.

    Args:
        ring: its keys make the pseudonyms that are looked for.
    """

    def __init__(self, person: Person, ring: Keyring) -> None:
        self._person, self._pseudonyms = person, frozenset(person.pseudonyms(ring))
        self._orders, self._shops = frozenset(person.of(ORDER)), frozenset(person.of(SHOP))
        self._names = {one for one in person.identities if one.startswith("name:")}
        self._persons = {one for one in person.identities if one.startswith(("phone:", "mail:"))}
        parts = [re.escape(one.casefold()) for one in self._pseudonyms]
        parts += map(_written, [*self._names, *self._persons])
        self._text = re.compile("|".join(parts)) if parts else None

    def in_value(self, value: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
        """Whether a record of a schema is about the person, or mentions them."""
        if not self._in_scope(value):
            return False
        if value.get(FIELD[ORDER]) in self._orders or value.get(FIELD[SHOP]) in self._shops:
            return True
        tags = {field["name"]: tag_of(field) for field in schema["fields"]}
        return any(
            self._names_them(text) if tags.get(name) in _PERSONAL else self.in_text(text)
            for name, one in value.items()
            for text in _texts(one)
        )

    def part_of(self, value: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        """As much of a record as is the person's: all of their own, of another's what mentions them."""
        tags = {field["name"]: tag_of(field) for field in schema["fields"]}
        own = value.get(FIELD[ORDER]) in self._orders or value.get(FIELD[SHOP]) in self._shops
        for name, one in value.items():
            own |= tags.get(name) == "PII_ID" and any(map(self._names_them, _texts(one)))
            own |= isinstance(one, str) and one in self._pseudonyms
        return dict(value) if own else {n: one for n, one in value.items() if any(map(self.in_text, _texts(one)))}

    def in_native(self, value: Any) -> bool:
        """Whether JSON as a vendor gave it, or anything else without a schema, is about the person."""
        if isinstance(value, Mapping):
            if not self._in_scope(value):
                return False
            if any(str(value[name]) in self._orders for name in _NATIVE_ORDER if name in value):
                return True
            if value.get(FIELD[SHOP]) in self._shops:
                return True
            return any(
                self._names_them(one) if isinstance(one, str) and _NAMED.search(str(name)) else self.in_native(one)
                for name, one in value.items()
            )
        if isinstance(value, list):
            return any(map(self.in_native, value))
        return isinstance(value, str) and self.in_text(value)

    def in_text(self, text: str) -> bool:
        """Whether free text holds a pseudonym, the phone, the mail or the handle, however written."""
        if self._text is None or not text:
            return False
        if self._text.search(fold(text).text.casefold()) or text in self._pseudonyms:
            return True
        return bool(self._persons) and any(normalise(text[start:end]) in self._persons for start, end, _ in find(text))

    def _names_them(self, text: str) -> bool:
        return normalise(text) in self._person.identities or self.in_text(text)

    def _in_scope(self, value: Mapping[str, Any]) -> bool:
        """Of a shop's request only records of that shop; what names no shop is no shop's."""
        return not self._person.shop or value.get(FIELD[SHOP], self._person.shop) == self._person.shop


def _written(identity: str) -> str:
    """An expression for the spellings of an identity in folded text of one case."""
    kind, _, text = identity.partition(":")
    if kind == "phone":
        return _GAP.join(text) + r"(?!\d)"
    if kind == "mail":
        local, _, domain = text.partition("@")
        dots, domains = (r"\.?", r"(?:gmail|googlemail)\.com") if domain == _GMAIL else ("", re.escape(domain))
        return (
            rf"(?<![\w.]){dots.join(map(re.escape, local))}(?:\+[\w.+-]{{0,64}})?\s{{0,2}}@\s{{0,2}}{domains}(?![\w-])"
        )
    return rf"[@/]\s?{re.escape(text)}(?!\w)"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def earliest(value: Mapping[str, Any]) -> int | None:
    """The earliest time that a record names, milliseconds since the epoch; None if it names none.

    An order is as old as its first state, a post as its publication: a later state of either is no new data.
    """
    found = [moment for one in value.values() if (moment := _moment(one)) is not None]
    return int(min(found).timestamp() * 1000) if found else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str) and 19 < len(value) < 36 and value[4:5] == "-" and value[10:11] == "T":
        try:
            return _moment(datetime.fromisoformat(value))
        except ValueError:
            return None
    return None
