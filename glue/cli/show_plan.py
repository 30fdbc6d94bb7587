"""A plan as people read it: ``+`` create, ``~`` change, ``-`` delete, ``!`` recreate; fields before and after; cost."""

from __future__ import annotations

from collections.abc import Sequence

import click

from glue.cli.output import emit, paint
from glue.topology.change import Action, Change, to_json

_SIGN = {Action.CREATE: ("+", "green"), Action.UPDATE: ("~", "yellow"), Action.DELETE: ("-", "red")}


def show_plan(changes: Sequence[Change], output: str = "table") -> None:
    """Print the changes in the order in which they will be done."""
    if output != "table":
        emit({"changes": [to_json(change) for change in changes]}, output)
        return
    for change in changes:
        sign, color = _SIGN.get(change.action, ("!", "red"))
        click.echo(paint(f"{sign} {change.label}", color))
        for field in change.fields:
            click.echo(f"    {_field(field.path, field.before, field.after)}")
        for cost in change.cost:
            click.echo(paint(f"    cost: {cost}", "cyan"))
    click.echo(summary(changes))


def summary(changes: Sequence[Change]) -> str:
    """One line: how many of each."""
    if not changes:
        return "No changes: the cluster is as declared."
    counts = [(action, sum(change.action == action for change in changes)) for action in Action]
    return "Plan: " + ", ".join(f"{count} to {action}" for action, count in counts if count) + "."


def _field(path: str, before: str | None, after: str | None) -> str:
    if before is None and after is None:
        return path
    if before is None:
        return f"{path}: {after}"
    if after is None:
        return f"{path}: {before} → (unset)"
    return f"{path}: {before} → {after}"
