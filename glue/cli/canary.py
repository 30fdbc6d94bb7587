"""``mxctl canary``: a marked record through everything."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from glue.cli.completion import source_names
from glue.cli.options import DURATION, serve_metrics, settings_for, stopped_by_signal
from glue.cli.output import table_or_json
from glue.errors import UsageError

if TYPE_CHECKING:
    from glue.canary.flight import Flight


@click.command()
@click.option("--once", is_flag=True, help="Send one round and end (the default without --every).")
@click.option("--every", type=DURATION, help="Send a round at this interval until stopped, e.g. 60s.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    shell_complete=source_names,
    help="Only the route of this source's records; repeatable. [default: all]",
)
@click.option(
    "--timeout", type=DURATION, default="60s", show_default=True, help="After this time a record counts as lost."
)
@click.option("--metrics-port", type=int, help="Serve Prometheus metrics on this port (of MXCTL_BIND); 0: any.")
@table_or_json
def canary(
    once: bool,
    every: timedelta | None,
    sources: tuple[str, ...],
    timeout: timedelta,
    metrics_port: int | None,
    output: str,
) -> None:
    """Send a marked, harmless record through every topic, chain and sink, and see it arrive in its store.

    One record takes the route of each declared source. A post is then asked for by questions in other scripts.

    Says how long each stage took. Exit code 1: a record did not arrive, and the stage that saw it last is named; or a
    question did not find it. Searches and views leave these records out.
    """
    from glue.canary.paths import choose
    from glue.canary.run import check, run_every, run_once
    from glue.topology.load import load

    if every and once:
        raise UsageError("mxctl canary", "--every does not go with --once", "choose one")
    settings, stop = settings_for(), stopped_by_signal()
    if metrics_port is not None:
        serve_metrics(metrics_port, settings)
    paths = choose(load(settings), sources)
    if every:
        run_every(settings, paths, every, timeout, stop, lambda flights: _tell(flights, output))
        return
    flights = run_once(settings, paths, timeout, stop)
    _show(flights, output)
    check(flights, timeout)


def _show(flights: list[Flight], output: str) -> None:
    if output == "json":
        click.echo(json.dumps({"paths": [flight.as_json() for flight in flights]}))
        return
    for flight in flights:
        click.echo(flight.as_text())


def _tell(flights: list[Flight], output: str) -> None:
    """One of many rounds: what is lost does not end the run."""
    _show(flights, output)
    for flight in flights:
        if flight.explain()[0]:
            click.echo(f"{flight.path.source}: {flight.explain()[0]}", err=True)
