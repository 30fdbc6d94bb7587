"""``mxctl query``: one statement to the database that the sinks fill."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from glue.cli.options import settings_for
from glue.cli.output import form_option

if TYPE_CHECKING:
    from glue.stores.contract import Schemas
    from glue.stores.sql import SqlStore


@click.command(epilog='Example: mxctl query "select count(*) from ORDERS"')
@click.argument("sql")
@click.option("--store", help="Which database, where the declared sinks fill several: snowflake, postgres.")
@form_option("table", "json", "csv")
def query(sql: str, store: str | None, output: str) -> None:
    """Run SQL in the database of the profile: Snowflake, or PostgreSQL; "-" reads it from stdin.

    Names without a schema are looked up where the sinks' tables are. CSV is safe to open in a spreadsheet: a text that
    it would take for a formula gets ' before it; JSON is exact.
    """
    chosen, schemas = database(store)
    statement = sys.stdin.read() if sql == "-" else sql
    with chosen.open(settings_for(), schemas) as client:
        click.echo(client.query(statement).render(output))


def database(name: str | None) -> tuple[SqlStore, Schemas]:
    """The database that the declared sinks fill, and what they fill in it; ``name`` chooses one of several.

    Raises:
        UsageError: there is none, or not exactly one.
    """
    from glue.errors import UsageError
    from glue.stores.registry import STORES
    from glue.stores.sql import SqlStore
    from glue.topology.kinds.store import schemas_of
    from glue.topology.load import load

    declared = load(settings_for())
    found = [
        (store, schemas)
        for store in STORES.values()
        if isinstance(store, SqlStore) and (schemas := schemas_of(declared, store)) and name in (None, store.name)
    ]
    if len(found) != 1:
        names = ", ".join(store.name for store, _ in found)
        what = f"--store {name}" if name else "database"
        why = f"the declared sinks fill {names}" if found else "no declared sink fills one"
        raise UsageError(what, why, "name it with --store" if found else "declare a sink, or choose another profile")
    return found[0]
