"""``mxctl offsets``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from glue.cli.completion import connector_argument, topic_names
from glue.cli.options import services_for, url_option, yes_option
from glue.cli.output import confirm, emit_rows, output_option

_stop = click.option("--stop", "stop_it", is_flag=True, help="Stop the connector first, and resume it afterwards.")
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")


@click.group()
def offsets() -> None:
    """See how far sink connectors have read, and set them back or forward."""


@offsets.command()
@connector_argument
@url_option
@output_option()
def get(name: str, url: str | None, output: str) -> None:
    """Show the offset of each partition and how many records are still to be read."""
    from glue.topology.offsets import standings

    columns = ("topic", "partition", "offset", "end", "lag")
    emit_rows([{key: getattr(one, key) for key in columns} for one in standings(services_for(url), name)], output)


@offsets.command("set")
@connector_argument
@click.option(
    "--to",
    required=True,
    help="earliest, latest, an offset, +n, -n, a time of ISO 8601 (UTC without a zone), or how long ago: 2h.",
)
@click.option("--topic", "topics", multiple=True, shell_complete=topic_names, help="Only this topic; repeatable.")
@click.option("--partition", type=click.IntRange(0), help="Only this partition of each topic.")
@_stop
@_dry_run
@yes_option
@url_option
def set_(
    name: str,
    to: str,
    topics: tuple[str, ...],
    partition: int | None,
    stop_it: bool,
    dry_run: bool,
    yes: bool,
    url: str | None,
) -> None:
    """Set where a sink connector goes on. Setting it back processes records again."""
    from glue.topology.offsets import plan_offsets, set_offsets

    services = services_for(url)
    goals = plan_offsets(services, name, topics=topics, partition=partition, to=to)
    again = 0
    for one, goal in goals:
        here = one.offset if one.offset is not None else one.first
        again += max(0, here - goal)
        click.echo(f"{one.topic}-{one.partition}: {'none' if one.offset is None else one.offset} → {goal}")
    click.echo(f"{again} records will be processed again", err=True)
    if dry_run:
        return
    confirm(f"Set these offsets of {name}?", yes)
    with _at_rest(services, name, stop_it):
        click.echo(set_offsets(services, name, goals))


@offsets.command()
@connector_argument
@_stop
@_dry_run
@yes_option
@url_option
def reset(name: str, stop_it: bool, dry_run: bool, yes: bool, url: str | None) -> None:
    """Delete all offsets of a connector, so that it starts from the beginning."""
    from glue.topology.offsets import reset_offsets, standings

    services = services_for(url)
    again = sum(s.offset - s.first for s in standings(services, name) if s.offset is not None)
    click.echo(f"{again} records will be processed again", err=True)
    if dry_run:
        return
    confirm(f"Forget the offsets of {name}?", yes)
    with _at_rest(services, name, stop_it):
        click.echo(reset_offsets(services, name))


@contextmanager
def _at_rest(services: Any, name: str, stop_it: bool) -> Iterator[None]:
    from glue.topology.operate import set_state

    if stop_it:
        set_state(services, [name], "stop")
    try:
        yield
    finally:
        if stop_it:
            set_state(services, [name], "resume")
