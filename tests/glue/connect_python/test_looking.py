"""A transform that names the fields it looks at: what travels back, with the result of one that names none."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from glue.connect_python.adapters import TransformAdapter
from glue.connect_python.avro_schemas import from_avro
from glue.connect_python.schemas import SchemaTable
from glue.connect_python.wire import Op
from glue.transforms.scrub import ScrubPII

_LINE = {"type": "record", "name": "Line", "fields": [{"name": "note", "type": "string"}, {"name": "n", "type": "int"}]}
_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Row",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "maybe", "type": ["null", "string"], "default": None},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "more", "type": {"type": "map", "values": "string"}},
        {"name": "line", "type": _LINE},
        {"name": "lines", "type": {"type": "array", "items": {**_LINE, "name": "Other"}}},
        {"name": "named", "type": {"type": "map", "values": {**_LINE, "name": "Third"}}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "vector", "type": {"type": "array", "items": "float"}},
    ],
}
_CLEAN: dict[str, Any] = {
    "text": "winter shoes",
    "maybe": None,
    "tags": ["winter"],
    "more": {"colour": "black"},
    "line": {"note": "warm", "n": 1},
    "lines": [{"note": "cheap", "n": 2}],
    "named": {"first": {"note": "good", "n": 3}},
    "price": Decimal("12.5000"),
    "at": datetime(2026, 11, 1, tzinfo=UTC),
    "vector": [0.25, -0.5],
}
_PHONE, _PUT = "call 01712345678", "call [PHONE]"


class Blind(ScrubPII):
    """The same, and does not say what it looks at."""

    def looks_at(self, schema: dict[str, Any]) -> None:  # type: ignore[override]
        return None


def _adapter(cls: type[ScrubPII]) -> TransformAdapter:
    table = SchemaTable()
    table.receive([Op.SCHEMA, 1, from_avro(_SCHEMA).unparse()])
    adapter = TransformAdapter(cls(), table, error_text=False)
    adapter.configure({"again": "true"})
    return adapter


def _apply(cls: type[ScrubPII], value: dict[str, Any] | None, headers: list[Any] | None = None) -> list[Any]:
    wire = from_avro(_SCHEMA).encode(copy.deepcopy(value))
    message = [Op.APPLY, "t", 0, 7, "k", 1, wire, headers or [], 1]
    before = copy.deepcopy(message)
    reply = _adapter(cls).handlers[Op.APPLY](message)
    assert message == before, "what came over the wire is what a result is compared with"
    return reply


def test_of_a_record_without_a_find_nothing_travels_back() -> None:
    assert _apply(ScrubPII, _CLEAN) == [Op.OK, 1]
    assert _apply(ScrubPII, _CLEAN, [["trace", b"1"]]) == [Op.OK, 1]
    assert _apply(ScrubPII, None) == [Op.OK, 1, None]


@pytest.mark.parametrize(
    ("found", "scrubbed"),
    [
        ({"text": _PHONE}, {"text": _PUT}),
        ({"maybe": _PHONE}, {"maybe": _PUT}),
        ({"tags": ["a", _PHONE]}, {"tags": ["a", _PUT]}),
        ({"more": {"a": _PHONE}}, {"more": {"a": _PUT}}),
        ({"more": {_PHONE: "a"}}, {"more": {_PUT: "a"}}),
        ({"line": {"note": _PHONE, "n": 1}}, {"line": {"note": _PUT, "n": 1}}),
        ({"lines": [{"note": _PHONE, "n": 1}]}, {"lines": [{"note": _PUT, "n": 1}]}),
        ({"named": {"a": {"note": _PHONE, "n": 1}}}, {"named": {"a": {"note": _PUT, "n": 1}}}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_find_anywhere_travels_back_as_it_does_without_names(found: dict[str, Any], scrubbed: dict[str, Any]) -> None:
    reply = _apply(ScrubPII, _CLEAN | found)
    assert reply == _apply(Blind, _CLEAN | found)
    assert reply[2] == from_avro(_SCHEMA).encode(_CLEAN | scrubbed)
    assert reply[3] == {"headers": [["millionx.redacted", b"PHONE=1"]]}
