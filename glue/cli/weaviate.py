"""``mxctl weaviate``: the declared collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from glue.cli.options import services_for, settings_for, yes_option
from glue.cli.output import confirm

if TYPE_CHECKING:
    from glue.model_change.declared import Embedding


@click.group()
def weaviate() -> None:
    """Collections of Weaviate, declared in connect-config/weaviate."""


@weaviate.command()
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
def apply(dry_run: bool) -> None:
    """Create the collections that are missing and add what they lack; a second run changes nothing."""
    from glue.stores.weaviate import schema

    changes = schema.apply(settings_for(), dry_run=dry_run)
    for change in changes:
        click.echo(change)
    if not changes:
        click.echo("no change", err=True)


@weaviate.command()
@click.option("--collection", help="Which one, where chains embed for several.")
@yes_option
def rebuild(collection: str | None, yes: bool) -> None:
    """Build the indexes of a collection's vectors as they are declared, while people search.

    Weaviate builds no index again: all objects are copied to another collection, which takes its place in one step; the
    sink is paused for the last of it. Until then it needs disk and memory twice.
    """
    from glue.model_change.declared import embedding_of

    one = embedding_of(settings_for(), collection)
    click.echo(f"{one.target.place} is as declared; {rebuilt(one, yes)} objects copied")


def rebuilt(one: Embedding, yes: bool) -> int:
    """Make the collection as it is declared, once somebody agreed; how many objects were copied."""
    from glue.local.report import Reporter
    from glue.model_change.rebuild import Rebuild
    from glue.stores.weaviate.vectors import VectorsOf

    services, reporter, place = services_for(), Reporter(), one.target.place
    with VectorsOf(services.settings, place, one.text) as store:
        run = Rebuild(one, store, services, lambda text: reporter.progress("rebuild", text))
        _, surplus, otherwise = run.difference()
        if surplus or otherwise:
            without = f" without {', '.join(surplus)}" if surplus else ""
            built = "".join(f"\n  {setting}" for setting in otherwise)
            confirm(f"Copy {place}{without}, and delete what it was copied from?{built}", yes)
        return run.run()
