"""Showing what is inside a letter, with personal data masked."""

from __future__ import annotations

import base64
from typing import Any

from glue.avro import Decoder
from glue.deadletters.read import Letter
from glue.deadletters.replay import open_letter
from glue.errors import MillionXError
from glue.privacy.keyring import Keyring
from glue.privacy.tags import tag_of
from glue.transforms.contract import Record
from glue.transforms.jsonvalue import to_json
from glue.transforms.scrub import ScrubPII

_HIDDEN = "•••"


def masked(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """``value`` for people's eyes: identities hidden, texts scrubbed, as the schema's tags ask."""
    scrub = ScrubPII()
    scrub.configure({"drop": "false"})
    shown = dict(value)
    for field in schema["fields"]:
        if tag_of(field) in ("PII_ID", "PII_DROP") and shown.get(field["name"]) is not None:
            shown[field["name"]] = _HIDDEN
    record = scrub.apply(Record("", None, shown, schema))
    return dict(to_json(record.value))


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
    return {**found, "schema": schema.get("name"), "value": masked(value, schema)}
