"""A small stand-in for ``snowflake-ingest-java``: writes blobs as the real SDK does, byte for byte where it matters."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.sandbox.snowflake.endpoint import ROLE, Endpoint, token

Row = dict[str, Any]
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_blobs = itertools.count()


def encode(column: dict[str, Any], value: Any) -> Any:
    """A value as the SDK writes it into Parquet."""
    kind = column["logical_type"]
    if value is None or not kind.startswith("TIMESTAMP"):
        return value
    nanos = (value - _EPOCH) // dt.timedelta(microseconds=1) * 1000
    if kind == "TIMESTAMP_TZ":
        nanos = (nanos << 14) | (int(value.utcoffset().total_seconds()) // 60 + 1440)
    return Decimal(nanos).scaleb(-9)


def arrow_type(column: dict[str, Any]) -> pa.DataType:
    """The Parquet type of a column, as Arrow spells it."""
    kind = column["logical_type"]
    if kind == "FIXED":
        return pa.decimal128(column["precision"], column["scale"])
    simple = {"REAL": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "BINARY": pa.binary()}
    return pa.decimal128(38, 9) if kind.startswith("TIMESTAMP") else simple.get(kind, pa.string())


def seal(parquet: bytes, key: str, path: str, counter: int = 0) -> tuple[bytes, int]:
    """Pad and encrypt a chunk; returns it with its length before padding."""
    padded = parquet + bytes(16 - len(parquet) % 16)
    derived = hashlib.sha256(base64.b64decode(key) + path.encode()).digest()
    iv = bytes(8) + counter.to_bytes(8, "big")
    encryptor = Cipher(algorithms.AES(derived), modes.CTR(iv)).encryptor()
    return encryptor.update(padded) + encryptor.finalize(), len(parquet)


def md5(data: bytes) -> str:
    """Hexadecimal MD5."""
    return hashlib.md5(data).hexdigest()


@dataclass
class Channel:
    """An open channel; ``answer`` is what opening it brought."""

    name: str
    table: str
    answer: dict[str, Any]
    written: int = 0
    columns: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = {c["name"].strip('"'): c for c in self.answer["table_columns"]}
        self.written = self.answer["row_sequencer"]


class Sdk:
    """Opens channels, writes rows, asks for offsets."""

    def __init__(self, endpoint: Endpoint, role: str = ROLE) -> None:
        self.endpoint, self.role = endpoint, role
        key: Any = load_pem_private_key(endpoint.key.read_bytes(), None)
        self.client = httpx.Client(headers={"authorization": f"Bearer {token(key)}"}, timeout=60)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call; HTTP errors raise."""
        answer = self.client.post(f"{self.endpoint.url}/v1/streaming{path}", json={"role": self.role, **body})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def open(self, table: str, name: str) -> Channel:
        """Open a channel; asserts success."""
        answer = self.open_answer(table, name)
        assert answer["status_code"] == 0, answer
        return Channel(name, table, answer)

    def open_answer(
        self, table: str, name: str, schema: str = "RAW_DATA", database: str = "MILLIONX"
    ) -> dict[str, Any]:
        """What opening a channel answers."""
        where = {"database": database, "schema": schema, "table": table, "channel": name}
        return self.post("/channels/open/", {**where, "write_mode": "CLOUD_STORAGE", "request_id": "1"})

    def blob(self, parts: Sequence[tuple[Channel, Sequence[Row], str]]) -> dict[str, Any]:
        """Put one blob of one chunk into the stage; returns its registration.

        Args:
            parts: channels of one table, each with its rows and the offset token after them.
        """
        first = parts[0][0]
        rows = [row for _, part, _ in parts for row in part]
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = pa.table(
            {
                n: pa.array([encode(first.columns[n], r.get(n)) for r in rows], arrow_type(first.columns[n]))
                for n in names
            }
        )
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        path = f"2026/1/1/0/0/test_{next(_blobs)}.bdec"
        sealed, length = seal(buffer.getvalue(), first.answer["encryption_key"], path)
        file = self.stage / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sealed)
        channels = []
        for channel, _, offset in parts:
            channel.written += 1
            channels.append(
                {
                    "channel_name": channel.name,
                    "client_sequencer": channel.answer["client_sequencer"],
                    "row_sequencer": channel.written,
                    "offset_token": offset,
                }
            )
        chunk = {
            "database": "MILLIONX",
            "schema": "RAW_DATA",
            "table": first.table,
            "chunk_start_offset": 0,
            "chunk_length": length,
            "chunk_md5": md5(sealed[:length]),
            "eps": {"rows": len(rows), "columns": {}},
            "channels": channels,
        }
        return {"path": path, "md5": md5(sealed), "bdec_version": 3, "chunks": [chunk]}

    def register(self, *blobs: dict[str, Any]) -> list[int]:
        """Register blobs; returns the status of every channel in order."""
        answer = self.post("/channels/write/blobs/", {"request_id": "2", "blobs": list(blobs)})
        assert answer["status_code"] == 0, answer
        chunks = [chunk for blob in answer["blobs"] for chunk in blob["chunks"]]
        return [channel["status_code"] for chunk in chunks for channel in chunk["channels"]]

    def write(self, channel: Channel, rows: Sequence[Row], offset: str) -> list[int]:
        """One blob of one channel."""
        return self.register(self.blob([(channel, rows, offset)]))

    def status(self, table: str, name: str) -> dict[str, Any]:
        """What is persisted of a channel."""
        where = {"database": "MILLIONX", "schema": "RAW_DATA", "table": table, "channel_name": name}
        found: dict[str, Any] = self.post("/channels/status/", {"channels": [where]})["channels"][0]
        return found

    @property
    def stage(self) -> Path:
        """The stage folder, as the endpoint tells it."""
        return Path(self.post("/client/configure/", {})["stage_location"]["location"])
