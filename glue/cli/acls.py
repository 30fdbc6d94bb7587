"""``mxctl acls``."""

from __future__ import annotations

from typing import Any

import click

from glue.cli.options import apply_options, services_for, settings_for
from glue.cli.output import emit_rows, output_option


@click.group(invoke_without_command=True)
@output_option()
@click.pass_context
def acls(context: click.Context, output: str) -> None:
    """List the least rights of each program on Kafka, from what is declared. Nothing is asked of a cluster.

    A role is a program with a login of its own. With "derive" in acls.json, mxctl apply creates these ACLs.
    """
    if context.invoked_subcommand is None:
        from glue.topology.kinds.acl import derived_rows
        from glue.topology.load import load

        settings = settings_for()
        emit_rows(derived_rows(load(settings), settings), output)


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

    services = services_for()
    rows = acl_rows(services, load(services.settings))
    if rows is None:
        click.echo("The brokers have no authorizer, so there are no ACLs.", err=True)
    emit_rows(rows or [], output)
