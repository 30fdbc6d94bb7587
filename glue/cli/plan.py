"""``mxctl plan``."""

from __future__ import annotations

from pathlib import Path

import click

from glue.cli.options import file_option, kinds_option, services_for, url_option
from glue.cli.output import output_option


@click.command()
@file_option
@kinds_option
@url_option
@output_option()
@click.option("--prune", is_flag=True, help="Also plan to delete what mxctl created and is no longer declared.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan for `mxctl apply PLAN`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 when there are changes.")
def plan(
    files: tuple[str, ...],
    kinds: tuple[str, ...],
    url: str | None,
    output: str,
    prune: bool,
    out: Path | None,
    detailed_exitcode: bool,
) -> None:
    """Show what apply would change, field by field, in order, with what it will cost. Writes nothing."""
    from glue.cli.show_plan import show_plan
    from glue.topology.load import load
    from glue.topology.plan import make_plan
    from glue.topology.planfile import write_plan
    from glue.topology.validate import refuse_problems

    services = services_for(url)
    declared = load(services.settings, connector_files=files)
    refuse_problems(declared)
    made = make_plan(services, declared, kinds, prune=prune)
    if out:
        write_plan(made, out, services.cluster_id)
        click.echo(f"written to {out}; do it with: mxctl apply {out}", err=True)
    show_plan(made.changes, output)
    if made.changes and detailed_exitcode:
        click.get_current_context().exit(3)
