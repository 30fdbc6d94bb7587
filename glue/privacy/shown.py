"""What may be shown: texts without secrets and personal data, values masked as their schema's tags ask."""

from __future__ import annotations

import re
from typing import Any

from glue.avro_types import to_json
from glue.privacy.atrest import is_encrypted
from glue.privacy.scrub import Scrubber
from glue.privacy.tags import tag_of
from glue.secrets import mask_text

HIDDEN = "•••"
_OURS = ("glue.", "connectors.")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_LONG = 8  # numbers of a list that are shown; a vector has hundreds
_TEXT = 400


def clean(text: str) -> str:
    """Free text without what looks like a secret, a phone number, a mail address or a national id."""
    return Scrubber().text(mask_text(text))


def masked(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """``value`` for people's eyes, as JSON: identities and what is encrypted hidden, texts scrubbed as the tags ask."""
    shown = {name: _hidden(one) for name, one in value.items()}
    for field in schema["fields"]:
        if tag_of(field) in ("PII_ID", "PII_DROP") and shown.get(field["name"]) is not None:
            shown[field["name"]] = HIDDEN
    Scrubber(drop=False).value(shown, schema)
    return dict(to_json(shown))


def _hidden(value: Any) -> Any:
    """A copy of ``value`` without what is encrypted."""
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return HIDDEN if is_encrypted(value) else value


def visible_key(key: bytes | None) -> str | None:
    """A record's key where it is one of ours (a UUID that tells nothing about a person); hidden otherwise."""
    if key is None:
        return None
    return key.decode() if _UUID.match(key) else HIDDEN


def visible_value(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A decoded value, masked as in the dead-letter display, and short: long lists and texts are cut."""
    return {name: _short(one) for name, one in masked(value, schema).items()}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        if len(value) > _LONG and all(isinstance(one, int | float) for one in value):
            head = ", ".join(f"{one:.3f}" for one in value[:3])
            return f"[{head}, … {len(value)} numbers]"
        return [_short(one) for one in value[: 4 * _LONG]]
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, str) and len(value) > _TEXT:
        return value[:_TEXT] + "…"
    return value


def cause(by_class: str, error: str, message: str) -> str:
    """The cause of a dead letter as it may be shown.

    Messages of this project hold no field values, by contract. What another program wrote may quote a record, so only
    the kind of its error is shown; ``mxctl dlq show`` has the rest.

    Args:
        by_class: the class that refused the record.
        error, message: class and text of the exception.
    """
    if by_class.startswith(_OURS) or error.startswith(_OURS):
        return clean(message)
    return f"{error.rpartition('.')[2] or 'unknown error'} (its text may quote the record, so it is not shown here)"
