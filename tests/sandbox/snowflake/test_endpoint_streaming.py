"""Streaming: rows and offsets arrive once, whatever is repeated, refused or killed."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.snowflake.channels import Status
from tests.sandbox.snowflake.endpoint import Endpoint
from tests.sandbox.snowflake.sdk import Sdk
from tests.stores import make_ready, snowflake

AT = dt.datetime(2026, 3, 1, 23, 59, 59, 123456, tzinfo=dt.timezone(dt.timedelta(hours=6)))


def row(key: str, **more: Any) -> dict[str, Any]:
    return {"RECORD_KEY": key, "VERSION": 1, **more}


def keys(endpoint: Endpoint, channel: str) -> list[str]:
    """Keys stored that begin with a channel's name, doubles included."""
    with snowflake(endpoint.settings()) as client:
        found = client.query("select RECORD_KEY from ORDERS where RECORD_KEY like %s order by 1", [f"{channel}-%"])
    return [key for (key,) in found.rows]


@pytest.fixture
def name() -> str:
    return f"c{uuid.uuid4().hex[:8]}"


def test_values_arrive_typed(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    sent = row(
        f"{name}-1", PRICE=Decimal("123456789.1234"), ORDERED_AT=AT, PRODUCT_NAME="শাড়ি", RECORD_METADATA='{"offset":7}'
    )
    assert sdk.write(channel, [sent, row(f"{name}-2")], "7") == [0]
    with snowflake(endpoint.settings()) as client:
        found = client.query(
            "select PRICE, ORDERED_AT, PRODUCT_NAME, RECORD_METADATA:offset::int, VERSION from ORDERS "
            "where RECORD_KEY = %s",
            [f"{name}-1"],
        )
        empty = client.query("select PRICE, ORDERED_AT, PRODUCT_NAME from ORDERS where RECORD_KEY = %s", [f"{name}-2"])
    assert found.rows == [(Decimal("123456789.1234"), AT, "শাড়ি", 7, 1)]
    assert empty.rows == [(None, None, None)]


def test_status_tells_the_last_offset(sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    assert sdk.status("ORDERS", name)["persisted_offset_token"] is None
    sdk.write(channel, [row(f"{name}-1")], "11")
    sdk.write(channel, [row(f"{name}-2")], "12")
    status = sdk.status("ORDERS", name)
    assert (status["persisted_offset_token"], status["persisted_row_sequencer"]) == ("12", 2)
    assert sdk.status("ORDERS", "never opened")["status_code"] == Status.CHANNEL_UNKNOWN


def test_a_repeated_blob_is_stored_once(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    blob = sdk.blob([(channel, [row(f"{name}-1")], "1")])
    assert sdk.register(blob) == [Status.SUCCESS]
    assert sdk.register(blob) == [Status.SUCCESS]
    assert keys(endpoint, name) == [f"{name}-1"]


def test_a_lost_reply_is_no_double(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    blob = sdk.blob([(channel, [row(f"{name}-1")], "1")])
    endpoint.fault("lost-reply", times=1, path="/blobs/")
    with pytest.raises(httpx.HTTPStatusError):
        sdk.register(blob)
    assert keys(endpoint, name) == [f"{name}-1"], "the work was done, only the reply is lost"
    assert sdk.register(blob) == [Status.SUCCESS]
    assert keys(endpoint, name) == [f"{name}-1"]


def test_a_writer_that_lost_its_channel_stores_nothing(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    old = sdk.open("ORDERS", name)
    sdk.write(old, [row(f"{name}-1")], "1")
    new = sdk.open("ORDERS", name)
    assert new.answer["offset_token"] == "1"
    assert sdk.write(old, [row(f"{name}-zombie")], "2") == [Status.INVALID_CLIENT_SEQUENCER]
    assert sdk.write(new, [row(f"{name}-2")], "2") == [Status.SUCCESS]
    assert keys(endpoint, name) == [f"{name}-1", f"{name}-2"]


def test_a_gap_in_the_rows_is_refused(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    channel.written += 1  # as if a write before had been lost
    assert sdk.write(channel, [row(f"{name}-2")], "2") == [Status.INVALID_ROW_SEQUENCER]
    assert keys(endpoint, name) == []


def test_a_refused_channel_refuses_its_chunk(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    good, stale = sdk.open("ORDERS", f"{name}-a"), sdk.open("ORDERS", f"{name}-b")
    sdk.open("ORDERS", f"{name}-b")
    blob = sdk.blob([(good, [row(f"{name}-a-1")], "1"), (stale, [row(f"{name}-b-1")], "1")])
    assert sdk.register(blob) == [Status.OTHER_CHANNEL_HAS_ISSUE, Status.INVALID_CLIENT_SEQUENCER]
    assert keys(endpoint, name) == []


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda blob: blob.update(md5="0" * 32), "another MD5"),
        (lambda blob: blob["chunks"][0].update(chunk_md5="0" * 32), "another MD5"),
        (lambda blob: blob["chunks"][0]["eps"].update(rows=5), "registration says 5"),
        (lambda blob: blob.update(path="../account.sqlite"), "out of the stage"),
    ],
    ids=["blob-md5", "chunk-md5", "rows", "path"],
)
def test_a_blob_that_is_not_as_registered_is_refused(
    endpoint: Endpoint, sdk: Sdk, name: str, break_it: Any, why: str
) -> None:
    channel = sdk.open("ORDERS", name)
    blob = sdk.blob([(channel, [row(f"{name}-1")], "1")])
    break_it(blob)
    assert sdk.register(blob) == [Status.ROW_COUNT_DIFFERS]
    assert keys(endpoint, name) == []
    assert why in (endpoint.folder / "endpoint.log").read_text()
    assert (endpoint.folder / "data" / "account.sqlite").exists()


def test_a_role_without_insert_opens_nothing(endpoint: Endpoint, name: str) -> None:
    analyst = Sdk(endpoint, role="MILLIONX_ANALYST_ROLE")
    assert analyst.open_answer("ORDERS", name)["status_code"] == Status.TABLE_UNKNOWN


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ({"table": "NOPE"}, Status.TABLE_UNKNOWN),
        ({"table": "ORDERS", "schema": "NOPE"}, Status.SCHEMA_UNKNOWN),
        ({"table": "ORDERS", "database": "NOPE"}, Status.DATABASE_UNKNOWN),
    ],
)
def test_what_does_not_exist_cannot_be_opened(sdk: Sdk, where: dict[str, str], status: Status) -> None:
    assert sdk.open_answer(name="c", **where)["status_code"] == status


def test_a_default_value_is_not_loaded_into(endpoint: Endpoint) -> None:
    from glue.stores.snowflake import client as warehouse

    script = "use schema MILLIONX.RAW_DATA; create table if not exists WITH_DEFAULT (A NUMBER(9,0) default 1)"
    warehouse.apply_ddl([script], endpoint.settings())
    answer = Sdk(endpoint, role="ACCOUNTADMIN").open_answer("WITH_DEFAULT", "c")
    assert answer["status_code"] == Status.COLUMN_UNSUPPORTED
    assert "default" in answer["message"]


@pytest.mark.parametrize(("fault", "status"), [("queue-full", Status.QUEUE_FULL), ("disk-full", Status.RETRY)])
def test_a_fault_that_passes_loses_nothing(endpoint: Endpoint, sdk: Sdk, name: str, fault: str, status: Status) -> None:
    channel = sdk.open("ORDERS", name)
    blob = sdk.blob([(channel, [row(f"{name}-1")], "1")])
    endpoint.fault(fault, times=1)
    assert sdk.register(blob) == [status]
    assert sdk.register(blob) == [Status.SUCCESS], "the blob is still there"
    assert keys(endpoint, name) == [f"{name}-1"]


def test_an_invalidated_channel_continues_after_opening(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    sdk.write(channel, [row(f"{name}-1")], "1")
    endpoint.fault("channel-invalidated", times=1)
    assert sdk.write(channel, [row(f"{name}-2")], "2") == [Status.INVALID_CLIENT_SEQUENCER]
    again = sdk.open("ORDERS", name)
    assert again.answer["offset_token"] == "1"
    assert sdk.write(again, [row(f"{name}-2")], "2") == [Status.SUCCESS]
    assert keys(endpoint, name) == [f"{name}-1", f"{name}-2"]


def test_a_new_column_is_loaded_once_it_is_there(endpoint: Endpoint, sdk: Sdk, name: str) -> None:
    with snowflake(endpoint.settings()) as client:
        statement = (
            "alter table ORDERS add column if not exists GIFT VARCHAR comment 'a', if not exists WRAP FLOAT comment 'b'"
        )
        client.query(statement)
        channel = sdk.open("ORDERS", name)
        assert sdk.write(channel, [row(f"{name}-1", GIFT="yes", WRAP=1.5)], "1") == [0]
        found = client.query("select GIFT, WRAP from ORDERS where RECORD_KEY = %s", [f"{name}-1"])
    assert found.rows == [("yes", 1.5)]


def test_blobs_do_not_pile_up(sdk: Sdk, name: str) -> None:
    channel = sdk.open("ORDERS", name)
    blob = sdk.blob([(channel, [row(f"{name}-1")], "1")])
    assert (sdk.stage / blob["path"]).exists()
    sdk.register(blob)
    assert not (sdk.stage / blob["path"]).exists()


def test_a_replaced_table_starts_its_channels_anew(endpoint: Endpoint) -> None:
    from glue.stores.snowflake import client as warehouse

    owner = Sdk(endpoint, role="ACCOUNTADMIN")
    script = "use schema MILLIONX.RAW_DATA; create or replace table REPLACED (RECORD_KEY VARCHAR)"
    warehouse.apply_ddl([script], endpoint.settings())
    owner.write(owner.open("REPLACED", "c"), [{"RECORD_KEY": "1"}], "41")
    warehouse.apply_ddl([script], endpoint.settings())
    assert owner.open("REPLACED", "c").answer["offset_token"] is None


@pytest.mark.stack
def test_sigkill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A writer as the connector is: it re-reads from the persisted offset after every failure."""

    batch, wanted = 50, 3
    endpoint = Endpoint(tmp_path)
    with endpoint:
        settings = endpoint.settings()
        make_ready(settings)
        sdk, enough, progress, total = Sdk(endpoint), threading.Event(), threading.Semaphore(0), 0

        def write() -> None:
            nonlocal total
            while True:
                try:
                    channel = sdk.open("ORDERS", "k")
                    start = int(channel.answer["offset_token"] or 0)
                    while not enough.is_set():
                        rows = [row(f"k-{n:06}") for n in range(start, start + batch)]
                        start += batch
                        assert sdk.write(channel, rows, str(start)) == [0]
                        progress.release()
                    total = int(sdk.status("ORDERS", "k")["persisted_offset_token"])
                    return
                except httpx.HTTPError:
                    enough.wait(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        for _ in range(wanted):
            for _ in range(5):
                assert progress.acquire(timeout=60), "the writer goes on after every kill"
            endpoint.kill()
            endpoint.start()
        assert progress.acquire(timeout=60)
        enough.set()
        writer.join(60)
        assert total >= wanted * 5 * batch
        assert keys(endpoint, "k") == [f"k-{n:06}" for n in range(total)]
