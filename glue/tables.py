"""A table as lines of text: columns as wide on a terminal as they need to be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[bool] = (),
    rule: bool = False,
    paint: Callable[[str, str], str] = lambda padded, cell: padded,
) -> list[str]:
    """The lines: the heads, then one a row.

    Args:
        right: for each column, whether it is aligned to the right; none is otherwise.
        rule: whether a line is drawn below the heads.
        paint: colours a padded cell, given the cell as it was.
    """
    heads, rows = list(map(printable, heads)), [list(map(printable, row)) for row in rows]
    widths = [max(width(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    right = right or [False] * len(heads)

    def line(cells: Sequence[str], paint: Callable[[str, str], str]) -> str:
        padded = []
        for cell, wide, to_right in zip(cells, widths, right, strict=True):
            blanks = " " * (wide - width(cell))
            padded.append(paint(blanks + cell if to_right else cell + blanks, cell))
        return "  ".join(padded).rstrip()

    lines = [line(heads, lambda padded, cell: padded)]
    if rule:
        lines.append("  ".join("─" * wide for wide in widths))
    return lines + [line(row, paint) for row in rows]


# What a terminal obeys instead of showing it: controls, escapes, and what turns the direction of what follows.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """``text`` with a mark in place of each character that a terminal would take as a command; people wrote it."""
    return _COMMANDS.sub("\ufffd", text)


def width(text: str) -> int:
    """Columns on a terminal: marks that combine take none (Bengali has many), wide letters take two."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
