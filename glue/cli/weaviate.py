"""``mxctl weaviate``: the declared collections."""

from __future__ import annotations

import click


@click.group()
def weaviate() -> None:
    """Collections of Weaviate, declared in connect-config/weaviate."""


@weaviate.command()
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
def apply(dry_run: bool) -> None:
    """Create the collections that are missing and add what they lack; a second run changes nothing."""
    from glue.settings import get_settings
    from glue.stores.weaviate import schema

    changes = schema.apply(get_settings(), dry_run=dry_run)
    for change in changes:
        click.echo(change)
    if not changes:
        click.echo("no change", err=True)
