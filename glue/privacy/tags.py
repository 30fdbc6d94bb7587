"""Privacy tags of an Avro schema: which field may travel as it is, and what must happen to the others.

``"confluent:tags"`` on a field is one of the names below; the tag of a record or map field holds for what lies in it
unless an inner field says otherwise. A text without a tag counts as personal (fail closed).
"""

from __future__ import annotations

from typing import Any, Literal

from glue.avro_types import branches, expanded, type_name
from glue.errors import DataError

Tag = Literal["PUBLIC", "SCRUBBED", "PII_TEXT", "PII_ID", "PII_DROP"]
SAFE: frozenset[str] = frozenset({"PUBLIC", "SCRUBBED"})
_ORDER = ("PII_DROP", "PII_ID", "PII_TEXT", "SCRUBBED", "PUBLIC")


def holds_text(avro_type: Any) -> bool:
    """Whether free text can lie anywhere in the type (strings, raw bytes, and what holds them)."""
    for branch in branches(avro_type):
        name = type_name(branch)
        if name == "string" or (name in ("bytes", "fixed") and not _is_decimal(branch)):
            return not (isinstance(branch, dict) and branch.get("logicalType") == "uuid")
        if name == "map":
            return True  # its keys are texts
        if name == "array" and holds_text(branch["items"]):
            return True
        if name == "record" and any(holds_text(field["type"]) for field in branch["fields"]):
            return True
        if name not in _KNOWN:
            return True  # a reference to a named type: nothing is known, so nothing is assumed
    return False


_NUMBERS = ("enum", "boolean", "int", "long", "float", "double")
_KNOWN = frozenset(("string", "bytes", "fixed", "map", "array", "record", *_NUMBERS))


def _is_decimal(branch: Any) -> bool:
    return isinstance(branch, dict) and branch.get("logicalType") == "decimal"


def tag_of(field: dict[str, Any], inherited: Tag | None = None) -> Tag:
    """The tag that holds for a field; the strictest of several. Numbers and flags without a tag are PUBLIC."""
    tags = field.get("confluent:tags") or ()
    tags = {tags} if isinstance(tags, str) else set(tags)
    if tags - set(_ORDER):
        tags |= {"PII_TEXT"}  # a tag that this version does not know
    for tag in _ORDER:
        if tag in tags:
            return tag  # type: ignore[return-value]
    if inherited is not None:
        return inherited
    return "PII_TEXT" if holds_text(field["type"]) else "PUBLIC"


def closed_pattern(field: dict[str, Any]) -> str | None:
    """The pattern of a PUBLIC text that passes as it is: ``closed``, or the ``pattern`` of its constraints."""
    found: str | None = field.get("closed") or (field.get("constraints") or {}).get("pattern")
    return found


def stricter_tag(one: dict[str, Any], other: dict[str, Any]) -> Tag:
    """The stricter of the tags of two fields."""
    return min(tag_of(one), tag_of(other), key=_ORDER.index)


def personal_fields(
    schema: dict[str, Any] | None, inherited: Tag | None = None, safe: frozenset[str] = SAFE
) -> list[str]:
    """Dotted names of the fields whose tag is none of ``safe``. An unknown schema is one personal field, ``*``.

    What lies in arrays, maps, unions and named types is followed; a map's keys are texts of the field itself.
    """
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return ["*"]
    return _personal(expanded(schema), inherited, safe)


def _personal(record: dict[str, Any], inherited: Tag | None, safe: frozenset[str]) -> list[str]:
    found: list[str] = []
    for field in record["fields"]:
        tag = tag_of(field, inherited)
        explicit: Tag | None = tag if field.get("confluent:tags") else inherited
        nested = [] if tag in ("PII_ID", "PII_DROP") else _records(field["type"])
        for inner in nested:
            found += [f"{field['name']}.{name}" for name in _personal(inner, explicit, safe)]
        if tag not in safe and (not nested or _has_own_text(field["type"])):
            found.append(str(field["name"]))
    return list(dict.fromkeys(found))


def _has_own_text(avro_type: Any) -> bool:
    """Whether text lies in the type outside of its records."""
    for branch in branches(avro_type):
        name = type_name(branch)
        if name == "map" or (name == "array" and _has_own_text(branch["items"])):
            return True
        if name not in ("record", "array") and holds_text(branch):
            return True
    return False


def _records(avro_type: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for branch in branches(avro_type):
        name = type_name(branch)
        if name == "record":
            found.append(branch)
        elif name == "array":
            found += _records(branch["items"])
        elif name == "map":
            found += _records(branch["values"])
    return found


def refuse_personal(transform: str, schema: dict[str, Any], names: frozenset[str]) -> None:
    """Stop a transform that would take contents to where no tag guards them.

    Raises:
        DataError: one of the fields is tagged as personal.
    """
    unsafe = sorted(f["name"] for f in schema["fields"] if f["name"] in names and tag_of(f) not in SAFE)
    if unsafe:
        raise DataError(transform, f"fields {unsafe} hold personal data: scrub and hash first")
