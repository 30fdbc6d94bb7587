"""``mxctl topics``."""

from __future__ import annotations

from typing import Any

import click

from glue.cli.options import apply_options, services_for
from glue.cli.output import emit_rows, output_option


@click.group()
def topics() -> None:
    """Look at topics of Kafka, apply what topics.json declares."""


@topics.command("apply")
@apply_options
def apply_command(**options: Any) -> None:
    """Bring topics to what topics.json declares: create them, add partitions, set and unset configs."""
    from glue.cli.applying import run_apply

    run_apply(("topic",), **options)


@topics.command()
@click.option("--internal", is_flag=True, help="Also those of Kafka, Connect, the registry and mxctl.")
@output_option("name")
def get(internal: bool, output: str) -> None:
    """List topics with their size, records, and whether they are as declared."""
    from glue.topology.kinds.topic import topic_rows
    from glue.topology.load import load

    services = services_for()
    emit_rows(topic_rows(services, load(services.settings), internal=internal), output)
