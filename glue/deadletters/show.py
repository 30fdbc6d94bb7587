"""Showing what is inside a letter, with personal data masked."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

from glue.avro import Decoder
from glue.deadletters.read import Letter
from glue.deadletters.replay import open_letter
from glue.errors import DataError, MillionXError
from glue.privacy.atrest import AtRest
from glue.privacy.keyring import Keyring
from glue.privacy.shown import cause, masked


def contents(letter: Letter, ring: Keyring, decode: Decoder) -> dict[str, Any]:
    """What a letter holds: the masked value where it can be read, else why not and its size, never raw bytes."""
    try:
        original = open_letter(letter, ring)
    except MillionXError as error:
        return {"unreadable": error.why}
    found: dict[str, Any] = {"bytes": len(original.value or b"")}
    if original.value is None:
        return {**found, "value": None}
    try:
        value, schema = decode(original.value)
    except MillionXError as error:
        return {**found, "unreadable": error.why, "starts": base64.b16encode(original.value[:5]).decode()}
    with suppress(DataError, UnicodeDecodeError):  # else it stays encrypted, and is hidden
        value = AtRest(ring).decrypt(original.topic, (original.key or b"").decode(), value, schema)
    return {**found, "schema": schema.get("name"), "value": masked(value, schema)}


def letter_cause(letter: Letter) -> str:
    """The cause of a letter as it may be shown."""
    names = ("class.name", "exception.class.name", "exception.message")
    return cause(*(letter.header(name) for name in names))
