"""Avro on the wire: Confluent's framing of binary values, with the codecs of schemas cached by id.

Framing (Confluent wire format): one zero byte, the schema id as four bytes big-endian, the Avro binary value.
"""

from __future__ import annotations

import json
import struct
import time
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import fastavro
from cachetools import TTLCache
from fastavro.schema import parse_schema

from glue.avro_codec import MOST_PARTS, Codec, LeftOverError, TooManyPartsError, parsed, resolved, written
from glue.errors import ConfigError, DataError, ServiceError, ServiceUnavailableError

if TYPE_CHECKING:
    from glue.registry import Schema, SchemaRegistryClient

AvroSchema = dict[str, Any]
_HEADER = struct.Struct(">bI")
FRAMING = _HEADER.size  # bytes before a value
_MAGIC = 0
_UNKNOWN_SECONDS = 30.0
_UNKNOWN_MOST = 1000
_OUTAGE_SECONDS = 0.5
_LEAST_BYTES = {"null": 0, "float": 4, "double": 8}
_MOST_PARTS, _DEEPEST = 10_000, 200


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
        self._codec = Codec(schema)
        self._prefix = _HEADER.pack(_MAGIC, schema_id)
        self._fields = _Fields(schema, parse_schema)

    def __call__(self, value: dict[str, Any]) -> bytes:
        """The framed bytes of ``value``.

        Raises:
            DataError: the value does not fit the schema; the reason names no field value.
        """
        try:
            return self._codec.write(self._prefix, value)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error) as error:
            field = self._fields.first_bad(lambda part: written(b"", part, value))
            raise DataError("encode", f"{field} does not fit its type ({type(error).__name__})") from error


class Decoder:
    """Reads framed values of any registered schema; fetches each schema once. Not thread-safe; one a thread."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._schemas: dict[int, tuple[Codec, AvroSchema]] = {}
        self._unknown: TTLCache[int, ServiceError | DataError] = TTLCache(_UNKNOWN_MOST, _UNKNOWN_SECONDS)
        self._fields: dict[int, _Fields] = {}
        self._outage: ServiceUnavailableError | None = None
        self._down_since = 0.0

    def schema(self, schema_id: int) -> tuple[Codec, AvroSchema]:
        """The schema's codec, and its JSON.

        Raises:
            ServiceUnavailableError: the registry does not answer; try again.
            ServiceError: the registry has no such schema.
            DataError: it is none that values can be read with, see ``parse_registered``.
        """
        found = self._schemas.get(schema_id)
        if found is None:
            refusal = self._unknown.get(schema_id)
            if refusal is not None:
                raise refusal.with_traceback(None)  # a flood of the same bad id costs one request
            if self._outage is not None and time.monotonic() - self._down_since < _OUTAGE_SECONDS:
                raise self._outage.with_traceback(None)  # nor does a batch wait for a timeout a record
            try:
                from glue.registry import registry_errors

                with registry_errors(f"schema id {schema_id}"):
                    registered = self._registry.get_schema(schema_id)
                found = parse_registered(f"schema id {schema_id}", registered)
            except (ServiceError, DataError) as error:
                self._unknown[schema_id] = error
                raise
            except ServiceUnavailableError as error:
                self._outage, self._down_since = error, time.monotonic()
                raise
            self._outage = None
            self._schemas[schema_id] = found
        return found

    def __call__(self, data: bytes, reader_id: int | None = None) -> tuple[dict[str, Any], AvroSchema]:
        """The value and the JSON of its schema: the one it was written with, or that of ``reader_id``.

        With a reader's id, what another version of the schema wrote is resolved to it (Avro's schema resolution).

        Raises:
            DataError: the bytes are not framed Avro of that schema, or cannot be resolved to the reader's.
        """
        if len(data) <= FRAMING or data[0] != _MAGIC:
            raise DataError("decode", "not in the Confluent wire format (zero byte and schema id first)")
        writer_id = _HEADER.unpack_from(data)[1]
        codec, schema = self.schema(writer_id)
        reader = None
        if reader_id is not None and reader_id != writer_id:
            reader, schema = self.schema(reader_id)
        try:
            return cast("dict[str, Any]", codec.read(data, FRAMING, reader)), schema
        except fastavro.read.SchemaResolutionError:
            raise DataError("decode", f"its schema cannot be read as the present {schema.get('name', '?')}") from None
        except LeftOverError:
            raise DataError("decode", f"bytes left over after a value of {schema.get('name', '?')}") from None
        except TooManyPartsError:
            why = f"more than {MOST_PARTS} items, entries and records"
            raise DataError("decode", f"not a value of {codec.parsed['name']}: {why}") from None
        except (ValueError, TypeError, KeyError, IndexError, EOFError, UnicodeDecodeError, OverflowError) as error:
            why = f"{self._bad_field(data, writer_id)} cannot be read ({type(error).__name__})"
            raise DataError("decode", f"not a value of {codec.parsed['name']}: {why}") from error

    def _bad_field(self, data: bytes, writer_id: int) -> str:
        if writer_id not in self._fields:
            self._fields[writer_id] = _Fields(self._schemas[writer_id][1], parsed)
        return self._fields[writer_id].first_bad(lambda part: resolved(data, FRAMING, part, whole=False))


def parse_registered(what: str, registered: Schema) -> tuple[Codec, AvroSchema]:
    """The codec of a registered schema, and its JSON.

    Raises:
        DataError: it is not Avro, not valid, refers to other schemas, is not a record, or its values have no bound: a
            schema that contains itself nests without end, and an array of items without size has any length in a few
            bytes; either ends the process that reads it.
    """
    kind = registered.schema_type or "AVRO"
    if kind.upper() != "AVRO":
        raise DataError(what, f"is {kind}, not Avro")
    if registered.references:
        raise DataError(what, "has references to other schemas, which are not followed: register it whole")
    try:
        schema = json.loads(registered.schema_str or "null")
        if _depth(schema) > _DEEPEST:
            raise RecursionError
        codec = Codec(schema)
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise DataError(what, "is not an Avro record")
        _Bounds(what).least(codec.parsed)
    except RecursionError:
        raise DataError(what, "is nested too deeply") from None
    except (ValueError, KeyError, TypeError, AttributeError, fastavro.schema.SchemaParseException) as error:
        raise DataError(what, f"is not a valid Avro schema ({type(error).__name__})") from error
    return codec, schema


def _depth(schema: Any) -> int:
    """How deep lists and objects of JSON lie in each other: what is written in C follows them without a bound."""
    level, depth = [schema], 0
    while level and depth <= _DEEPEST:
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        depth += 1
    return depth


class _Bounds:
    """Looks for what makes values of a schema unbounded; see ``parse_registered``."""

    def __init__(self, what: str) -> None:
        self._what, self._named, self._visited = what, dict[str, Any](), 0

    def least(self, kind: Any, inside: tuple[str, ...] = ()) -> int:
        """How few bytes a value of ``kind`` can have.

        Raises:
            DataError: it can be of any size.
        """
        self._visited += 1
        if self._visited > _MOST_PARTS:
            raise DataError(self._what, f"has more than {_MOST_PARTS} parts")
        if isinstance(kind, list):
            return 1 + min((self.least(branch, inside) for branch in kind), default=0)
        if isinstance(kind, str):
            if kind not in self._named:
                return _LEAST_BYTES.get(kind, 1)
            kind = self._named[kind]
        base, name = kind["type"], kind.get("name", "")
        if name:
            self._named[name] = kind
        if base in ("record", "error"):
            if name in inside:
                raise DataError(self._what, f"contains itself ({name}), so that its values nest without end")
            return sum(self.least(field["type"], (*inside, name)) for field in kind["fields"])
        if base == "array" and not self.least(kind["items"], inside):
            raise DataError(self._what, "has an array of items without size, so that its values have no bound")
        if base == "map":
            self.least(kind["values"], inside)
        if base == "fixed":
            return int(kind["size"])
        return 1 if base in ("array", "map", "enum") else self.least(base, inside)


class _Fields:
    """Finds the field that cannot be read or written, for the reason of a dead letter."""

    def __init__(self, schema: AvroSchema, parse: Callable[[Any], Any]) -> None:
        self._schema, self._parse, self._parsed = schema, parse, dict[int, Any]()

    def first_bad(self, use: Callable[[Any], object]) -> str:
        """The name of the first field with which ``use`` fails; it is given the schema cut off after some field."""
        fields = self._schema.get("fields", [])

        def fails(count: int) -> bool:
            if count not in self._parsed:
                self._parsed[count] = self._parse({**self._schema, "fields": fields[:count]})
            try:
                use(self._parsed[count])
            except Exception:
                return True
            return False

        found = bisect_left(range(1, len(fields) + 1), True, key=fails)
        return str(fields[found]["name"]) if found < len(fields) else "the value"


def encoder_for_subject(registry: SchemaRegistryClient, subject: str) -> Encoder:
    """An encoder with the latest schema of ``subject``, as the topology registered it.

    Raises:
        ServiceError: the subject is not registered (``mxctl schemas apply`` registers it), or is no Avro record.
    """
    from glue.registry import registry_errors  # its client takes half a second to import, and many need none

    with registry_errors(f"subject {subject}"):
        latest = registry.get_latest_version(subject)
    if latest.schema_id is None:
        raise ServiceError(f"subject {subject}", "the registry gave no schema id", "mxctl doctor")
    try:
        _, schema = parse_registered(f"subject {subject}", latest.schema)
    except DataError as error:
        raise ServiceError(error.what, error.why, "register an Avro record: mxctl schemas apply") from None
    return Encoder(schema, latest.schema_id)
