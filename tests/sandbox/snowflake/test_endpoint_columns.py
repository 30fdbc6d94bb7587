"""What the ingest SDK is told of columns, and how its values come back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.snowflake.columns import Column, UnsupportedColumnError, to_storage

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
INSTANTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC))


@pytest.mark.parametrize(
    ("declared", "logical", "physical", "more"),
    [
        ("NUMBER(18,4)", "FIXED", "SB8", {"precision": 18, "scale": 4}),
        ("NUMBER(38,0)", "FIXED", "SB16", {"precision": 38, "scale": 0}),
        ("NUMBER(3,0)", "FIXED", "SB4", {"precision": 3}),
        ("VARCHAR(16777216)", "TEXT", "LOB", {"length": 16777216, "byte_length": 16777216}),
        ("VARCHAR(10)", "TEXT", "LOB", {"length": 10, "byte_length": 40}),
        ("TIMESTAMP_TZ(9)", "TIMESTAMP_TZ", "SB16", {"scale": 9}),
        ("TIMESTAMP_NTZ(3)", "TIMESTAMP_NTZ", "SB16", {"scale": 3}),
        ("FLOAT", "REAL", "DOUBLE", {"scale": None}),
        ("BOOLEAN", "BOOLEAN", "SB1", {}),
        ("DATE", "DATE", "SB4", {}),
        ("TIME(9)", "TIME", "SB8", {"scale": 9}),
        ("VARIANT", "VARIANT", "LOB", {}),
        ("BINARY(8388608)", "BINARY", "LOB", {"byte_length": 8388608}),
    ],
)
def test_types_as_the_sdk_knows_them(declared: str, logical: str, physical: str, more: dict[str, Any]) -> None:
    wire = Column("C", declared, nullable=False).wire(3)
    expected = {"logical_type": logical, "physical_type": physical, "ordinal": 3, "nullable": False, **more}
    assert {name: wire[name] for name in expected} == expected


def test_names_are_quoted_where_they_need_it() -> None:
    assert Column("ORDER_ID", "DATE").wire(1)["name"] == "ORDER_ID"
    assert Column('say "hi"', "DATE").wire(1)["name"] == '"say ""hi"""'


@pytest.mark.parametrize("column", [Column("G", "GEOGRAPHY"), Column("A", "NUMBER(9,0)", has_default=True)])
def test_columns_that_streaming_does_not_load(column: Column) -> None:
    with pytest.raises(UnsupportedColumnError):
        column.wire(1)


def decimals(units: list[int | None], scale: int) -> pa.ChunkedArray:
    values = [None if unit is None else Decimal(unit).scaleb(-scale) for unit in units]
    return pa.chunked_array([pa.array(values, pa.decimal128(38, scale))])


@given(st.lists(st.tuples(INSTANTS, st.integers(-720, 840)) | st.none(), min_size=1, max_size=20))
def test_an_instant_survives_whatever_its_offset(written: list[tuple[dt.datetime, int] | None]) -> None:
    units = [
        None
        if entry is None
        else (((entry[0] - EPOCH) // dt.timedelta(microseconds=1) * 1000) << 14) | (entry[1] + 1440)
        for entry in written
    ]
    stored = to_storage(decimals(units, 9), Column("T", "TIMESTAMP_TZ(9)"))
    assert stored.to_pylist() == [None if entry is None else entry[0] for entry in written]


@given(st.lists(INSTANTS | st.none(), min_size=1, max_size=20), st.sampled_from([0, 3, 6, 9]))
def test_a_time_without_zone_keeps_what_its_scale_holds(written: list[dt.datetime | None], scale: int) -> None:
    units = [
        None if at is None else (at - EPOCH) // dt.timedelta(microseconds=1) * 10**9 // 10 ** (15 - scale)
        for at in written
    ]
    stored = to_storage(decimals(units, scale), Column("T", f"TIMESTAMP_NTZ({scale})")).to_pylist()
    step = 10 ** max(0, 6 - scale)
    for before, after in zip(written, stored, strict=True):
        if before is None:
            assert after is None
        else:
            micros = (before - EPOCH) // dt.timedelta(microseconds=1)
            assert after == (EPOCH + dt.timedelta(microseconds=micros // step * step)).replace(tzinfo=None)


def test_numbers_text_and_bytes_stay_as_they_are() -> None:
    money = pa.chunked_array([pa.array([Decimal("1.2345"), None], pa.decimal128(18, 4))])
    assert to_storage(money, Column("M", "NUMBER(18,4)")).to_pylist() == [Decimal("1.2345"), None]
    raw = pa.chunked_array([pa.array([b"\xff\x00"], pa.binary())])
    assert to_storage(raw, Column("B", "BINARY")).to_pylist() == [b"\xff\x00"]
    noon = decimals([12 * 3600 * 10**9], 9)
    assert to_storage(noon, Column("T", "TIME(9)")).to_pylist() == [dt.time(12)]


def test_an_empty_chunk_is_no_error() -> None:
    empty = pa.chunked_array([], type=pa.decimal128(38, 9))
    assert len(to_storage(empty, Column("T", "TIMESTAMP_TZ(9)"))) == 0
