"""``mxctl warehouse``: the reviewed SQL script of the warehouse."""

from __future__ import annotations

import click


@click.group()
def warehouse() -> None:
    """Database, tables, views, roles and grants of the warehouse."""


@warehouse.command()
@click.option(
    "--apply", "apply_it", is_flag=True, help="Run it as the warehouse's administrator instead of printing it."
)
def ddl(apply_it: bool) -> None:
    """Print the SQL that makes the warehouse ready, for review, or run it (a second run changes nothing).

    The administrator is MXCTL_WAREHOUSE_ADMIN_USER. The connector's public key is filled in from the private key that
    is configured; without one, a placeholder is left.
    """
    from glue.stores.snowflake import client as client
    from glue.stores.snowflake import ddl as warehouse_ddl

    scripts = warehouse_ddl.scripts()
    if not apply_it:
        click.echo("\n".join(scripts).rstrip())
        return
    count = client.apply_ddl(scripts)
    click.echo(f"{count} statements ran", err=True)
