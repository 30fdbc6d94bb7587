"""Blobs of the ingest SDK: verify, decrypt, and read as Arrow.

A ``.bdec`` blob: ``bdec``, one byte of version, size (8 bytes), CRC-32 of the data (8), length of the chunk list (4),
the chunk list as JSON, then the chunks; newer SDKs write no header. A chunk is a Parquet file, padded to 16 bytes
and encrypted with AES/CTR/NoPadding under ``sha256(b64decode(key) + path)``; the counter runs through the whole
blob, so it starts at chunk offset / 16. Source: ``BlobBuilder`` and ``Cryptor`` of ``snowflake-ingest-java``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
_FIXED_HEADER = 25


class BadBlobError(ValueError):
    """A blob that is not what its registration says; the message names the check that failed."""


@dataclass(frozen=True)
class Blob:
    """A blob's bytes, checked against size, checksum and MD5 of its registration."""

    path: str
    raw: bytes
    header_bytes: int

    def chunk(self, chunk: dict[str, Any], encryption_key: str) -> pa.Table:
        """The rows of one chunk.

        Args:
            chunk: its entry in the registration: ``chunk_start_offset``, ``chunk_length``, ``chunk_md5``, ``eps``.
            encryption_key: base64, as given to the client when it opened the channel.

        Raises:
            BadBlobError: MD5 or row count differ, or the chunk is no Parquet.
        """
        start, length = int(chunk["chunk_start_offset"]), int(chunk["chunk_length"])
        padded = length + BLOCK - length % BLOCK
        encrypted = self.raw[start : start + padded]
        if start < self.header_bytes or len(encrypted) != padded:
            raise BadBlobError(f"chunk at {start} of {length} bytes lies outside of the blob")
        if _md5(encrypted[:length]) != chunk["chunk_md5"]:
            raise BadBlobError(f"chunk at {start} has another MD5")
        key = hashlib.sha256(base64.b64decode(encryption_key) + self.path.encode()).digest()
        counter = bytes(8) + ((start - self.header_bytes) // BLOCK).to_bytes(8, "big")
        decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
        plain = (decryptor.update(encrypted) + decryptor.finalize())[:length]
        try:
            table = pq.read_table(io.BytesIO(plain))
        except (pa.ArrowInvalid, OSError) as error:
            raise BadBlobError(f"chunk at {start} is not Parquet once decrypted") from error
        if table.num_rows != chunk["eps"]["rows"]:
            raise BadBlobError(
                f"chunk at {start} has {table.num_rows} rows, its registration says {chunk['eps']['rows']}"
            )
        return table


def open_blob(stage: Path, path: str, md5: str) -> Blob:
    """Read a blob that a client put into the stage folder.

    Raises:
        BadBlobError: it is not there, or differs from its registration.
    """
    file = stage_file(stage, path)
    try:
        raw = file.read_bytes()
    except FileNotFoundError as error:
        raise BadBlobError(f"no blob {path} in the stage") from error
    if _md5(raw) != md5:
        raise BadBlobError(f"blob {path} has another MD5")
    if raw[:4] != b"bdec":
        return Blob(path, raw, 0)
    header = _FIXED_HEADER + int.from_bytes(raw[21:25], "big")
    if int.from_bytes(raw[5:13], "big") != len(raw):
        raise BadBlobError(f"blob {path} has another size than its header says")
    if int.from_bytes(raw[13:21], "big") != zlib.crc32(raw[header:]):
        raise BadBlobError(f"blob {path} has another CRC than its header says")
    return Blob(path, raw, header)


def stage_file(stage: Path, path: str) -> Path:
    """Where a blob lies in the stage folder.

    Raises:
        BadBlobError: the path leads out of it.
    """
    file = (stage / path).resolve()
    if not file.is_relative_to(stage.resolve()):
        raise BadBlobError("the blob's path leads out of the stage")
    return file


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
