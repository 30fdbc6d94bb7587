"""``mxctl run SOURCE``: read a source once or at an interval."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from glue.cli.completion import source_names
from glue.cli.options import DURATION, settings_for, since_option, stopped_by_signal, until_option
from glue.cli.output import table_or_json
from glue.errors import UsageError

if TYPE_CHECKING:
    from connectors.runner import RunResult


@click.command()
@click.argument("source", shell_complete=source_names)
@click.option("--once", is_flag=True, help="Run once and end (the default without --every).")
@click.option("--every", type=DURATION, help="Run at this interval until stopped, e.g. 15m.")
@since_option("what was made")
@until_option("what was made")
@click.option(
    "--wait",
    type=DURATION,
    default="15s",
    show_default=True,
    help="How long to wait for another run of the source to end.",
)
@click.option(
    "--metrics-port", type=click.IntRange(1, 65_535), help="Serve Prometheus metrics on this port (of MXCTL_BIND)."
)
@table_or_json
def run(source: str, once: bool, every: timedelta | None, since: datetime | None, until: datetime | None,
        wait: timedelta, metrics_port: int | None, output: str) -> None:  # fmt: skip
    """Read what is new at SOURCE and send it to Kafka; SIGTERM ends it after the current page."""
    from connectors.config import load_source
    from connectors.runner import run_every, run_once

    if every is not None and every.total_seconds() <= 0:
        raise UsageError("mxctl run", "--every is zero", "give an interval such as 15m")
    if every and (once or since or until):
        raise UsageError("mxctl run", "--every goes with none of --once, --since, --until", "choose one")
    if since and until and since >= until:
        raise UsageError("mxctl run", "--since is not before --until", "swap them, or correct one")
    settings = settings_for()
    load_source(source, settings).parsed_options()
    stop = stopped_by_signal()
    if metrics_port is not None:
        from prometheus_client import start_http_server

        try:
            start_http_server(metrics_port, settings.bind)
        except OSError as error:
            fix = "choose another --metrics-port"
            raise UsageError(f"port {metrics_port}", "it cannot be listened on", fix) from error
    if every:
        run_every(source, settings, every, stop, lambda result: _show(result, output))
        return
    result = run_once(source, settings, since=since, until=until, stop=stop, wait=wait.total_seconds())
    _show(result, output)
    result.check()


def _show(result: RunResult, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(result.as_json()))
        return
    sent = ", ".join(f"{count} to {topic}" for topic, count in result.records.items()) or "nothing new"
    tries = ", ".join(f"{count} {name}" for name, count in result.attempts.items() if count) or "none"
    click.echo(
        f"{result.source}: {result.outcome}, {sent}; {result.dead_letters} dead letters, {result.repeated} repeated; "
        f"calls: {tries}; {result.seconds:.1f} s"
    )
