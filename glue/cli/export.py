"""``mxctl export``."""

from __future__ import annotations

from pathlib import Path

import click

from glue.cli.options import settings_for, url_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@url_option
def export(folder: Path, force: bool, url: str | None) -> None:
    """Write the live cluster into FOLDER as files that declare it: topics, subjects with schemas, connectors."""
    from glue.topology.export import export as run
    from glue.topology.services import Services

    done = run(Services(settings_for(url)), folder, overwrite=force)
    click.echo(f"{done.topics} topics, {done.subjects} subjects, {done.connectors} connectors written to {folder}")
    for note in done.notes:
        click.echo(f"note: {note}", err=True)
