"""``mxctl history`` and ``mxctl rollback``."""

from __future__ import annotations

from typing import Any

import click

from glue.cli.options import apply_options, services_for, tell, url_option, yes_option
from glue.cli.output import confirm, emit, emit_rows, output_option


def _told(applied: Any) -> dict[str, Any]:
    return {key: getattr(applied, key) for key in ("id", "time", "who", "profile", "outcome")}


@click.command()
@click.argument("apply_id", metavar="[APPLY]", required=False)
@output_option()
@click.option("-n", "--last", default=20, show_default=True, help="Number of applies to list, newest first.")
def history(apply_id: str | None, output: str, last: int) -> None:
    """List what was applied to this cluster, by whom and when; or show one APPLY field by field."""
    memory = services_for().memory.read()
    if apply_id:
        _show_one(memory.find(apply_id), output)
        return
    shown = reversed(memory.history[-last:])
    rows = [{**_told(one), "changes": len(one.changes), "error": one.error or None} for one in shown]
    emit_rows(rows, output)


def _show_one(applied: Any, output: str) -> None:
    if output != "table":
        emit({**_told(applied), "error": applied.error, "changes": applied.changes}, output)
        return
    click.echo(f"{applied.id}: {applied.outcome} at {applied.time} by {applied.who}, profile {applied.profile}")
    if applied.error:
        click.echo(f"failed at: {applied.error}")
    for change in applied.changes:
        click.echo(f"{change['action']} {change['kind']} {change['name']}")
        for field in change["fields"]:
            click.echo(f"    {field['path']}: {field['before'] or '(unset)'} → {field['after'] or '(unset)'}")


@click.command()
@click.argument("apply_id", metavar="[APPLY]", required=False)
@url_option
@yes_option
@apply_options
def rollback(apply_id: str | None, url: str | None, yes: bool, output: str, **options: Any) -> None:
    """Go back to what an earlier APPLY declared (default: the last successful one before the latest)."""
    from glue.cli.applying import show_outcome
    from glue.cli.show_plan import show_plan
    from glue.topology.apply import Options, apply_all
    from glue.topology.history import REVERSIBLE, declared_by, target
    from glue.topology.plan import make_plan

    services = services_for(url)
    applied = target(services.memory.read(), apply_id)
    declared, how = declared_by(applied), Options(**options)
    click.echo(f"back to {applied.id} of {applied.time}:", err=True)
    plan = make_plan(services, declared, REVERSIBLE, prune=how.prune)
    if output == "table":
        show_plan(plan.changes)
    if plan.changes and not how.dry_run:
        confirm("Do this?", yes)
    outcome = apply_all(
        services.settings, kinds=REVERSIBLE, options=how, progress=tell, services=services, declared=declared,
        rules=False,
    )  # fmt: skip
    show_outcome(outcome, how, output)
