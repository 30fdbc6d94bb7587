"""Avro on the wire: Confluent's framing over fastavro, with parsed schemas cached by id.

Framing (Confluent wire format): one zero byte, the schema id as four bytes big-endian, the Avro binary value. fastavro
is called directly because its speed is that of the whole service.
"""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import fastavro
from fastavro.schema import parse_schema

from glue.errors import ConfigError, DataError, ServiceError, ServiceUnavailableError
from glue.registry import Schema, SchemaRegistryClient, registry_errors

AvroSchema = dict[str, Any]
_HEADER = struct.Struct(">bI")
_MAGIC = 0
_UNKNOWN_SECONDS = 30.0
_UNKNOWN_MOST = 1000
_OUTAGE_SECONDS = 0.5
_EPOCH, _EXACT = datetime.fromtimestamp(0, UTC), 4_000_000_000_000


def _read_millis(data: int, writer_schema: Any = None, reader_schema: Any = None) -> datetime:
    """A ``timestamp-millis`` as fastavro reads it, in a third of the time."""
    if -_EXACT < data < _EXACT:  # where a float holds a millisecond exactly enough
        return datetime.fromtimestamp(data / 1000, UTC)
    return _EPOCH + timedelta(milliseconds=data)


fastavro.read.LOGICAL_READERS["long-timestamp-millis"] = _read_millis


@cache
def load_schema(path: Path) -> AvroSchema:
    """The schema in an ``.avsc`` file, as JSON with its tags and constraints.

    Raises:
        ConfigError: the file is missing, is not JSON or is not an Avro schema.
    """
    try:
        schema: AvroSchema = json.loads(path.read_text(encoding="utf-8"))
        parse_schema(schema)
    except OSError as error:
        raise ConfigError(f"schema {path}", error.strerror or str(error), "name an existing .avsc file") from error
    except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException) as error:
        raise ConfigError(f"schema {path}", f"not a valid Avro schema: {error}", "correct the file") from error
    return schema


class Encoder:
    """Writes values of one schema under one registered id. Not thread-safe; one a thread."""

    def __init__(self, schema: AvroSchema, schema_id: int) -> None:
        self.schema = schema
        self.schema_id = schema_id
        self._parsed = parse_schema(schema)
        self._prefix = _HEADER.pack(_MAGIC, schema_id)
        self._buffer = io.BytesIO()
        self._write: Callable[..., None] = fastavro.schemaless_writer

    def __call__(self, value: dict[str, Any]) -> bytes:
        """The framed bytes of ``value``.

        Raises:
            DataError: the value does not fit the schema; the reason names no field value.
        """
        buffer = self._buffer
        buffer.seek(0)
        buffer.truncate()
        buffer.write(self._prefix)
        try:
            self._write(buffer, self._parsed, value)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error) as error:
            name = self.schema.get("name", "?")
            raise DataError("encode", f"value does not fit {name} ({type(error).__name__})") from error
        return buffer.getvalue()


class Decoder:
    """Reads framed values of any registered schema; fetches each schema once. Not thread-safe; one a thread."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._schemas: dict[int, tuple[Any, AvroSchema]] = {}
        self._unknown: dict[int, tuple[float, ServiceError]] = {}
        self._outage: ServiceUnavailableError | None = None
        self._down_since = 0.0

    def schema(self, schema_id: int) -> tuple[Any, AvroSchema]:
        """The parsed schema and its JSON.

        Raises:
            ServiceUnavailableError: the registry does not answer; try again.
            ServiceError: the registry has no such schema.
        """
        found = self._schemas.get(schema_id)
        if found is None:
            asked, refusal = self._unknown.get(schema_id, (0.0, None))
            if refusal is not None and time.monotonic() - asked < _UNKNOWN_SECONDS:
                raise refusal.with_traceback(None)  # a flood of the same bad id costs one request
            if self._outage is not None and time.monotonic() - self._down_since < _OUTAGE_SECONDS:
                raise self._outage.with_traceback(None)  # nor does a batch wait for a timeout a record
            try:
                with registry_errors(f"schema id {schema_id}"):
                    text = self._registry.get_schema(schema_id).schema_str
            except ServiceError as error:
                if len(self._unknown) >= _UNKNOWN_MOST:
                    self._unknown.clear()
                self._unknown[schema_id] = (time.monotonic(), error)
                raise
            except ServiceUnavailableError as error:
                self._outage, self._down_since = error, time.monotonic()
                raise
            self._outage = None
            schema = json.loads(text or "{}")
            found = self._schemas[schema_id] = (parse_schema(schema), schema)
        return found

    def __call__(self, data: bytes, reader_id: int | None = None) -> tuple[dict[str, Any], AvroSchema]:
        """The value and the JSON of its schema: the one it was written with, or that of ``reader_id``.

        With a reader's id, what another version of the schema wrote is resolved to it (Avro's schema resolution).

        Raises:
            DataError: the bytes are not framed Avro of that schema, or can not be resolved to the reader's.
        """
        if len(data) <= _HEADER.size or data[0] != _MAGIC:
            raise DataError("decode", "not in the Confluent wire format (zero byte and schema id first)")
        writer_id = _HEADER.unpack_from(data)[1]
        parsed, schema = self.schema(writer_id)
        reader = None
        if reader_id is not None and reader_id != writer_id:
            reader, schema = self.schema(reader_id)
        buffer = io.BytesIO(data)
        buffer.seek(_HEADER.size)
        try:
            value = cast("dict[str, Any]", fastavro.schemaless_reader(buffer, parsed, reader))
        except fastavro.read.SchemaResolutionError:
            raise DataError("decode", f"its schema can not be read as the present {schema.get('name', '?')}") from None
        except (ValueError, TypeError, KeyError, IndexError, EOFError, UnicodeDecodeError, OverflowError) as error:
            raise DataError("decode", f"not a value of {schema.get('name', '?')} ({type(error).__name__})") from error
        if buffer.tell() != len(data):
            raise DataError("decode", f"bytes left over after a value of {schema.get('name', '?')}")
        return value, schema


def encoder_for_subject(registry: SchemaRegistryClient, subject: str) -> Encoder:
    """An encoder with the latest schema of ``subject``, as the topology registered it.

    Raises:
        ServiceError: the subject is not registered (``mxctl schemas apply`` registers it).
    """
    with registry_errors(f"subject {subject}"):
        latest = registry.get_latest_version(subject)
    schema: Schema = latest.schema
    if latest.schema_id is None:
        raise ServiceError(f"subject {subject}", "the registry gave no schema id", "mxctl doctor")
    return Encoder(json.loads(schema.schema_str or "{}"), latest.schema_id)
