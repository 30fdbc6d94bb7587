"""Avro schemas compared by meaning, never as text (registries reorder, expand and trim what they are given)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def canonical(schema: Any, namespace: str = "") -> Any:
    """An Avro schema in a form in which equal schemas are equal JSON.

    Names are full, ``{"type": "string"}`` is ``"string"``, objects' keys carry no order, defaults that Avro itself
    assumes are left out. What decides how records are read or treated stays: defaults, aliases, logical types, tags,
    docs.
    """
    if isinstance(schema, str):
        return schema if schema in _PRIMITIVES or "." in schema or not namespace else f"{namespace}.{schema}"
    if isinstance(schema, list):
        return [canonical(branch, namespace) for branch in schema]
    if not isinstance(schema, Mapping):
        return schema
    kind = schema.get("type")
    if isinstance(kind, Mapping | list):  # {"type": {"type": "long", …}}: a wrapper without meaning of its own
        inner = canonical(kind, namespace)
        rest = {k: v for k, v in schema.items() if k != "type"}
        return inner if not rest else {**rest, "type": inner}
    result = {k: v for k, v in schema.items() if k not in ("name", "namespace", "type") and not _is_implied(k, v)}
    if "name" in schema:
        space, _, short = str(schema["name"]).rpartition(".")
        namespace = space or str(schema.get("namespace", namespace))
        result["name"] = f"{namespace}.{short}" if namespace else short
    result["type"] = kind
    if "fields" in schema:
        result["fields"] = [_field(one, namespace) for one in schema["fields"]]
    for part in ("items", "values"):
        if part in schema:
            result[part] = canonical(schema[part], namespace)
    return kind if set(result) == {"type"} and kind in _PRIMITIVES else result


def _field(one: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    kept = {k: v for k, v in one.items() if k != "type" and not _is_implied(k, v)}
    return {**kept, "type": canonical(one["type"], namespace)}


def _is_implied(key: str, value: Any) -> bool:
    return (key == "order" and value == "ascending") or (key in ("aliases", "doc") and not value)


_PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))
