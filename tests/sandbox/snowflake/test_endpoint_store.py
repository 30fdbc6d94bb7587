"""Rows and offsets stand or fall together; a full disk does not end the endpoint."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sandbox.snowflake.channels import ChannelState
from sandbox.snowflake.store import Store, TableName

TABLE = TableName("M", "R", "T")
pytestmark = pytest.mark.filterwarnings("ignore:Arrow output on a DB-API result")


def opened(folder: Path) -> Store:
    store = Store(folder)
    session = store.connect(None, None)
    for sql in ("create database if not exists M", "create schema if not exists M.R"):
        session.cursor().execute(sql)
    session.cursor().execute("create table if not exists M.R.T (N NUMBER(18,0) NOT NULL, S VARCHAR)")
    session.close()
    return store


def state(offset: int) -> ChannelState:
    return ChannelState(0, offset, str(offset), f"chunk-{offset}")


def stored(store: Store) -> int:
    session = store.connect("M", "R")
    (count,) = session.cursor().execute("select count(*) as c from T").fetchall()[0]
    session.close()
    return int(count)


def test_rows_and_offsets_are_there_after_opening_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.save_channel(TABLE, "c", state(0))
    store.commit(TABLE, pa.table({"N": [1, 2]}), [("c", state(2))])
    store.close()
    again = Store(tmp_path)
    assert (stored(again), again.channel(TABLE, "c")) == (2, state(2))
    again.close()


def test_refused_rows_leave_the_offset(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.save_channel(TABLE, "c", state(0))
    with pytest.raises(duckdb.ConstraintException):
        store.commit(TABLE, pa.table({"N": pa.array([1, None], pa.int64())}), [("c", state(2))])
    assert (stored(store), store.channel(TABLE, "c")) == (0, state(0))
    store.close()


def test_an_offset_that_cannot_be_kept_takes_its_rows_along(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.save_channel(TABLE, "c", state(0))
    unfit = ChannelState(None, 2, "2")  # type: ignore[arg-type]
    with pytest.raises(duckdb.ConstraintException):
        store.commit(TABLE, pa.table({"N": [1, 2]}), [("c", unfit)])
    assert (stored(store), store.channel(TABLE, "c")) == (0, state(0))
    store.close()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Writing beyond ``size`` fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.save_channel(TABLE, "c", state(0))
    rows = pa.table({"N": list(range(2000)), "S": [os.urandom(500).hex() for _ in range(2000)]})
    batches = 0

    def write() -> None:
        nonlocal batches
        store.commit(TABLE, rows, [("c", state(batches + 1))])
        batches += 1

    with files_no_larger_than(24 * 1024 * 1024):
        with pytest.raises(duckdb.Error) as failed:
            for _ in range(100):
                write()
        store.heal(failed.value)
        assert batches > 0
    for _ in range(3):  # what heals may itself have met the full disk
        try:
            kept = store.channel(TABLE, "c")
            break
        except duckdb.Error as error:
            store.heal(error)
    assert kept is not None
    # The commit that failed may be in the log already: then its offset and its rows are there, both.
    assert kept in (state(batches), state(batches + 1))
    assert stored(store) == kept.row_sequencer * rows.num_rows
    batches = kept.row_sequencer
    write()
    assert (stored(store), store.channel(TABLE, "c")) == (batches * rows.num_rows, state(batches))
    store.close()
