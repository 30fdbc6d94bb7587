"""What the apply commands share: run it, tell what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from glue.cli.options import services_for, tell
from glue.cli.output import emit, paint
from glue.cli.show_plan import show_plan, summary
from glue.errors import UsageError
from glue.topology.apply import Options, Outcome, apply_all, execute
from glue.topology.change import to_json
from glue.topology.kinds import KINDS
from glue.topology.load import load
from glue.topology.plan import Plan
from glue.topology.planfile import read_plan, replan


def run_apply(
    kinds: tuple[str, ...] = tuple(KINDS),
    *,
    url: str | None = None,
    files: tuple[str, ...] = (),
    plan_file: Path | None = None,
    output: str = "table",
    **options: Any,
) -> None:
    """Apply what is declared, or a plan from a file, and print what was done."""
    how = Options(**options)
    if files and how.prune:
        fix = "leave one out"
        raise UsageError("--prune", "with -f only some connectors are declared, so the others would go", fix)
    services = services_for(url)
    if plan_file:
        if files or how.prune:
            raise UsageError("a plan file", "says itself what is declared and pruned", "leave -f and --prune out")
        body = read_plan(plan_file)

        def plan() -> Plan:
            return replan(services, body, services.cluster_id)

        outcome = execute(services, plan, how, tell)
    else:
        declared = load(services.settings, connector_files=files)
        outcome = apply_all(
            services.settings, kinds=kinds, options=how, progress=tell, services=services, declared=declared
        )
    show_outcome(outcome, how, output)


def show_outcome(outcome: Outcome, options: Options, output: str) -> None:
    """Print what an apply did, or would do."""
    if output != "table":
        emit(
            {
                "dry_run": options.dry_run,
                "changes": [to_json(change) for change in outcome.changes],
                "connectors": {name: one.detail for name, one in outcome.health.items()},
                "seconds": round(outcome.seconds, 3),
                "connect_calls": outcome.calls,
            },
            output,
        )
        return
    if options.dry_run:
        show_plan(outcome.changes)
        click.echo("Dry run: everything was checked, nothing was written.")
        return
    if outcome.changes:
        click.echo(summary(outcome.changes).replace("Plan:", "Done:").replace(" to ", " "))
    else:
        click.echo("Nothing to change: the cluster is as declared.")
    for name, health in outcome.health.items():
        click.echo(f"connector {name}: {paint(health.detail, 'green' if health.state == 'ok' else 'red')}")
