"""Streaming ingest: open a channel, write chunks of blobs, ask for offsets. No HTTP here; bodies in, bodies out.

Field names: ``OpenChannelResponse``, ``RegisterBlobRequest``, ``ChannelsStatusResponse`` of ``snowflake-ingest-java``.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sandbox.snowflake.account import Account
from sandbox.snowflake.blobs import BadBlobError, open_blob, stage_file
from sandbox.snowflake.channels import MESSAGES, NEW_CHANNEL, ChannelState, ChannelWrite, Status, judge_chunk
from sandbox.snowflake.columns import UnsupportedColumnError, to_storage
from sandbox.snowflake.faults import Faults
from sandbox.snowflake.statements import stored_name
from sandbox.snowflake.store import Store, TableName

log = logging.getLogger(__name__)
ENCRYPTION_KEY_ID = 1
Body = dict[str, Any]


class Streaming:
    """The streaming side of the endpoint."""

    def __init__(self, store: Store, account: Account, stage: Path, key_file: Path, faults: Faults) -> None:
        self._store, self._account, self._stage, self._faults = store, account, stage, faults
        stage.mkdir(parents=True, exist_ok=True)
        if not key_file.exists():
            key_file.touch(mode=0o600)
            key_file.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        self._key = key_file.read_text()

    def answer(self, act: Callable[[Body], Body], body: Body) -> Body:
        """What ``act`` answers; a failing store is a status that the client tries again."""
        try:
            return act(body)
        except duckdb.Error as error:
            log.exception("the store failed")
            self._store.heal(error)
            return _status(Status.RETRY)

    def configure(self, body: Body) -> Body:
        """Where the client puts its blobs: a folder of this machine."""
        where = {"locationType": "LOCAL_FS", "location": str(self._stage), "path": "", "creds": {}}
        more = dict.fromkeys(("region", "endPoint", "storageAccount", "presignedUrl", "volumeHash"))
        flags = {"isClientSideEncrypted": True, "useS3RegionalUrl": False}
        return _status(Status.SUCCESS, prefix="local", deployment_id=1, stage_location={**where, **more, **flags})

    def open(self, body: Body) -> Body:
        """Give a channel to a new writer; whoever had it loses it."""
        table, name = _table(body), str(body["channel"])
        if table.database not in self._store.databases():
            return _status(Status.DATABASE_UNKNOWN)
        if not self._store.has_schema(table.database, table.schema):
            return _status(Status.SCHEMA_UNKNOWN)
        try:
            columns = [column.wire(n) for n, column in enumerate(self._store.columns(table), 1)]
        except KeyError:
            return _status(Status.TABLE_UNKNOWN)
        except UnsupportedColumnError as error:
            return _status(Status.COLUMN_UNSUPPORTED, message=f"{MESSAGES[Status.COLUMN_UNSUPPORTED]}: {error}")
        role = stored_name(str(body.get("role") or "PUBLIC"))
        if not self._account.may_insert(role, table):
            log.warning("channel %s refused: role %s may not insert into %s", name, role, table)
            return _status(Status.TABLE_UNKNOWN)
        with self._store.write_lock:
            state = (self._store.channel(table, name) or NEW_CHANNEL).reopened()
            self._store.save_channel(table, name, state)
        log.info("channel %s of %s opened at offset %s", name, table.table, state.offset_token)
        return _status(
            Status.SUCCESS,
            **_names(table),
            channel=name,
            client_sequencer=state.client_sequencer,
            row_sequencer=state.row_sequencer,
            offset_token=state.offset_token,
            table_columns=columns,
            encryption_key=self._key,
            encryption_key_id=ENCRYPTION_KEY_ID,
            iceberg_location=None,
        )

    def drop(self, body: Body) -> Body:
        """Forget a channel, if the caller still owns it."""
        table, name = _table(body), str(body["channel"])
        state, owner = self._store.channel(table, name), body.get("client_sequencer")
        if state and owner is not None and owner != state.client_sequencer:
            return _status(Status.INVALID_CLIENT_SEQUENCER)
        self._store.drop_channels(table, name)
        return _status(Status.SUCCESS, **_names(table), channel=name)

    def status(self, body: Body) -> Body:
        """What is persisted of channels."""
        answers = []
        for asked in body.get("channels", []):
            state = self._store.channel(_table(asked), str(asked["channel_name"]))
            answers.append(
                {
                    "status_code": Status.SUCCESS if state else Status.CHANNEL_UNKNOWN,
                    "persisted_row_sequencer": state.row_sequencer if state else None,
                    "persisted_client_sequencer": state.client_sequencer if state else None,
                    "persisted_offset_token": state.offset_token if state else None,
                }
            )
        return _status(Status.SUCCESS, channels=answers)

    def register(self, body: Body) -> Body:
        """Load blobs; each chunk is stored whole or not at all."""
        return _status(Status.SUCCESS, blobs=[self._load_blob(blob) for blob in body.get("blobs", [])])

    def _load_blob(self, blob: Body) -> Body:
        answers = []
        for chunk in blob["chunks"]:
            table = _table(chunk)
            with self._store.write_lock:
                statuses = self._load_chunk(table, blob, chunk)
            channels = [
                {
                    "status_code": status,
                    "message": MESSAGES[status],
                    "channel": channel["channel_name"],
                    "client_sequencer": channel["client_sequencer"],
                }
                for channel, status in zip(chunk["channels"], statuses, strict=True)
            ]
            answers.append({**_names(table), "channels": channels})
        outcomes = {channel["status_code"] for chunk in answers for channel in chunk["channels"]}
        if not outcomes & {Status.QUEUE_FULL, Status.RETRY}:  # else the client registers the same file again
            with contextlib.suppress(BadBlobError):  # a path out of the stage was refused above
                stage_file(self._stage, blob["path"]).unlink(missing_ok=True)
        return {"chunks": answers}

    def _load_chunk(self, table: TableName, blob: Body, chunk: Body) -> list[Status]:
        writes = [
            ChannelWrite(
                str(channel["channel_name"]),
                channel["client_sequencer"],
                channel["row_sequencer"],
                channel.get("end_offset_token", channel.get("offset_token")),
            )
            for channel in chunk["channels"]
        ]
        chunk_id = f"{blob['path']}@{chunk['chunk_start_offset']}"
        states = [self._store.channel(table, write.name) for write in writes]
        if fault := self._fault_of(table, writes, states):
            return [fault] * len(writes)
        statuses, needed = judge_chunk(states, writes, chunk_id)
        if not needed:
            log.info(
                "chunk %s of %s: nothing to store, %s", chunk_id, table.table, [status.name for status in statuses]
            )
            return statuses
        try:
            rows = self._rows(table, open_blob(self._stage, blob["path"], blob["md5"]).chunk(chunk, self._key))
            updates = [
                (w.name, ChannelState(w.client_sequencer, w.row_sequencer, w.offset_token, chunk_id)) for w in writes
            ]
            self._store.commit(table, rows, updates)
        except BadBlobError:
            log.exception("chunk %s refused", chunk_id)
            return [Status.ROW_COUNT_DIFFERS] * len(writes)
        except KeyError:
            return [Status.COLUMN_MISSING] * len(writes)
        except (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError):
            log.exception("chunk %s: the table refuses its rows", chunk_id)
            return [Status.COLUMN_MISSING] * len(writes)
        except (duckdb.Error, OSError) as error:
            log.exception("chunk %s not stored", chunk_id)
            self._store.heal(error)
            return [Status.RETRY] * len(writes)
        log.info("chunk %s: %d rows into %s", chunk_id, rows.num_rows, table.table)
        return statuses

    def _fault_of(
        self, table: TableName, writes: list[ChannelWrite], states: list[ChannelState | None]
    ) -> Status | None:
        if self._faults.hit("queue-full"):
            return Status.QUEUE_FULL
        if self._faults.hit("disk-full"):
            return Status.RETRY
        if self._faults.hit("channel-invalidated"):
            for write, state in zip(writes, states, strict=True):
                if state:
                    self._store.save_channel(table, write.name, state.reopened())
            return Status.INVALID_CLIENT_SEQUENCER
        return None

    def _rows(self, table: TableName, read: pa.Table) -> pa.Table:
        """Rows of a chunk as DuckDB stores them.

        Raises:
            KeyError: the table has no such column any more.
        """
        columns = {column.name: column for column in self._store.columns(table)}
        names = [stored_name(name) if name.startswith('"') else name for name in read.column_names]
        arrays = [to_storage(read.column(n), columns[name]) for n, name in enumerate(names)]
        return pa.table(arrays, names=names)


def _table(body: Body) -> TableName:
    return TableName(*(stored_name(str(body[part])) for part in ("database", "schema", "table")))


def _names(table: TableName) -> Body:
    return {"database": table.database, "schema": table.schema, "table": table.table}


def _status(status: Status, **more: Any) -> Body:
    return {"status_code": int(status), "message": MESSAGES[status], **more}
