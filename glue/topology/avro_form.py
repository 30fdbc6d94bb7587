"""Avro schemas compared by meaning, never as text (registries reorder, expand and trim what they are given)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from glue.topology.change import FieldChange

_PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))
_COMPLEX = frozenset(("record", "error", "enum", "array", "map", "fixed"))
_WHOLE = ("size", "precision", "scale")
_UNORDERED = ("aliases", "confluent:tags")
_ABSENT: Any = object()  # a default of null is not the same as no default


def canonical(schema: Any, namespace: str = "") -> Any:
    """An Avro schema in a form in which equal schemas are equal JSON.

    The transformations of Avro's Parsing Canonical Form (names are full, ``{"type": "string"}`` is ``"string"``, sizes
    are numbers, objects' keys carry no order), but nothing is stripped that decides how records are read or treated:
    defaults, aliases, logical types, tags and docs stay. Left out is what Avro assumes where nothing is said.
    """
    if isinstance(schema, str):
        return schema if schema in _PRIMITIVES or "." in schema or not namespace else f"{namespace}.{schema}"
    if isinstance(schema, list):
        return [canonical(branch, namespace) for branch in schema]
    if not isinstance(schema, Mapping):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _COMPLEX:  # a primitive, a name, or a wrapper of another schema
        rest = _kept(schema, ("type",))
        inner = canonical(kind, namespace)
        return {**rest, "type": inner} if rest else inner
    result: dict[str, Any] = {"type": kind}
    if "name" in schema:
        space, _, short = str(schema["name"]).rpartition(".")
        namespace = space or str(schema.get("namespace", namespace))
        result["name"] = f"{namespace}.{short}" if namespace else short
    result |= _kept(schema, ("type", "name", "namespace", "fields", "items", "values"))
    if "aliases" in result:
        result["aliases"] = sorted(canonical(one, namespace) for one in result["aliases"])
    if "fields" in schema:
        typed = ((one, canonical(one["type"], namespace)) for one in schema["fields"])
        result["fields"] = [{**_kept(one, ("type",)), "type": type_} for one, type_ in typed]
    for part in ("items", "values"):
        if part in schema:
            result[part] = canonical(schema[part], namespace)
    return result


def _kept(schema: Mapping[str, Any], but: tuple[str, ...]) -> dict[str, Any]:
    """Attributes without those named and without what Avro assumes anyway."""
    kept = {k: v for k, v in schema.items() if k not in but and not _is_implied(k, v)}
    for key in _WHOLE:
        if isinstance(kept.get(key), str) and kept[key].isdigit():
            kept[key] = int(kept[key])
    for key in _UNORDERED:
        if isinstance(kept.get(key), list):
            kept[key] = sorted(kept[key], key=str)
    if "default" in kept:
        kept["default"] = _told_apart(kept["default"])
    if kept.get("logicalType") == "decimal" and kept.get("scale") == 0:
        del kept["scale"]
    return kept


def _told_apart(value: Any) -> Any:
    """A default in which a flag does not equal a number, as Python's True equals 1."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return {key: _told_apart(inner) for key, inner in value.items()}
    return [_told_apart(inner) for inner in value] if isinstance(value, list) else value


def _is_implied(key: str, value: Any) -> bool:
    return (key == "order" and value == "ascending") or (key in ("aliases", "doc") and not value)


def schema_fields(before: Any, after: Any, path: str = "schema") -> Iterator[FieldChange]:
    """Where two canonical schemas differ; fields of records are matched by name."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            left, right = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if key == "fields" and isinstance(left, list) and isinstance(right, list):
                yield from _record_fields(left, right, path)
            else:
                yield from schema_fields(left, right, f"{path}.{key}")
        return
    yield FieldChange(path, _brief(before), _brief(after))


def _record_fields(left: list[dict[str, Any]], right: list[dict[str, Any]], path: str) -> Iterator[FieldChange]:
    old = {field["name"]: field for field in left}
    new = {field["name"]: field for field in right}
    for name in sorted(old.keys() | new.keys()):
        yield from schema_fields(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{path}.{name}")
    shared, order = [n for n in old if n in new], [n for n in new if n in old]
    if shared != order:
        yield FieldChange(f"{path}.fields", "order " + ", ".join(shared), "order " + ", ".join(order))


def _brief(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
