"""Rows of CSV from lines: a quote that never closes takes its own line and no more."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import Any

from connectors.file_encoding import LONGEST


def csv_rows(lines: Iterator[dict[str, Any]], separator: str) -> Iterator[dict[str, Any]]:
    """``{"line", "values"}`` of each row, or ``bad`` for its first line; the lines after a bad one are parsed again."""
    waiting: deque[dict[str, Any]] = deque()

    def following() -> dict[str, Any] | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (first := following()) is not None:
        if "bad" in first:
            yield first
            continue
        if not first["text"].strip():
            continue
        taken, size, row = [first], len(first["text"]), _row(first["text"], separator)
        quotes = first["text"].count('"')
        while row is _OPEN and size <= LONGEST:
            more = following()
            if more is None:
                break
            taken.append(more)
            if "bad" in more:
                break
            size += len(more["text"])
            quotes += more["text"].count('"')
            if quotes % 2 == 0:
                row = _row("\n".join(one["text"] for one in taken), separator)
        if isinstance(row, list):
            yield {"line": taken[-1]["line"], "values": row}
            continue
        waiting.extendleft(reversed(taken[1:]))
        bad = "a quote opens and never closes" if row is _OPEN else "not CSV: text follows a closing quote"
        yield {"line": first["line"], "bad": bad, "text": first["text"]}


_OPEN = object()


def _row(text: str, separator: str) -> list[str] | object:
    """The values of one row; ``_OPEN`` where a quote is still open, None where it is no CSV."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        return _OPEN if "unexpected end" in str(error) else None
    return rows[0] if len(rows) == 1 else None
