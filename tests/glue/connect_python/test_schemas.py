"""Schemas on Python's side: conversions of values, and the form as Avro schemas that transforms see."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.connect_python.avro_schemas import from_avro, to_avro
from glue.connect_python.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema
from glue.connect_python.schemas import Annotations, SchemaTable
from glue.errors import ConfigError, DataError

_TIMESTAMP = Schema("INT64", name=TIMESTAMP, version=1)
_DECIMAL = Schema("BYTES", name=DECIMAL, version=1, parameters={"scale": "2"})
_POST = Schema(
    "STRUCT",
    name="bd.millionx.Post",
    detail=[
        ("id", Schema("STRING")),
        ("likes", Schema("INT32", default=7)),
        ("note", Schema("STRING", optional=True)),
        ("at", _TIMESTAMP),
    ],
)


@pytest.mark.parametrize(
    ("schema", "wire", "value"),
    [
        (_TIMESTAMP, 1_700_000_000_123, datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)),
        (_TIMESTAMP, -1, datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)),
        (_TIMESTAMP, 2**62, 2**62),
        (Schema("INT32", name=DATE), 19_000, date(2022, 1, 8)),
        (Schema("INT32", name=DATE), 2**31 - 1, 2**31 - 1),
        (Schema("INT32", name=TIME), 86_399_999, time(23, 59, 59, 999_000)),
        (_DECIMAL, "-12.30", Decimal("-12.30")),
        (Schema("ARRAY", detail=_DECIMAL), ["1.00", None], [Decimal("1.00"), None]),
        (Schema("MAP", detail=(Schema("STRING"), _DECIMAL)), {"a": "1.00"}, {"a": Decimal("1.00")}),
        (Schema("MAP", detail=(_DECIMAL, Schema("INT8"))), [["1.00", 1]], [(Decimal("1.00"), 1)]),
        (_POST, ["a", 1, None, 0], {"id": "a", "likes": 1, "note": None, "at": datetime(1970, 1, 1, tzinfo=UTC)}),
    ],
)
def test_values_are_what_fastavro_would_give(schema: Schema, wire: Any, value: Any) -> None:
    assert schema.decode(wire) == value
    encoded = schema.encode(value)
    assert (list(map(list, encoded)) if schema.type == "MAP" and isinstance(encoded, list) else encoded) == wire


def test_null_stays_null() -> None:
    assert _POST.decode(None) is None
    assert _POST.encode(None) is None


def test_a_missing_field_is_its_default_or_null_or_an_error() -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC)
    assert list(_POST.encode({"id": "a", "at": at})) == ["a", 7, None, 0]
    with pytest.raises(DataError, match="field id is missing"):
        _POST.encode({"at": at})


def test_a_field_that_the_schema_lacks_is_an_error_and_not_dropped() -> None:
    value = {"id": "a", "likes": 1, "note": None, "at": 0, "extra": 1}
    with pytest.raises(DataError, match="no field extra"):
        _POST.encode(value)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        _TIMESTAMP.encode(datetime(2024, 1, 1))


_NAMES = st.text("abcdefg", min_size=1, max_size=5)
_PLAIN = ("INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64", "BOOLEAN", "STRING", "BYTES")
_LOGICAL = (("INT64", TIMESTAMP), ("INT32", DATE), ("INT32", TIME), ("BYTES", DECIMAL))
_LEAVES = st.sampled_from([*((kind, None) for kind in _PLAIN), ("STRING", "my.Enum"), *_LOGICAL])


@st.composite
def _schemas(draw: st.DrawFn, depth: int = 3) -> Schema:
    kind = draw(st.sampled_from(["leaf", "array", "map", "struct"] if depth else ["leaf"]))
    optional, doc = draw(st.booleans()), draw(st.none() | st.just("a doc"))
    version = draw(st.none() | st.integers(1, 9))
    if kind == "leaf":
        type_, name = draw(_LEAVES)
        parameters = {"scale": str(draw(st.integers(-3, 9)))} if name == DECIMAL else {}
        return Schema(type_, optional, name, version, doc, parameters)
    if kind == "array":
        return Schema("ARRAY", optional, None, version, doc, {}, draw(_schemas(depth=depth - 1)))
    if kind == "map":
        key = Schema(*draw(_LEAVES)[:1])
        return Schema("MAP", optional, None, version, doc, {}, (key, draw(_schemas(depth=depth - 1))))
    names = draw(st.lists(_NAMES, unique=True, max_size=4))
    fields = [(name, draw(_schemas(depth=depth - 1))) for name in names]
    return Schema("STRUCT", optional, draw(st.sampled_from([None, "a.B", "C"])), version, doc, {"p": "q"}, fields)


@given(_schemas())
def test_an_avro_schema_says_all_that_a_connect_schema_says(schema: Schema) -> None:
    avro = to_avro(schema)
    assert from_avro(json.loads(json.dumps(avro))).unparse() == schema.unparse()
    fastavro.parse_schema(avro)


@pytest.mark.parametrize("default", [False, True])
def test_a_default_stays_wherever_it_stands(default: bool) -> None:
    flag = Schema("BOOLEAN", default=default)
    record = Schema("STRUCT", name="R", detail=[("f", flag), ("l", Schema("ARRAY", detail=flag))])
    for schema in (flag, Schema("ARRAY", detail=flag), Schema("MAP", detail=(Schema("STRING"), flag)), record):
        assert from_avro(to_avro(schema)).unparse() == schema.unparse()


@pytest.mark.parametrize("file", sorted(Path("schemas").glob("*.avsc")), ids=lambda file: file.stem)
def test_the_schemas_of_this_project_have_a_form_in_connect(file: Path) -> None:
    schema = from_avro(json.loads(file.read_text()))
    assert schema.type == "STRUCT"
    assert from_avro(to_avro(schema)).unparse() == schema.unparse()


_MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


def test_defaults_of_avro_files_become_values() -> None:
    avro = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "b", "type": "bytes", "default": "\u00ff\u0000"},
            {
                "name": "d",
                "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
                "default": "d",
            },
            {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 1000},
        ],
    }
    defaults = [field.default for _, field in from_avro(avro).fields]
    assert defaults == [b"\xff\x00", Decimal("1.00"), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]


def test_a_union_of_several_types_is_refused() -> None:
    with pytest.raises(ConfigError, match="union"):
        from_avro({"type": "record", "name": "R", "fields": [{"name": "u", "type": ["null", "int", "string"]}]})


def test_tags_come_back_from_the_declared_schema(tmp_path: Path) -> None:
    inner = {"type": "record", "name": "In", "fields": [{"name": "x", "type": "string", "confluent:tags": ["PII_ID"]}]}
    declared = {
        "type": "record",
        "name": "Out",
        "namespace": "a",
        "fields": [
            {"name": "i", "type": ["null", inner]},
            {"name": "t", "type": "string", "confluent:tags": ["PUBLIC"]},
        ],
    }
    (tmp_path / "out.avsc").write_text(json.dumps(declared))
    plain = to_avro(from_avro(declared))
    assert "confluent:tags" not in json.dumps(plain)
    fields = Annotations(tmp_path).annotate(plain)["fields"]
    assert fields[1]["confluent:tags"] == ["PUBLIC"]
    assert fields[0]["type"][1]["fields"][0]["confluent:tags"] == ["PII_ID"]
    assert Annotations().annotate(plain) == plain
    with pytest.raises(ConfigError, match="no such folder"):
        Annotations(tmp_path / "missing")


def test_a_schema_that_only_says_the_same_again_keeps_its_number() -> None:
    table = SchemaTable()
    table.receive([9, 1, _POST.unparse()])
    same = {**table[1].avro, "fields": [{**field, "confluent:tags": ["X"]} for field in table[1].avro["fields"]]}
    assert table.add(same, table[1]).number == 1
    fewer = {**table[1].avro, "fields": table[1].avro["fields"][:1]}
    assert table.add(fewer, table[1]).number == table.add(dict(fewer), table[1]).number == -1
    assert [message[1] for message in table.take_unsent()] == [-1]
    assert table.take_unsent() == []
