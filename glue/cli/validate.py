"""``mxctl validate``."""

from __future__ import annotations

import click

from glue.cli.options import file_option, services_for, url_option
from glue.cli.output import emit_rows, output_option, paint


@click.command()
@file_option
@url_option
@click.option("--live", is_flag=True, help="Also ask the cluster: plugins' own validation, schema compatibility.")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@output_option()
def validate(files: tuple[str, ...], url: str | None, live: bool, strict: bool, output: str) -> None:
    """Check the declared topology: every problem with its file, field and fix. Exits with 1 if there is one."""
    from glue.topology.load import load
    from glue.topology.validate import problems as problems_of
    from glue.topology.validate import validate_live

    services = services_for(url)
    declared = load(services.settings, connector_files=files)
    problems = problems_of(declared)
    if live:
        problems += validate_live(services, declared)
    errors = [problem for problem in problems if strict or not problem.warning]
    if output != "table":
        rows = [
            {
                "level": "warning" if problem.warning else "error",
                "file": problem.file.name if problem.file else None,
                "field": problem.where,
                "message": problem.message,
                "fix": problem.fix,
            }
            for problem in problems
        ]
        emit_rows(rows, output)
    else:
        for problem in problems:
            level = paint("warning", "yellow") if problem.warning else paint("error", "red")
            click.echo(f"{level}: {problem}")
            if problem.fix:
                click.echo(f"  fix: {problem.fix}")
        count = len(declared.topics) + len(declared.subjects) + len(declared.connectors) + len(declared.chains)
        found = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}" if problems else "no problems"
        click.echo(f"{count} resources, {found}{'' if live else ' (files only; --live asks the cluster too)'}")
    if errors:
        click.get_current_context().exit(1)
