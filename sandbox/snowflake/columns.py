"""Column types: what the ingest SDK must know about a table's columns, and how its Parquet values become Arrow.

Source: ``ColumnMetadata`` and ``ParquetTypeGenerator`` of ``snowflake-ingest-java``. Numbers travel as decimals,
times as scaled integers in decimals, a TIMESTAMP_TZ as ``(scaled epoch << 14) | (offset in minutes + 1440)``, and
semi-structured values as JSON text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_BINARY_BYTES = 8 * 1024 * 1024
_PLAIN_NAME = re.compile(r"[A-Z_][A-Z0-9_$]*")


class UnsupportedColumnError(ValueError):
    """Snowpipe Streaming does not load into tables with such a column (status 6)."""


@dataclass(frozen=True)
class Column:
    """A column as ``DESC TABLE`` shows it: ``type`` is Snowflake's, e.g. ``NUMBER(18,4)``."""

    name: str
    type: str
    nullable: bool = True
    has_default: bool = False

    @property
    def logical(self) -> str:
        """The SDK's logical type, e.g. FIXED or TIMESTAMP_TZ.

        Raises:
            UnsupportedColumnError: the SDK has no such type.
        """
        base = re.match(r"[A-Z_]*", self.type.upper())
        found = _LOGICAL.get(base[0] if base else "")
        if found is None:
            raise UnsupportedColumnError(f"column {self.name} has type {self.type}")
        return found

    @property
    def arguments(self) -> list[int]:
        """Precision and scale, length, or fraction digits, as declared."""
        return [int(number) for number in re.findall(r"\d+", self.type)]

    @property
    def scale(self) -> int | None:
        """Digits after the point of a number, fraction digits of a time, else None."""
        if self.logical == "FIXED":
            return self.arguments[1] if len(self.arguments) > 1 else 0
        if self.logical.startswith("TIME"):
            return self.arguments[0] if self.arguments else 9
        return None

    def wire(self, ordinal: int) -> dict[str, Any]:
        """The column as the answer to an opened channel describes it."""
        if self.has_default:
            raise UnsupportedColumnError(f"column {self.name} has a default value")
        logical, arguments = self.logical, self.arguments
        described: dict[str, Any] = {
            "name": self.name if _PLAIN_NAME.fullmatch(self.name) else '"' + self.name.replace('"', '""') + '"',
            "type": self.type,
            "logical_type": logical,
            "physical_type": _PHYSICAL.get(logical, "LOB"),
            "collation": None,
            "precision": None,
            "scale": self.scale,
            "length": None,
            "byte_length": None,
            "nullable": self.nullable,
            "ordinal": ordinal,
        }
        if logical == "FIXED":
            precision = arguments[0] if arguments else 38
            described.update(precision=precision, physical_type=_number_storage(precision))
        elif logical.startswith("TIME"):
            described["precision"] = 0
        elif logical == "TEXT":
            length = arguments[0] if arguments else MAX_TEXT_BYTES
            described.update(length=length, byte_length=min(4 * length, MAX_TEXT_BYTES))
        elif logical == "BINARY":
            length = arguments[0] if arguments else MAX_BINARY_BYTES
            described.update(length=length, byte_length=length)
        return described


def _number_storage(precision: int) -> str:
    return "SB4" if precision <= 9 else "SB8" if precision <= 18 else "SB16"


_LOGICAL = {
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC", "INT", "INTEGER", "BIGINT"), "FIXED"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "REAL"), "REAL"),
    **dict.fromkeys(("VARCHAR", "TEXT", "STRING", "CHAR"), "TEXT"),
    "BINARY": "BINARY",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "TIMESTAMP_NTZ": "TIMESTAMP_NTZ",
    "TIMESTAMP_LTZ": "TIMESTAMP_LTZ",
    "TIMESTAMP_TZ": "TIMESTAMP_TZ",
    "VARIANT": "VARIANT",
    "OBJECT": "OBJECT",
    "ARRAY": "ARRAY",
}
_PHYSICAL = {
    "REAL": "DOUBLE",
    "BOOLEAN": "SB1",
    "DATE": "SB4",
    "TIME": "SB8",
    "TIMESTAMP_NTZ": "SB16",
    "TIMESTAMP_LTZ": "SB16",
    "TIMESTAMP_TZ": "SB16",
}


def to_storage(values: pa.ChunkedArray, column: Column) -> pa.Array:
    """Values as the SDK wrote them, as Arrow values that DuckDB stores.

    Timestamps lose what is below a microsecond and are kept in UTC: DuckDB holds no offset beside an instant.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):  # a chunked array without chunks stays one
        array = pa.array([], type=array.type)
    logical = column.logical
    if logical == "BINARY":
        return array.cast(pa.binary())
    if not logical.startswith("TIME"):
        return array
    units = _unscaled(array, shift=14 if logical == "TIMESTAMP_TZ" else 0)
    scale = column.scale or 0
    micros = units // 10 ** (scale - 6) if scale > 6 else units * 10 ** (6 - scale)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if logical == "TIME":
        return pa.array(micros, type=pa.time64("us"), mask=missing)
    zone = None if logical == "TIMESTAMP_NTZ" else "UTC"
    return pa.array(micros, type=pa.timestamp("us", tz=zone), mask=missing)


def _unscaled(array: pa.Array, shift: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The integers behind decimals, shifted right; what is left must fit into 64 bits, as every time does."""
    if not pa.types.is_decimal(array.type):
        return np.asarray(pc.fill_null(array, 0).cast(pa.int64())) >> shift
    wide = array.cast(pa.decimal128(38, array.type.scale))
    words = np.frombuffer(wide.buffers()[1], dtype="<i8").reshape(-1, 2)[wide.offset : wide.offset + len(wide)]
    low, high = words[:, 0], words[:, 1]
    if shift == 0:
        return low.copy()
    return (high << (64 - shift)) | (low.view(np.uint64) >> np.uint64(shift)).astype(np.int64)
