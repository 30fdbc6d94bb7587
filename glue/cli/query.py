"""``mxctl query``: one statement to the warehouse."""

from __future__ import annotations

import sys

import click


@click.command(epilog='Example: mxctl query "select count(*) from ORDERS"')
@click.argument("sql")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Form of what stdout gets.",
)
def query(sql: str, output: str) -> None:
    """Run SQL in the warehouse (Snowflake, or the local endpoint); "-" reads it from stdin.

    Names without a database and a schema are looked up in MILLIONX.RAW_DATA.
    """
    from glue.stores.snowflake import client as warehouse

    statement = sys.stdin.read() if sql == "-" else sql
    click.echo(warehouse.query(statement).render(output))
