"""``mxctl acls``."""

from __future__ import annotations

from typing import Any

import click

from glue.cli.options import apply_options, settings_for
from glue.cli.output import emit_rows, output_option


@click.group()
def acls() -> None:
    """Look at ACLs of Kafka, apply what acls.json declares."""


@acls.command("apply")
@apply_options
def apply_command(**options: Any) -> None:
    """Create the ACLs that acls.json declares; with --prune, delete what mxctl created and is no longer declared."""
    from glue.cli.applying import run_apply

    run_apply(("acl",), **options)


@acls.command()
@output_option()
def get(output: str) -> None:
    """List ACLs, live and declared, and whether they are as declared."""
    from glue.topology.kinds.acl import acl_rows
    from glue.topology.load import load
    from glue.topology.services import Services

    settings = settings_for()
    rows = acl_rows(Services(settings), load(settings))
    if rows is None:
        click.echo("The brokers have no authorizer, so there are no ACLs.", err=True)
    emit_rows(rows or [], output)
