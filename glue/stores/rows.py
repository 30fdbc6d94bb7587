"""Results of queries, and their three spellings: a table for people, JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from glue.tables import table

MAX_CELL = 60
# What a spreadsheet would compute when it opens the file; people wrote it. A number, though it has a sign, is none.
# Source: OWASP, CSV Injection
_FORMULA = re.compile(r"\A(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Rows:
    """A result: column names as the warehouse spells them, rows as Python values (Decimal, aware datetime, …)."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def render(self, output: str) -> str:
        """As ``table``, ``json`` (a list of objects) or ``csv`` (with a header), without a last line break.

        CSV is opened in spreadsheets: a text that one would take for a formula gets ``'`` before it. JSON is exact.
        """
        if output == "json":
            return self._json()
        return self._csv() if output == "csv" else self._table()

    def _json(self) -> str:
        return json.dumps([{k: _plain(v) for k, v in row.items()} for row in self.dicts()], ensure_ascii=False)

    def _csv(self) -> str:
        rows = []
        for row in (self.columns, *self.rows):
            csv.writer(line := io.StringIO()).writerow([_text(value) for value in row])
            rows.append(line.getvalue().removesuffix("\r\n"))  # with that end, and no other, it quotes either within
        return "\n".join(rows)

    def _table(self) -> str:
        right = [any(_is_number(row[n]) for row in self.rows) for n in range(len(self.columns))]
        cells = [[_short(value) for value in row] for row in self.rows]
        lines = table(self.columns, cells, right=right, rule=True)
        count = len(self.rows)
        return "\n".join([*lines, f"({count} row{'' if count == 1 else 's'})"])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """A value for JSON and CSV: money keeps its digits as text, times are ISO 8601, bytes are hex."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else str(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value


def _text(value: Any) -> Any:
    """A value for CSV."""
    plain = "" if value is None else _plain(value)
    if isinstance(plain, (int, float)):
        return plain
    return f"'{plain}" if _FORMULA.match(str(plain)) and not _NUMBER.fullmatch(str(plain)) else plain


def _short(value: Any) -> str:
    text = "" if value is None else " ".join(str(_plain(value)).split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
