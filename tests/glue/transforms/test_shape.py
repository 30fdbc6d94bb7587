from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import ConfigError, DataError
from glue.identity import record_key
from glue.transforms.chain import Chain
from glue.transforms.contract import Record
from glue.transforms.order import ToOrderRow
from glue.transforms.post import ToEnrichedPost
from glue.transforms.price import ToPriceObservation
from glue.transforms.shape import iso, load_output, millis
from glue.transforms.timestamps import InsertIngestionTime

Make = Callable[..., Record]
SAFE = {
    "transforms": "scrub,hash,shape",
    "transforms.scrub.type": "glue.transforms.scrub:ScrubPII",
    "transforms.hash.type": "glue.transforms.identity:HashIdentity",
}


def shaped(record: Record, cls: type, keys: Path, **shape: str) -> Record:
    config = SAFE | {f"transforms.shape.{name}": value for name, value in shape.items()}
    config |= {
        "transforms.hash.keys.file": str(keys),
        "transforms.shape.type": f"{cls.__module__}:{cls.__name__}",
    }
    (outcome,) = Chain.from_config(config).run([record])
    assert isinstance(outcome, Record), outcome
    return outcome


def writes(record: Record) -> None:
    """The value fits the schema that it claims, and holds no field that the schema has not."""
    assert record.schema is not None
    assert record.value is not None
    fastavro.schemaless_writer(io.BytesIO(), fastavro.parse_schema(record.schema), record.value, strict=True)


@pytest.mark.parametrize(
    ("cls", "make"), [(ToEnrichedPost, "post"), (ToOrderRow, "order"), (ToPriceObservation, "order")]
)
def test_what_leaves_fits_the_sink_and_what_is_unsafe_is_refused(
    cls: type, make: str, keys_file: Path, request: pytest.FixtureRequest
) -> None:
    record = request.getfixturevalue(make)()
    writes(shaped(record, cls, keys_file))
    shape = cls()
    shape.configure({})
    with pytest.raises(DataError, match="scrub and hash first"):
        shape.apply(request.getfixturevalue(make)())
    with pytest.raises(DataError, match="scrub and hash first"):
        shape.apply(Record("t", "k", {}, None))


def test_an_order_row_has_the_key_of_its_record_and_its_update_as_version(order: Make, keys_file: Path) -> None:
    when = datetime(2026, 1, 5, 11, 0, 0, 123000, tzinfo=UTC)
    record = shaped(order(updated_at=when), ToOrderRow, keys_file)
    assert record.value is not None
    assert record.value["record_key"] == record.key
    assert record.value["version"] == 1767610800123


def test_a_price_has_a_key_of_its_own(order: Make, keys_file: Path) -> None:
    key = order().key or ""
    record = shaped(order(), ToPriceObservation, keys_file, rekey="price")
    assert record.value is not None
    assert record.key == record.value["record_key"] == record_key("price", key) != key


def test_a_record_without_a_key_or_a_field_is_refused(order: Make, keys_file: Path) -> None:
    config = SAFE | {
        "transforms.hash.keys.file": str(keys_file),
        "transforms.shape.type": "glue.transforms.order:ToOrderRow",
    }
    no_key, no_field = order(), order()
    no_key.key = None
    del no_field.value["order_id"]  # type: ignore[index]
    for outcome, text in zip(Chain.from_config(config).run([no_key, no_field]), ("no key", "order_id"), strict=True):
        assert text in str(outcome.error)  # type: ignore[union-attr]


def test_a_sink_schema_with_a_personal_field_does_not_start() -> None:
    with pytest.raises(ConfigError, match="customer_name"):
        load_output("market_order.avsc")


def test_times() -> None:
    when = datetime(2026, 1, 5, 10, 0, 0, 5000, tzinfo=UTC)
    assert iso(when) == "2026-01-05T10:00:00.005Z"
    assert millis(when) == 1767607200005
    dhaka = datetime(2026, 1, 5, 16, 0, 0, 5000, tzinfo=timezone(timedelta(hours=6)))
    assert millis(dhaka) == millis(when)


@given(st.datetimes(timezones=st.sampled_from([UTC, UTC, timezone(timedelta(hours=6)), None])))
def test_times_are_written_as_python_does(when: datetime) -> None:
    assert iso(when) == when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_the_ingestion_time_is_written_once(post: Make) -> None:
    insert = InsertIngestionTime()
    insert.configure({"field": "seen_at"})
    record = insert.apply(post())
    assert record.value is not None
    assert record.schema is not None
    seen = record.value["seen_at"]
    assert abs((datetime.now(UTC) - seen).total_seconds()) < 60
    assert [f["name"] for f in record.schema["fields"]].count("seen_at") == 1
    again = insert.apply(record)
    assert again.value is not None
    assert again.value["seen_at"] is seen
