"""What the project's own files say of the fields of a topic; of them and the registry, the stricter holds.

The registry says how bytes are read. What is personal must not hang on it alone: who may write to it could call a
field public, and it would pass every transform.
"""

from __future__ import annotations

import json
from typing import Any

from glue.avro import load_schema
from glue.avro_types import AvroSchema, expanded
from glue.errors import ConfigError
from glue.privacy.tags import closed_pattern, stricter_tag, tag_of
from glue.settings import get_settings

_NOTHING = "(?!)"  # a closed form that no text has


def schema_of(topic: str) -> AvroSchema:
    """The declared schema of a topic's values (``connect-config/subjects.json``).

    Raises:
        ConfigError: none is declared.
    """
    settings = get_settings()
    try:
        subjects = json.loads((settings.config_dir / "subjects.json").read_text(encoding="utf-8"))["subjects"]
        file: str = subjects[f"{topic}-value"]["schema"]
    except (OSError, ValueError, KeyError):
        raise ConfigError(f"topic {topic}", "no schema is declared for its values", "see subjects.json") from None
    return load_schema(settings.schemas_dir / file)


def stricter(schema: AvroSchema, declared: AvroSchema) -> AvroSchema:
    """``schema`` with the stricter tag of both for each field, and the closed forms of ``declared`` alone.

    A field that ``declared`` does not know stays as it is: a newer version may have more. Where nothing differs it is
    the same object.
    """
    own = {field["name"]: field for field in expanded(declared)["fields"]}
    fields = [_field(field, own[field["name"]]) if field["name"] in own else field for field in schema["fields"]]
    return schema if fields == schema["fields"] else {**schema, "fields": fields}


def _field(field: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    made = {**field, "type": _type(field["type"], own["type"])}
    tag = stricter_tag(field, own)
    if tag != tag_of(field):
        made["confluent:tags"] = [tag]
    constraints = {**(field.get("constraints") or {}), **(own.get("constraints") or {})}
    if constraints:
        made["constraints"] = constraints
    closed, given = closed_pattern(own), closed_pattern(field)
    if closed is None and given:
        closed = _NOTHING
    if closed != given:
        made["closed"] = closed
    if field.get("codes") != own.get("codes"):
        made["codes"] = own.get("codes")
    return made


def _type(avro_type: Any, own: Any) -> Any:
    """The records in a type, each beside the one of the same name in ``own``."""
    if isinstance(avro_type, list):
        return [_type(branch, own) for branch in avro_type]
    if not isinstance(avro_type, dict):
        return avro_type
    if avro_type.get("type") == "record":
        found = _record(own, str(avro_type["name"]))
        return avro_type if found is None else stricter(avro_type, found)
    inner = next((part for part in ("items", "values") if part in avro_type), None)
    return avro_type if inner is None else {**avro_type, inner: _type(avro_type[inner], own)}


def _record(own: Any, name: str) -> AvroSchema | None:
    if isinstance(own, list):
        return next((found for branch in own if (found := _record(branch, name)) is not None), None)
    if not isinstance(own, dict):
        return None
    if own.get("type") == "record":
        return own if own["name"] == name else None
    return _record(own.get("items", own.get("values")), name)
