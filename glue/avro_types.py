"""Avro's types, what is derived of a schema once, and values as the JSON that people read and write.

In JSON, times are ISO 8601 texts and decimals are texts.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from glue.errors import DataError

AvroSchema = dict[str, Any]
T = TypeVar("T")
_MOST = 1000


def branches(avro_type: Any) -> list[Any]:
    """The non-null branches of a type; a plain type is its own single branch."""
    found = avro_type if isinstance(avro_type, list) else [avro_type]
    return [branch for branch in found if branch != "null" and branch != {"type": "null"}]


def type_name(avro_type: Any) -> str:
    """The Avro name of a type: ``string``, ``record``, ``array`` …"""
    return str(avro_type["type"]) if isinstance(avro_type, dict) else str(avro_type)


def expanded(schema: AvroSchema) -> AvroSchema:
    """``schema`` with each reference to a named type replaced by its definition; one to itself stays a name.

    Names follow Avro's rules (Avro 1.12 specification, "Names"): a name without dots is in the namespace around it.
    """
    known: dict[str, AvroSchema] = {}

    def walk(avro_type: Any, namespace: str, within: tuple[str, ...]) -> Any:
        if isinstance(avro_type, list):
            return [walk(branch, namespace, within) for branch in avro_type]
        if isinstance(avro_type, str):
            name = _full_name(avro_type, namespace)
            found = known.get(name)
            return avro_type if found is None or name in within else walk(found, name.rpartition(".")[0], within)
        if not isinstance(avro_type, dict):
            return avro_type
        kind = avro_type.get("type")
        if isinstance(kind, (dict, list)):
            return {**avro_type, "type": walk(kind, namespace, within)}
        if kind in ("record", "enum", "fixed") and "name" in avro_type:
            name = _full_name(str(avro_type["name"]), str(avro_type.get("namespace", namespace)))
            known[name] = avro_type
            namespace, within = name.rpartition(".")[0], (*within, name)
        if kind == "record":
            fields = [{**one, "type": walk(one["type"], namespace, within)} for one in avro_type.get("fields", ())]
            return {**avro_type, "fields": fields}
        if kind in ("array", "map"):
            inner = "items" if kind == "array" else "values"
            return {**avro_type, inner: walk(avro_type[inner], namespace, within)}
        if isinstance(kind, str) and _full_name(kind, namespace) in known:
            return walk(kind, namespace, within)  # {"type": "Name"}
        return avro_type

    found: AvroSchema = walk(schema, "", ())
    return found


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


class BySchema(Generic[T]):
    """Calls ``make`` once for each schema and returns the same result again; a schema is known by its identity.

    The schema is kept beside the result, so that no other object gets its id. At most ``_MOST`` are kept: more than
    that means that something makes a schema for each record.
    """

    def __init__(self, make: Callable[[AvroSchema], T]) -> None:
        self._make = make
        self._known: dict[int, tuple[AvroSchema, T]] = {}

    def __call__(self, schema: AvroSchema) -> T:
        found = self._known.get(id(schema))
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[id(schema)] = (schema, self._make(schema))
        return found[1]


def from_json(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """``value`` with the Python types of ``schema``, and its defaults where a field is left out.

    Raises:
        DataError: a field is missing, or is not of its type.
    """
    fields = {field["name"]: field for field in schema["fields"]}
    if unknown := sorted(set(value) - set(fields)):
        raise DataError(str(schema.get("name")), f"has no fields {unknown}")
    made: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            made[name] = _typed(value[name], field["type"], name)
        elif "default" in field:
            default = field["default"]
            made[name] = list(default) if isinstance(default, list) else default
        else:
            raise DataError(str(schema.get("name")), f"the field {name} is missing")
    return made


def _typed(value: Any, avro_type: Any, name: str) -> Any:
    if value is None:
        return None
    branch = branches(avro_type)[0]
    logical = branch.get("logicalType") if isinstance(branch, dict) else None
    try:
        if logical == "decimal":
            return Decimal(str(value))
        if logical in ("timestamp-millis", "timestamp-micros"):
            when = datetime.fromisoformat(value)
            return when if when.tzinfo else when.replace(tzinfo=UTC)
        kind = type_name(branch)
        if kind == "record":
            return from_json(value, branch)
        if kind == "array":
            return [_typed(item, branch["items"], name) for item in value]
        if kind in ("float", "double"):
            return float(value)
    except (ValueError, TypeError, ArithmeticError):
        raise DataError("value", f"{name} is not of its type") from None
    return value


def to_json(value: Any) -> Any:
    """``value`` as JSON can hold it."""
    if isinstance(value, dict):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (Decimal, date, UUID)):
        return str(value)
    return value
