"""The compiled codec against fastavro: the same values, bytes and errors; and it is built where a compiler is."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import sysconfig
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastavro.schema import parse_schema
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from glue import avro_codec
from glue.avro import Decoder, Encoder, load_schema
from glue.avro_codec import Codec, resolved, written
from glue.errors import DataError

ROOT = Path(__file__).parents[2]
SCHEMAS = [load_schema(file) for file in sorted((ROOT / "schemas").glob("*.avsc"))]
_ZONES = st.sampled_from([UTC, UTC, timezone(timedelta(hours=6))])
_INT, _LONG = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_ZONES)
_DECIMALS = st.decimals(-(10**9), 10**9, places=4)
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": _INT,
    "long": _LONG,
    "float": st.floats(width=32, allow_nan=False) | _INT,
    "double": st.floats(allow_nan=False) | _INT,
    "bytes": st.binary(max_size=9),
    "string": st.text(max_size=9),
}
_LOGICAL: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "long", "logicalType": "timestamp-millis"}, _TIMES | _LONG),
    ({"type": "long", "logicalType": "timestamp-micros"}, _TIMES),
    ({"type": "int", "logicalType": "date"}, st.dates(date(2, 1, 1))),
    ({"type": "int", "logicalType": "time-millis"}, st.times() | st.just(time(1, 2))),
    ({"type": "string", "logicalType": "uuid"}, st.uuids()),
    ({"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}, _DECIMALS),
    ({"type": "string", "logicalType": "of-nobody"}, st.text(max_size=3)),
]
# values that no type asked for: what is refused must be refused by both, and what is taken must be the same bytes
_ODD = st.sampled_from(
    [None, True, 7, 2**40, 2**70, 1.5, "text", "\ud800", b"bytes", bytearray(b"x"), (1, 2), [1, "2"], {"a": 1}, {1: 2},
     {"-type": "R"}, Decimal("1.5"), datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), UUID(int=1), float("inf")]
)  # fmt: skip
Kind = tuple[Any, st.SearchStrategy[Any]]


def _kinds(draw: st.DrawFn, names: list[str], depth: int) -> Kind:
    """A type, and values of it; names of named types come in order."""
    choice = draw(
        st.sampled_from(["plain", "logical", *(["record", "array", "map", "union", "enum", "fixed"] * (depth > 0))])
    )
    name = f"N{len(names)}"
    if choice in ("record", "enum", "fixed"):
        names.append(name)
    if choice == "logical":
        return draw(st.sampled_from(_LOGICAL))
    if choice == "enum":
        return {"type": "enum", "name": name, "symbols": ["A", "B", "C"]}, st.sampled_from("ABC")
    if choice == "fixed":
        return {"type": "fixed", "name": name, "size": 3}, st.binary(min_size=3, max_size=3)
    if choice == "record":
        fields = {f"f{number}": _kinds(draw, names, depth - 1) for number in range(draw(st.integers(0, 3)))}
        made = [{"name": one, "type": kind} for one, (kind, _) in fields.items()]
        return {"type": "record", "name": name, "fields": made}, st.fixed_dictionaries(
            {one: values for one, (_, values) in fields.items()}
        )
    if choice == "array":
        kind, values = _kinds(draw, names, depth - 1)
        return {"type": "array", "items": kind}, st.lists(values, max_size=4)
    if choice == "map":
        kind, values = _kinds(draw, names, depth - 1)
        return {"type": "map", "values": kind}, st.dictionaries(st.text(max_size=4), values, max_size=4)
    if choice == "union":
        branches = {
            json.dumps(kind if isinstance(kind, str) else kind["type"]): (kind, values)
            for kind, values in (_kinds(draw, names, depth - 1) for _ in range(draw(st.integers(1, 3))))
            if not isinstance(kind, list)
        }
        order = draw(st.permutations([("null", st.none()), *(one for one in branches.values() if one[0] != "null")]))
        return [kind for kind, _ in order], st.one_of([values for _, values in order])
    kind = draw(st.sampled_from(sorted(_PLAIN)))
    return kind, _PLAIN[kind]


@st.composite
def schemas_and_values(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record schema of any types, and a value of it; in one of four an odd one lies in some field."""
    names: list[str] = []
    fields = {f"x{number}": _kinds(draw, names, 3) for number in range(draw(st.integers(1, 4)))}
    value = {name: draw(values) for name, (_, values) in fields.items()}
    if draw(st.integers(0, 3)) == 0:
        value[draw(st.sampled_from(sorted(value)))] = draw(_ODD)
    return {"type": "record", "name": "R", "fields": [{"name": n, "type": k} for n, (k, _) in fields.items()]}, value


def outcome(work: Any, *arguments: Any) -> Any:
    """What it returns, or the type of what it raises."""
    try:
        return work(*arguments)
    except Exception as error:
        return type(error)


def accepted(work: Any, *arguments: Any) -> list[Any]:
    """What it returns, or nothing."""
    found = outcome(work, *arguments)
    return [] if isinstance(found, type) else [found]


def native(schema: Any) -> Any:
    assert avro_codec.native is not None
    return avro_codec.native.Codec(
        avro_codec.parsed(schema), avro_codec._READS, avro_codec._WRITES, avro_codec.MOST_PARTS
    )


@pytest.fixture(autouse=True, scope="module")
def _built() -> None:
    header = Path(sysconfig.get_path("include"), "Python.h")
    if avro_codec.native is None and (shutil.which(os.environ.get("CC", "cc")) is None or not header.is_file()):
        pytest.skip("needs a C compiler and Python's headers")
    assert avro_codec.in_use() == "native", "build it: make setup"


@settings(max_examples=200, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # no shrinking
@given(schemas_and_values(), st.randoms(use_true_random=False))
def test_what_it_writes_and_reads_is_what_fastavro_writes_and_reads(
    made: tuple[dict[str, Any], dict[str, Any]], chance: random.Random
) -> None:
    schema, value = made
    parsed, to_write, compiled = avro_codec.parsed(schema), parse_schema(schema), native(schema)
    before = copy.deepcopy(value)
    by_fastavro, by_native = outcome(written, b"\x00", to_write, value), accepted(compiled.write, b"\x00", value)
    assert by_native in ([], [by_fastavro])
    assert outcome(Codec(schema).write, b"\x00", value) == by_fastavro
    assert repr(value) == repr(before)
    if isinstance(by_fastavro, type):
        return
    for data in (by_fastavro, damaged(by_fastavro, chance), damaged(by_fastavro, chance)):
        expected, found = outcome(resolved, data, 1, parsed), accepted(compiled.read, data, 1)
        assert repr(found) in ("[]", repr([expected]))  # NaN is not equal to itself
        assert repr(outcome(Codec(schema).read, data, 1)) == repr(expected)
    assert len(accepted(compiled.read, by_fastavro, 1)) == len(accepted(resolved, by_fastavro, 1, parsed))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """``data`` with bits flipped, bytes cut, doubled or put in, after the first byte."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(1, len(body) + 1)
        what = chance.randrange(4)
        if what == 0 and place < len(body):
            body[place] ^= 1 << chance.randrange(8)
        elif what == 1:
            del body[place : place + chance.randint(1, 9)]
        elif what == 2:
            body[place:place] = chance.choice([b"\x01", b"\xff" * 9 + b"\x01", b"\x80" * 12, b"\xfe\xff\xff\xff\x0f"])
        else:
            body[place:place] = body[place : place + chance.randint(1, 9)]
    return bytes(body)


def sample(kind: Any, chance: random.Random) -> Any:
    """A value of a type in the schemas of this project."""
    if isinstance(kind, list):
        return sample(chance.choice(kind), chance)
    name = kind["type"] if isinstance(kind, dict) else kind
    logical = kind.get("logicalType") if isinstance(kind, dict) else None
    if name == "record":
        return {field["name"]: sample(field["type"], chance) for field in kind["fields"]}
    if name == "array":
        return [sample(kind["items"], chance) for _ in range(chance.randrange(4))]
    if name == "map":
        return {str(number): sample(kind["values"], chance) for number in range(chance.randrange(4))}
    if logical == "timestamp-millis":
        return datetime.fromtimestamp(chance.randrange(-(2**31), 2**33) / 1000, UTC)
    if logical == "decimal":
        return Decimal(chance.randrange(10**9)).scaleb(-kind["scale"])
    text = "".join(chance.choices("aজুতা😀 ", k=chance.randrange(20)))
    return {"null": None, "boolean": chance.random() < 0.5, "int": chance.randrange(2**31), "string": text,
            "long": chance.randrange(-(2**63), 2**63), "double": chance.random(), "float": 0.5,
            "bytes": text.encode()}[name]  # fmt: skip


class Registry:
    """Knows the schemas of this project, by their place from 1."""

    def get_schema(self, schema_id: int) -> Any:
        from confluent_kafka.schema_registry import Schema

        return Schema(json.dumps(SCHEMAS[schema_id - 1]), "AVRO")


def test_30_000_damaged_records_of_every_schema_are_read_alike_or_refused_alike(monkeypatch: Any) -> None:
    chance = random.Random(7)
    made = []
    for number, schema in enumerate(SCHEMAS, 1):
        encode = Encoder(schema, number)
        for _ in range(30_000 // len(SCHEMAS) // 10 + 1):
            data = encode(sample(schema, chance))
            made += [data[:5] + damaged(data[4:], chance)[1:] for _ in range(10)]
    assert len(made) >= 30_000

    def all_of_them() -> list[Any]:
        codecs = [Codec(schema) for schema in SCHEMAS]
        return [repr(outcome(codecs[data[4] - 1].read, data, 5)) for data in made]

    def letters() -> list[str]:
        """What a dead letter would say, of some: the search for the field takes longest."""
        decode, found = Decoder(Registry()), []  # type: ignore[arg-type]
        for data in made[::20]:
            try:
                found.append(repr(decode(data)[0]))
            except DataError as error:
                found.append(str(error))
        return found

    with_native, told = all_of_them(), letters()
    monkeypatch.setattr(avro_codec, "native", None)
    assert all_of_them() == with_native
    assert letters() == told
    read = sum(not one.startswith("<class") for one in with_native)
    assert 1000 < read < 29_000, "some are still values, most are none"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["name"])
def test_no_schema_of_this_project_needs_fastavro(schema: dict[str, Any]) -> None:
    chance, compiled, parsed = random.Random(1), native(schema), avro_codec.parsed(schema)
    to_write = parse_schema(schema)
    for _ in range(50):
        value = sample(schema, chance)
        data = compiled.write(b"head", value)
        assert data == written(b"head", to_write, value)
        assert compiled.read(data, 4) == resolved(data, 4, parsed) == value


@given(st.lists(st.text() | st.characters(min_codepoint=0x80), max_size=5))
def test_a_text_that_was_read_is_encoded_as_any_other(texts: list[str]) -> None:
    compiled = native({"type": "array", "items": "string"})
    data = compiled.write(b"", texts)
    read = compiled.read(data, 0)
    assert read == texts and list(map(avro_codec.native.utf8, read)) == [text.encode() for text in texts]
    assert [text.encode() for text in read] == [text.encode() for text in texts]
    assert compiled.write(b"", read) == data


def test_a_type_that_contains_itself_is_left_to_fastavro() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]}
    with pytest.raises(avro_codec.native.UnsupportedError):
        native(schema)
    assert Codec(schema).write(b"", {"next": {"next": None}}) == b"\x02\x00"
