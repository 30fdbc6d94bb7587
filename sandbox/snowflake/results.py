"""Results of statements in the JSON form of Snowflake's query API, which both drivers read.

Every cell is a string or null: dates as days, times as decimal seconds, a TIMESTAMP_TZ with its offset + 1440 behind
a space, booleans as 1 and 0, binary as hex.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.responses import JSONResponse

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SELECT_TYPE_ID = 0x1000


@dataclass
class Result:
    """Columns as Snowflake's ``rowtype``, rows as Python values."""

    rowtype: list[dict[str, Any]]
    rows: Sequence[Sequence[Any]]
    statement_type: int = SELECT_TYPE_ID
    binds: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    def response(self, database: str | None, schema: str | None) -> JSONResponse:
        """The answer to a query request."""
        types = [column["type"] for column in self.rowtype]
        rowset = [[cell(value, kind) for value, kind in zip(row, types, strict=True)] for row in self.rows]
        data = {
            "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}],
            "rowtype": self.rowtype,
            "rowset": rowset,
            "total": len(rowset),
            "returned": len(rowset),
            "queryId": secrets.token_hex(16),
            "queryResultFormat": "json",
            "statementTypeId": self.statement_type,
            "numberOfBinds": self.binds,
            "arrayBindSupported": False,
            "finalDatabaseName": database,
            "finalSchemaName": schema,
            **self.more,
        }
        return JSONResponse({"success": True, "code": None, "message": None, "data": data})


def text_result(columns: Sequence[str], rows: Sequence[Sequence[Any]], statement_type: int = SELECT_TYPE_ID) -> Result:
    """A result whose columns are all text, as those of SHOW and of statements that only report success."""
    return Result([text_column(name) for name in columns], rows, statement_type)


def text_column(name: str) -> dict[str, Any]:
    """The rowtype of a text column."""
    where = {"database": "", "schema": "", "table": ""}
    size = {"byteLength": 16777216, "length": 16777216, "scale": None, "precision": None}
    return {"name": name, **where, "nullable": True, "type": "text", **size, "collation": None}


def done(message: str = "Statement executed successfully.", statement_type: int = 0x6000) -> Result:
    """The result of a statement that returns no rows of its own."""
    return text_result(["status"], [[message]], statement_type)


def cell(value: Any, kind: str) -> str | None:
    """One value as its cell."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        micros = (aware - _EPOCH) // dt.timedelta(microseconds=1)
        seconds = format(Decimal(micros).scaleb(-6).quantize(Decimal("1e-9")), "f")
        return f"{seconds} 1440" if kind == "timestamp_tz" else seconds
    if isinstance(value, dt.date):
        return str((value - _EPOCH.date()).days)
    if isinstance(value, dt.time):
        return f"{value.hour * 3600 + value.minute * 60 + value.second}.{value.microsecond:06d}000"
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
