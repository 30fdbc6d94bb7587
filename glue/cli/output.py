"""Printing: tables for people, JSON and YAML for programs, names for shells. Only data goes to stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from glue.tables import table

F = TypeVar("F", bound=Callable[..., Any])
_STATES = {"RUNNING": "green", "ok": "green", "FAILED": "red", "fail": "red", "PAUSED": "yellow", "STOPPED": "yellow"}


def output_option(*more: str) -> Callable[[F], F]:
    """``-o table|json|yaml``, and what else a command can print."""
    return form_option("table", "json", "yaml", *more)


def form_option(*forms: str, text: str = "Output format.") -> Callable[[F], F]:
    """``-o`` with exactly these forms, the first by default."""
    return click.option("-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help=text)


def table_or_json(function: F) -> F:
    """``-o table|json``, for commands whose JSON is one line a result."""
    return form_option("table", "json")(function)


def colored() -> bool:
    """Whether stdout is a terminal that wants colours (``NO_COLOR`` says no)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(text: str, color: str | None) -> str:
    """``text`` in a colour, where colours are wanted."""
    return click.style(text, fg=color) if color and colored() else text


def emit(data: Any, output: str) -> None:
    """Print ``data`` as JSON or YAML."""
    if output == "yaml":
        import yaml  # type: ignore[import-untyped]

        click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)
    else:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def emit_documents(documents: Iterable[Mapping[str, Any]]) -> None:
    """Print YAML, one document each."""
    import yaml

    click.echo(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120), nl=False)


def emit_rows(rows: Sequence[Mapping[str, Any]], output: str, columns: Iterable[str] | None = None) -> None:
    """Print rows as a table, as JSON or YAML, or only their names.

    Args:
        columns: keys shown in the table, in order; all of the first row's otherwise.
    """
    if output == "name":
        for row in rows:
            click.echo(row["name"])
    elif output != "table":
        emit([dict(row) for row in rows], output)
    else:
        for line in _table(rows, list(columns or (rows[0] if rows else ()))):
            click.echo(line)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Lines of a table with a heading, states in colour."""
    if not rows:
        return ["none"]
    heads = [column.replace("_", " ").upper() for column in columns]
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    numbers = [all(isinstance(row.get(column), int | float | None) for row in rows) for column in columns]
    return table(heads, cells, right=numbers, paint=lambda padded, cell: paint(padded, _STATES.get(cell)))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "-"
    return str(value)


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal unless ``--yes``; a refusal ends the command with 1."""
    if not yes:
        click.confirm(question, abort=True, err=True)
