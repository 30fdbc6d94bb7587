import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference
from hypothesis import given
from hypothesis import strategies as st

from glue import avro_codec
from glue.avro import Decoder, Encoder, load_schema
from glue.errors import ConfigError, DataError

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="module", params=["native", "fastavro"], autouse=True)
def codec(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test with what was compiled, and as where no compiler was."""
    built = avro_codec.native
    avro_codec.native = built if request.param == "native" else None
    yield
    avro_codec.native = built


NOW = datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)
ORDER = {
    "order_id": "1", "line_id": "1", "platform": "daraz", "product_id": "p", "product_name": "জুতা", "quantity": 2,
    "price": Decimal("1499.5000"), "ordered_at": NOW, "updated_at": NOW, "collected_at": NOW,
}  # fmt: skip


class OneSchema:
    """A registry that knows one schema and counts how often it is asked."""

    def __init__(self, schema: dict) -> None:
        self.schema, self.asked = schema, 0

    def get_schema(self, schema_id: int) -> Schema:
        self.asked += 1
        return Schema(json.dumps(self.schema), "AVRO")


@pytest.fixture
def order_schema() -> dict:
    return load_schema(SCHEMAS / "market_order.avsc")


def test_a_value_survives_the_wire_with_its_types_and_defaults(order_schema):
    registry = OneSchema(order_schema)
    decode = Decoder(registry)
    data = Encoder(order_schema, 7)(ORDER)
    assert data[:5] == b"\x00\x00\x00\x00\x07"
    value, schema = decode(data)
    assert {name: value[name] for name in ORDER} == ORDER
    assert value["currency"] == "BDT"
    assert value["customer_phone"] is None
    assert schema["fields"][0]["confluent:tags"] == ["PUBLIC"]
    decode(data)
    assert registry.asked == 1


@pytest.mark.parametrize(
    "change",
    [{"price": Decimal("1.23456")}, {"quantity": "two"}, {"order_id": None}, {"ordered_at": "yesterday"}],
)
def test_a_value_that_does_not_fit_is_refused_without_naming_its_content(order_schema, change):
    with pytest.raises(DataError) as caught:
        Encoder(order_schema, 7)(ORDER | change)
    assert str(caught.value).startswith(f"encode: {next(iter(change))} does not fit its type")
    for content in ("1.23456", "two", "yesterday"):
        assert content not in str(caught.value)


def test_an_encoder_is_clean_after_a_refused_value(order_schema):
    encode = Encoder(order_schema, 7)
    expected = encode(ORDER)
    with pytest.raises(DataError):
        encode(ORDER | {"quantity": None})
    assert encode(ORDER) == expected


@pytest.mark.parametrize(
    "damage", [lambda d: b"", lambda d: b"{}", lambda d: d[:-3], lambda d: d + b"x", lambda d: b"\x01" + d[1:]]
)
def test_bytes_that_are_not_the_schema_are_a_data_error(order_schema, damage):
    data = Encoder(order_schema, 7)(ORDER)
    with pytest.raises(DataError):
        Decoder(OneSchema(order_schema))(damage(data))


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_value_that_ends_too_early_names_the_field_in_which_it_ends(order_schema, count):
    data = Encoder(order_schema, 7)(ORDER)
    with pytest.raises(DataError) as caught:
        Decoder(OneSchema(order_schema))(data[: 5 + count])
    named = next(f["name"] for f in order_schema["fields"] if f["name"] in str(caught.value))
    cut = [f["name"] for f in order_schema["fields"]].index(named)
    prefix = fastavro.parse_schema({**order_schema, "fields": order_schema["fields"][:cut]})
    fastavro.schemaless_reader(io.BytesIO(data[5 : 5 + count]), prefix, None)  # what is before it can be read
    assert "not a value of bd.millionx.MarketOrder" in str(caught.value)


def record(*types: object, **more: object) -> str:
    fields = [{"name": f"x{number}", "type": kind} for number, kind in enumerate(types)]
    return json.dumps({"type": "record", "name": "R", "fields": fields, **more})


def doubled(depth: int) -> dict:
    """A record of two records of two records …, without a byte in it."""
    kind: dict = {"type": "record", "name": "A0", "fields": []}
    for number in range(1, depth):
        fields = [{"name": "a", "type": kind}, {"name": "b", "type": kind["name"]}]
        kind = {"type": "record", "name": f"A{number}", "fields": fields}
    return kind


def nested(depth: int) -> dict:
    """An array of records with one array of records with …"""
    kind: dict = {"type": "array", "items": "int"}
    for number in range(depth):
        fields = [{"name": "x", "type": kind}]
        kind = {"type": "array", "items": {"type": "record", "name": f"R{number}", "fields": fields}}
    return kind


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (Schema('syntax = "proto3"; message A {}', "PROTOBUF"), "is PROTOBUF, not Avro"),
        (Schema('{"type": "object"}', "JSON"), "is JSON, not Avro"),
        (Schema(record("Other"), "AVRO", [SchemaReference("Other", "other", 1)]), "references"),
        (Schema(record("Other"), "AVRO"), "not a valid Avro schema"),
        (Schema("not JSON", "AVRO"), "not a valid Avro schema"),
        (Schema("[" * 50_000, "AVRO"), "nested too deeply"),
        (Schema("", "AVRO"), "not a valid Avro schema"),
        (Schema('"string"', "AVRO"), "not an Avro record"),
        (Schema('["null", "string"]', "AVRO"), "not an Avro record"),
        (Schema(record(["null", "R"]), "AVRO"), "contains itself"),
        (Schema(record({"type": "array", "items": "R"}), "AVRO"), "contains itself"),
        (Schema(record({"type": "array", "items": "null"}), "AVRO"), "no bound"),
        (Schema(record({"type": "array", "items": json.loads(record("null"))}, name="S"), "AVRO"), "no bound"),
        (Schema(record(doubled(40)), "AVRO"), "parts"),
        (Schema(record(nested(50)), "AVRO"), "nested too deeply"),
    ],
)
def test_a_schema_that_values_can_not_be_read_with_says_so_and_is_asked_for_once(schema, reason):
    class Registry:
        asked = 0

        def get_schema(self, schema_id: int) -> Schema:
            self.asked += 1
            return schema

    registry = Registry()
    decode = Decoder(registry)
    for _ in range(3):
        with pytest.raises(DataError, match="schema id 9") as caught:
            decode(b"\x00\x00\x00\x00\x09" + b"\x02" * 1000)
        assert reason in str(caught.value)
    assert registry.asked == 1


def test_a_hostile_record_is_refused_at_once_and_takes_no_memory(order_schema):
    schema = json.loads(record({"type": "array", "items": "string"}, "string",
                               {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}))  # fmt: skip
    decode = Decoder(OneSchema(schema))
    head, endless, megabyte = b"\x00\x00\x00\x00\x07", b"\xfe" + b"\xff" * 8 + b"\x01", b"\x80\x89\x7a"
    for body in (endless + b"\x00" * 1000, b"\x00" + endless + b"x" * 1000, b"\x00\x00" + megabyte + b"1" * 1_000_000):
        tracemalloc.start()
        with pytest.raises(DataError, match="cannot be read"):
            decode(head + body)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (["null", "string"], b"\x01\x02a"),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\x01"),
        (["null", "string"], b"\x04"),
    ],
)
def test_a_branch_or_a_symbol_is_never_counted_from_the_end(kind, body):
    with pytest.raises(DataError, match="x0 cannot be read"):
        Decoder(OneSchema(json.loads(record(kind))))(b"\x00\x00\x00\x00\x07" + body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ({"type": "array", "items": {"type": "array", "items": "int"}}, b"\x80\xb5\x18" + b"\x00" * 200_001),
        ({"type": "array", "items": {"type": "map", "values": "int"}}, b"\x80\xb5\x18" + b"\x00" * 200_001),
        ({"type": "array", "items": json.loads(record("int"))}, b"\x80\xb5\x18" + b"\x00" * 200_001),
        (nested(1), b"\x02" + b"\x80\xb5\x18" + b"\x02" * 200_000 + b"\x00\x00"),
        ({"type": "map", "values": "int"}, b"\x80\xb5\x18" + b"".join(
            b"\x0c%06d\x00" % number for number in range(200_000)) + b"\x00"),
    ],
    ids=["arrays", "maps", "records", "nested", "entries"],
)  # fmt: skip
def test_a_value_of_too_many_parts_is_refused_by_its_rule(kind, body):
    with pytest.raises(DataError, match="more than 100000 items, entries and records"):
        Decoder(OneSchema(json.loads(record(kind, name="Many"))))(b"\x00\x00\x00\x00\x07" + body)


def test_a_value_of_many_parts_passes_and_the_next_one_has_its_own_budget():
    schema = json.loads(record(nested(2)))
    decode, inner = Decoder(OneSchema(schema)), [{"x": [1] * 9}]
    data = Encoder(schema, 7)({"x0": [{"x": inner} for _ in range(7_000)]})
    for _ in range(3):
        assert decode(data)[0] == {"x0": [{"x": inner}] * 7_000}


def test_a_schema_file_that_is_missing_or_wrong_names_itself(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.avsc"):
        load_schema(tmp_path / "nowhere.avsc")
    wrong = tmp_path / "wrong.avsc"
    wrong.write_text('{"type": "record", "name": "X", "fields": [{"name": "a", "type": "strang"}]}')
    with pytest.raises(ConfigError, match=r"wrong\.avsc"):
        load_schema(wrong)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999) | st.integers(-(2**63), 2**63 - 1))
def test_a_time_is_read_to_the_millisecond_wherever_it_lies(millis):
    time = {"type": "long", "logicalType": "timestamp-millis"}
    schema = {"type": "record", "name": "T", "fields": [{"name": "at", "type": time}]}
    plain = {"type": "record", "name": "T", "fields": [{"name": "at", "type": "long"}]}
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(plain), {"at": millis})
    buffer.seek(0)
    try:
        expected = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=millis)
    except OverflowError:
        with pytest.raises(OverflowError):
            fastavro.schemaless_reader(buffer, fastavro.parse_schema(schema), None)
    else:
        assert fastavro.schemaless_reader(buffer, fastavro.parse_schema(schema), None)["at"] == expected


class Versions:
    """A registry that knows several versions of one schema, by id from 1."""

    def __init__(self, *schemas: dict) -> None:
        self.schemas = schemas

    def get_schema(self, schema_id: int) -> Schema:
        return Schema(json.dumps(self.schemas[schema_id - 1]), "AVRO")


_TYPES = {
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "string": st.text(max_size=5),
    "boolean": st.booleans(),
}
_WIDER = {"int": ["int", "long"], "long": ["long"], "string": ["string"], "boolean": ["boolean"]}


@st.composite
def _evolutions(draw: st.DrawFn) -> tuple[dict, dict, dict, dict]:
    """An older and a newer schema that BACKWARD allows, a value of the older, and what the newer must see in it."""
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
    old, value, expected, new = [], {}, {}, []
    for name in names:
        kind = draw(st.sampled_from(sorted(_TYPES)))
        fate, content = draw(st.sampled_from(["kept", "removed", "added", "nullable"])), draw(_TYPES[kind])
        if fate != "added":
            old.append({"name": name, "type": kind})
            value[name] = content
        if fate in ("kept", "nullable"):
            wider = draw(st.sampled_from(_WIDER[kind]))
            new.append({"name": name, "type": ["null", wider] if fate == "nullable" else wider})
            expected[name] = content
        elif fate == "added":
            new.append({"name": name, "type": kind, "default": content})
            expected[name] = content
    older, newer = ({"type": "record", "name": "T", "fields": draw(st.permutations(f))} for f in (old, new))
    return older, newer, value, expected


@given(_evolutions())
def test_an_older_version_is_read_as_the_newer_one(evolution: tuple[dict, dict, dict, dict]):
    older, newer, value, expected = evolution
    decode = Decoder(Versions(older, newer))
    data = Encoder(older, 1)(value)
    if len(data) > 5:  # an empty record has no bytes, and a framed value has some
        assert decode(data, 2) == (expected, newer)
        assert decode(data) == (value, older)


@given(_evolutions(), st.sampled_from(["bytes", {"type": "array", "items": "string"}]))
def test_a_version_that_can_not_be_read_is_a_data_error_and_not_a_wrong_value(evolution, other):
    older, _, value, _ = evolution
    data = Encoder(older, 1)(value)
    if len(data) > 5 and older["fields"][0]["type"] != "string":  # a string may be read as bytes
        fields = [{**older["fields"][0], "type": other}, *older["fields"][1:]]
        with pytest.raises(DataError):
            Decoder(Versions(older, {**older, "fields": fields}))(data, 2)
