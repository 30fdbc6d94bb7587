"""``mxctl warehouse``: the reviewed SQL script of the database."""

from __future__ import annotations

import click

from glue.cli.options import settings_for


@click.group()
def warehouse() -> None:
    """Tables, views, roles and grants of the database that the sinks fill."""


@warehouse.command()
@click.option(
    "--apply", "apply_it", is_flag=True, help="Run it as the database's administrator instead of printing it."
)
@click.option("--store", help="Which database, where the declared sinks fill several: snowflake, postgres.")
def ddl(apply_it: bool, store: str | None) -> None:
    """Print the SQL that prepares the database, for review, or run it (a second run changes nothing).

    Snowflake: the administrator is MXCTL_WAREHOUSE_ADMIN_USER. The connector's public key is filled in from the private
    key that is configured; without one, a placeholder is left. PostgreSQL: MXCTL_POSTGRES_USER runs it.
    """
    from glue.cli.query import database

    settings = settings_for()
    chosen, schemas = database(store)
    scripts = chosen.scripts(settings, schemas)
    if not apply_it:
        click.echo("\n".join(scripts).rstrip())
        return
    count = chosen.run(settings, scripts)
    click.echo(f"{count} {chosen.unit} ran", err=True)
