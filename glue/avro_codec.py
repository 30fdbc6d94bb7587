"""Avro's binary values of one schema: by the compiled ``glue.avro_native`` where that was built, else by fastavro.

fastavro also resolves one schema to another, and decides what the compiled one refuses: so a value is the same bytes
and an error the same words whichever of them runs, and the compiled one is only faster.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import fastavro
from fastavro.schema import parse_schema

try:
    from glue import avro_native as native
except ImportError:  # installed where no compiler was
    native = None  # type: ignore[assignment]

MOST_PARTS = 100_000  # items of arrays, entries of maps and records: a value takes up to a kilobyte for each
_DECIMAL_BYTES = 128  # more than 300 digits
_EPOCH, _EXACT = datetime.fromtimestamp(0, UTC), 4_000_000_000_000
_COUNTED = "millionx-counted"
_budget = threading.local()
_READS, _WRITES = fastavro.read.LOGICAL_READERS, fastavro.write.LOGICAL_WRITERS


class TooManyPartsError(ValueError):
    """The bytes claim more parts than ``MOST_PARTS``."""


class LeftOverError(ValueError):
    """Bytes follow after the value."""


class Codec:
    """Reads and writes values of ``schema``. Not thread-safe; one a thread.

    Attributes:
        parsed: the schema in the form in which it is read, see there.

    Raises:
        SchemaParseException: of fastavro's, it is none.
    """

    def __init__(self, schema: Any) -> None:
        self._schema, self.parsed = schema, parsed(schema)
        self._native = None
        if native is not None:
            with suppress(native.UnsupportedError):  # such as a type that contains itself
                self._native = native.Codec(self.parsed, _READS, _WRITES, MOST_PARTS)

    def read(self, data: bytes, start: int, reader: Codec | None = None) -> Any:
        """The value that fills ``data`` from ``start``, resolved to the schema of ``reader`` if one is given.

        Raises:
            TooManyPartsError, LeftOverError: see there.
            SchemaResolutionError: of fastavro's, it cannot be resolved.
            ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError: it is no value of the schema.
        """
        if self._native is not None and reader is None:
            try:
                return self._native.read(data, start)
            except native.TooManyPartsError:
                raise TooManyPartsError from None
            except Exception:
                return resolved(data, start, self.parsed)
        return resolved(data, start, self.parsed, reader and reader.parsed)

    def write(self, prefix: bytes, value: Any) -> bytes:
        """``prefix`` and the bytes of ``value``.

        Raises:
            ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error: it does not fit the schema.
        """
        if self._native is not None:
            try:
                return self._native.write(prefix, value)
            except Exception:
                return written(prefix, self._to_write, value)
        return written(prefix, self._to_write, value)

    @cached_property
    def _to_write(self) -> Any:
        return parse_schema(self._schema)


def in_use() -> str:
    """Which codec runs: ``native`` or ``fastavro``."""
    return "fastavro" if native is None else "native"


def resolved(data: bytes, start: int, writer: Any, reader: Any = None, whole: bool = True) -> Any:
    """The value in ``data`` by fastavro; the schemas are of ``parsed``. With ``whole`` it must be all of the data."""
    source = io.BytesIO(data)
    source.seek(start)
    _budget.left = MOST_PARTS
    value = fastavro.schemaless_reader(source, writer, reader)
    if whole and source.tell() != len(data):
        raise LeftOverError
    return value


def written(prefix: bytes, schema: Any, value: Any) -> bytes:
    """``prefix`` and the bytes of ``value`` by fastavro; the schema as that parses it."""
    target = io.BytesIO()
    target.write(prefix)
    fastavro.schemaless_writer(target, schema, value)
    return target.getvalue()


def parsed(schema: Any) -> Any:
    """The schema parsed by fastavro, in a form to read by that refuses what fastavro alone takes from hostile bytes.

    A branch of a union or a symbol is found by a number, where Python takes -1 for the last. And a few bytes can claim
    any number of parts: the containers are counted as they are read.
    """
    made = parse_schema(schema)
    for each in (made, *made.get("__named_schemas", {}).values()) if isinstance(made, dict) else (made,):
        _guard(each)
    return made


class _FromZero(list[Any]):
    """A list whose places count from its beginning only: from the end that it claims, -1 is far outside."""

    def __len__(self) -> int:
        return sys.maxsize


def _guard(kind: Any) -> Any:
    """``kind`` in that form, changed in place, but for a union, which is another list."""
    if isinstance(kind, list):
        return kind if isinstance(kind, _FromZero) else _FromZero(map(_guard, kind))
    base = kind.get("type") if isinstance(kind, dict) else None
    if base == "enum":
        kind["symbols"] = _guard(kind["symbols"])
    elif base in ("array", "map", "record", "error") and kind.get("logicalType") != _COUNTED:
        kind["logicalType"] = _COUNTED
        for name in ("items", "values"):
            if name in kind:
                kind[name] = _guard(kind[name])
        for field in kind.get("fields", ()):
            field["type"] = _guard(field["type"])
    return kind


def _count_parts(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> Any:
    _budget.left -= len(data)
    if _budget.left < 0:
        raise TooManyPartsError
    return data


def _count_record(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> Any:
    _budget.left -= 1
    if _budget.left < 0:
        raise TooManyPartsError
    return data


def _read_millis(data: int, writer_schema: Any = None, reader_schema: Any = None) -> datetime:
    """A ``timestamp-millis`` as fastavro reads it, in a third of the time."""
    if -_EXACT < data < _EXACT:  # where a float holds a millisecond exactly enough
        return datetime.fromtimestamp(data / 1000, UTC)
    return _EPOCH + timedelta(milliseconds=data)


def _bounded_decimal(read: Callable[..., Decimal]) -> Callable[..., Decimal]:
    """``read`` for values of a sane length only: turning a megabyte into a Decimal takes minutes."""

    def read_decimal(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> Decimal:
        if len(data) > _DECIMAL_BYTES:
            raise ValueError
        return read(data, writer_schema, reader_schema)

    return read_decimal


_READS["long-timestamp-millis"] = _read_millis
for _kind in ("bytes-decimal", "fixed-decimal"):
    _READS[_kind] = _bounded_decimal(_READS[_kind])
for _kind in ("array", "map"):
    _READS[f"{_kind}-{_COUNTED}"] = _count_parts
for _kind in ("record", "error"):
    _READS[f"{_kind}-{_COUNTED}"] = _count_record
