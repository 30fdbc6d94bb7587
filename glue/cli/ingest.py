"""``mxctl ingest FILE --source NAME``: send the records of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from glue.cli.completion import source_names
from glue.cli.options import settings_for
from glue.cli.output import table_or_json
from glue.errors import DataError


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--source",
    required=True,
    shell_complete=source_names,
    help="The declared source that the records count as.",
)
@click.option("--format", "form", type=click.Choice(["jsonl", "csv", "text"]), help="[default: by the file's ending]")
@click.option("--again", is_flag=True, help="Send a file that was sent before; its records keep their keys.")
@click.option(
    "--wait", is_flag=True, help="Wait until every record is stored or in dead letters, and report the outcome."
)
@table_or_json
def ingest(file: Path, source: str, form: str | None, again: bool, wait: bool, output: str) -> None:
    """Send the posts or orders in FILE (JSON lines, CSV, or plain text of one post a line) to Kafka.

    Bad lines go to dead letters and are named; all others are sent. Exit code 1 says that there were bad ones.
    """
    from connectors.file_lines import Format
    from connectors.files import ingest as send

    settings = settings_for()
    outcome = None
    if wait:
        from glue.audit.watch import watching
        from glue.demo.summary import Progress, summarise
        from glue.local.report import Reporter

        with watching(settings) as watch:
            result = send(file, source, settings, cast("Format | None", form), again)
            outcome = summarise(watch.complete(Progress(Reporter())))
    else:
        result = send(file, source, settings, cast("Format | None", form), again)
    if output == "json":
        arrived = {"arrived": outcome.as_json()} if outcome else {}
        click.echo(json.dumps({**result.as_json(), **arrived}, ensure_ascii=False))
    elif result.known:
        click.echo(f"{file}: was sent before; --again sends it again")
    else:
        sent = sum(result.records.values())
        said = f" ({', '.join(result.said)})" if result.said else ""
        click.echo(
            f"{file}{said}: {result.lines} lines, {sent} records sent, {result.dead_letters} to dead letters, "
            f"{result.repeated} repeated; {result.seconds:.1f} s"
        )
        if outcome:
            click.echo(outcome.as_text())
    for line, reason in result.problems:
        click.echo(f"{file}:{line}: {reason}", err=True)
    if result.dead_letters:
        raise DataError(
            f"file {file}", f"{result.dead_letters} records are bad and are in dead letters; all others were sent",
            "correct the lines named above and ingest the file again; mxctl dlq list",
        )  # fmt: skip
