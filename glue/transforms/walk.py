"""Apply a function to every text inside a value, following its Avro type; compiled once a type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glue.privacy.tags import Tag, branches, tag_of, type_name

TextMap = Callable[[str], str]
Visit = Callable[[Any], Any]


def compile_visit(avro_type: Any, visit_text: TextMap, tag: Tag | None) -> Visit:
    """A function that returns a value of ``avro_type`` with ``visit_text`` applied to each personal text in it.

    ``tag`` is what the enclosing field says. Records and maps are changed in place; bytes that are not decimals become
    empty, since nothing can be said about their contents.
    """
    if type_name(avro_type) == "string":
        return visit_text
    visits = {type_name(branch): _visit_branch(branch, visit_text, tag) for branch in branches(avro_type)}
    if len(visits) == 1:
        (only,) = visits.values()
        return lambda value: None if value is None else only(value)

    def by_kind(value: Any) -> Any:
        if isinstance(value, str):
            return visit_text(value)
        if isinstance(value, list):
            return visits["array"](value) if "array" in visits else value
        if isinstance(value, dict):
            for name in ("record", "map"):
                if name in visits:
                    value = visits[name](value)
            return value
        return b"" if isinstance(value, bytes) else value

    return by_kind


def _visit_branch(branch: Any, visit_text: TextMap, tag: Tag | None) -> Visit:
    name = type_name(branch)
    if name == "array":
        visit = compile_visit(branch["items"], visit_text, tag)
        return lambda value: [visit(item) for item in value]
    if name == "map":
        visit = compile_visit(branch["values"], visit_text, tag)
        return lambda value: {visit_text(key): visit(item) for key, item in value.items()}
    if name == "record":
        return _visit_record(branch, visit_text, tag)
    if name in ("enum", "boolean", "int", "long", "float", "double"):
        return lambda value: value
    if name == "string":
        return visit_text
    return lambda value: visit_text(value) if isinstance(value, str) else (b"" if isinstance(value, bytes) else value)


def _visit_record(schema: dict[str, Any], visit_text: TextMap, tag: Tag | None) -> Visit:
    visits: list[tuple[str, Visit]] = []
    for field in schema["fields"]:
        found = tag_of(field, tag)
        if found in ("PII_DROP", "PII_ID"):  # a nested identifier has no place for its hash: it goes
            visits.append((field["name"], _gone))
        elif found == "PII_TEXT":
            visits.append((field["name"], compile_visit(field["type"], visit_text, "PII_TEXT")))

    def visit(value: dict[str, Any]) -> dict[str, Any]:
        for name, visit_field in visits:
            if name in value:
                value[name] = visit_field(value[name])
        return value

    return visit


def _gone(value: Any) -> Any:
    return "" if isinstance(value, str) else None
