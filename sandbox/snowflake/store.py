"""Tables in DuckDB behind fakesnow, and the channels beside the rows they brought.

Every Snowflake database is one DuckDB file. A chunk's rows and its channels' offset tokens are committed in one
transaction of that file, so SIGKILL at any moment leaves both or neither.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.instance import FakeSnow

from sandbox.snowflake.channels import ChannelState
from sandbox.snowflake.columns import Column

log = logging.getLogger(__name__)
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)  # of fakesnow
# fakesnow keeps its own views in this schema of each database and hides it from SHOW and INFORMATION_SCHEMA.
_HIDDEN = "_fs_information_schema"
_CHANNELS = f"""create table if not exists {{db}}.{_HIDDEN}._sandbox_channels (
    schema_name varchar, table_name varchar, channel varchar, client_sequencer bigint not null,
    row_sequencer bigint not null, offset_token varchar, last_chunk varchar,
    primary key (schema_name, table_name, channel))"""
_KEPT_RESULTS = 64
_MEMORY, _THREADS = "1GB", 2  # it shares a small machine with the rest of the stack


@dataclass(frozen=True, order=True)
class TableName:
    """A table's full name, as stored (case kept)."""

    database: str
    schema: str
    table: str

    @property
    def sql(self) -> str:
        """Quoted for SQL."""
        return ".".join(quote(part) for part in (self.database, self.schema, self.table))


class _RecentResults(OrderedDict[str, tuple[Any, ...]]):
    """fakesnow keeps every result for RESULT_SCAN; only the latest are kept here, or memory would grow for ever."""

    def __setitem__(self, key: str, value: tuple[Any, ...]) -> None:
        super().__setitem__(key, value)
        while len(self) > _KEPT_RESULTS:
            self.popitem(last=False)


class Store:
    """The databases of one data folder. ``write_lock`` is held by whoever changes data or definitions."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.write_lock = threading.RLock()
        self.generation = 0  # counts how often the files were opened: older connections are dead
        self._columns: dict[TableName, list[Column]] = {}
        self._fakesnow = self._open()

    def _open(self) -> FakeSnow:
        opened = FakeSnow(db_path=self._folder, create_database_on_connect=True, create_schema_on_connect=False)
        opened.results_cache = _RecentResults()
        opened.duck_conn.execute(f"set global memory_limit='{_MEMORY}'; set global threads={_THREADS}")
        for file in sorted(self._folder.glob("*.db")):
            opened.connect(file.stem).close()  # attaches the file
        opened.create_database_on_connect = False
        self._columns.clear()
        self.generation += 1
        return opened

    def heal(self, error: Exception) -> None:
        """Open the files again if DuckDB gave a database up, as it does when the disk is full while it writes.

        What was committed is there again; what was not is not. While the disk stays full this may fail, and the
        next error tries again.
        """
        if "invalidated" not in str(error) and not isinstance(error, duckdb.ConnectionException):
            return
        with self.write_lock:
            log.error("DuckDB gave up (%s); opening the files again", error)
            try:
                self._fakesnow.duck_conn.close()
                self._fakesnow = self._open()
            except (duckdb.Error, OSError):
                log.exception("the files cannot be opened")

    def connect(self, database: str | None, schema: str | None) -> FakeSnowflakeConnection:
        """A connection for one session; a database or schema that does not exist is simply not current."""
        return self._fakesnow.connect(database, schema)

    def close(self) -> None:
        """Close DuckDB, which writes its log into the files."""
        with self.write_lock:
            self._fakesnow.duck_conn.close()

    def databases(self) -> list[str]:
        """Names of the databases."""
        rows = self._rows("select database_name from duckdb_databases() where not internal order by 1")
        return [name for (name,) in rows if name not in ("memory", "_fs_global")]

    def has_schema(self, database: str, schema: str) -> bool:
        """Whether a schema exists, by its exact name."""
        found = self._rows(
            "select 1 from information_schema.schemata where catalog_name = ? and schema_name = ?", [database, schema]
        )
        return bool(found)

    def definitions_changed(self) -> None:
        """Forget what was remembered of tables; channels of tables that are gone are dropped."""
        with self.write_lock:
            self._columns.clear()
            for database in self.databases():
                if self._has_channels(database):
                    self._rows(
                        f"""delete from {quote(database)}.{_HIDDEN}._sandbox_channels c where not exists (
                        select 1 from duckdb_tables() t where t.database_name = ? and t.schema_name = c.schema_name
                        and t.table_name = c.table_name)""",  # noqa: S608 - a database's own name, quoted
                        [database],
                    )

    def drop_not_null(self, table: TableName, column: str) -> None:
        """Let a column be null."""
        with self.write_lock:
            self._rows(f"alter table {table.sql} alter column {quote(column)} drop not null")
            self._columns.clear()

    def columns(self, table: TableName) -> list[Column]:
        """A table's columns in order.

        Raises:
            KeyError: there is no such table.
        """
        found = self._columns.get(table)
        if found is None:
            if not self._rows(
                "select 1 from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
                [table.database, table.schema, table.table],
            ):
                raise KeyError(table)
            connection = self.connect(table.database, table.schema)
            described = connection.cursor().execute(f"desc table {table.sql}").fetchall()
            connection.close()
            found = [Column(row[0], row[1], row[3] == "Y", row[4] is not None) for row in described]
            self._columns[table] = found
        return found

    def channel(self, table: TableName, name: str) -> ChannelState | None:
        """What is persisted of a channel, or None."""
        with self.write_lock:
            if not self._has_channels(table.database):
                return None
            rows = self._rows(
                f"""select client_sequencer, row_sequencer, offset_token, last_chunk
                from {quote(table.database)}.{_HIDDEN}._sandbox_channels
                where schema_name = ? and table_name = ? and channel = ?""",  # noqa: S608
                [table.schema, table.table, name],
            )
        return ChannelState(*rows[0]) if rows else None

    def save_channel(self, table: TableName, name: str, state: ChannelState) -> None:
        """Persist a channel by itself (opened, or taken over)."""
        with self.write_lock:
            self._rows(_CHANNELS.format(db=quote(table.database)))
            self._upsert(self._fakesnow.duck_conn, table, [(name, state)])

    def drop_channels(self, table: TableName, name: str | None = None) -> None:
        """Forget one channel of a table, or all of them."""
        with self.write_lock:
            if self._has_channels(table.database):
                self._rows(
                    f"""delete from {quote(table.database)}.{_HIDDEN}._sandbox_channels
                    where schema_name = ? and table_name = ? and channel = coalesce(?, channel)""",  # noqa: S608
                    [table.schema, table.table, name],
                )

    def commit(self, table: TableName, rows: pa.Table, channels: Sequence[tuple[str, ChannelState]]) -> None:
        """Store rows and their channels' new states in one transaction.

        Raises:
            duckdb.Error: the table refuses the rows, or the disk is full; nothing is stored.
        """
        names = ", ".join(quote(name) for name in rows.column_names)
        with self.write_lock, self._fakesnow.duck_conn.cursor() as cursor:
            cursor.register("_sandbox_chunk", rows)
            cursor.begin()
            try:
                cursor.execute(f"insert into {table.sql} ({names}) select {names} from _sandbox_chunk")  # noqa: S608
                self._upsert(cursor, table, channels)
                cursor.commit()
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # a failed commit has rolled back already
                    cursor.rollback()
                raise

    def _upsert(
        self, cursor: duckdb.DuckDBPyConnection, table: TableName, channels: Iterable[tuple[str, ChannelState]]
    ) -> None:
        for name, state in channels:
            cursor.execute(
                f"insert or replace into {quote(table.database)}.{_HIDDEN}._sandbox_channels values (?,?,?,?,?,?,?)",  # noqa: S608
                [table.schema, table.table, name, *astuple(state)],
            )

    def _has_channels(self, database: str) -> bool:
        return bool(
            self._rows(
                "select 1 from duckdb_tables() where database_name = ? and table_name = '_sandbox_channels'", [database]
            )
        )

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._fakesnow.duck_conn.cursor() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()


def quote(name: str) -> str:
    """An identifier for SQL, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
