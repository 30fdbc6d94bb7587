"""``mxctl run SOURCE``: read a source once or at an interval."""

from __future__ import annotations

import json
import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from glue.cli.completion import source_names
from glue.cli.output import table_or_json
from glue.errors import UsageError
from glue.settings import get_settings

if TYPE_CHECKING:
    from connectors.runner import RunResult


class Duration(click.ParamType):  # type: ignore[type-arg]
    """15m, 1h30m, 2d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The text as a timedelta."""
        from connectors.policies import parse_duration

        try:
            return value if isinstance(value, timedelta) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType):  # type: ignore[type-arg]
    """ISO 8601; without an offset it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The text as an aware datetime."""
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no ISO 8601 time such as 2026-01-31 or 2026-01-31T12:00+06:00", param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@click.command()
@click.argument("source", shell_complete=source_names)
@click.option("--once", is_flag=True, help="Run once and end (the default without --every).")
@click.option("--every", type=Duration(), help="Run at this interval until stopped, e.g. 15m.")
@click.option("--since", type=Moment(), help="Backfill from this time.")
@click.option("--until", type=Moment(), help="Backfill up to this time.")
@click.option("--wait", type=Duration(), default="15s", show_default=True, help="Wait so long for another run to end.")
@click.option(
    "--metrics-port", type=click.IntRange(1, 65_535), help="Serve Prometheus metrics on this port (of MXCTL_BIND)."
)
@table_or_json
def run(source: str, once: bool, every: timedelta | None, since: datetime | None, until: datetime | None,
        wait: timedelta, metrics_port: int | None, output: str) -> None:  # fmt: skip
    """Read what is new at SOURCE and send it to Kafka; SIGTERM ends it after the page at hand."""
    from connectors.config import load_source
    from connectors.runner import run_every, run_once

    if every is not None and every.total_seconds() <= 0:
        raise UsageError("mxctl run", "--every is no time at all", "give an interval such as 15m")
    if every and (once or since or until):
        raise UsageError("mxctl run", "--every goes with none of --once, --since, --until", "choose one")
    if since and until and since >= until:
        raise UsageError("mxctl run", "--since is not before --until", "swap them, or correct one")
    settings = get_settings()
    load_source(source, settings).parsed_options()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    if metrics_port is not None:
        from prometheus_client import start_http_server

        try:
            start_http_server(metrics_port, settings.bind)
        except OSError as error:
            raise UsageError(
                f"port {metrics_port}", "it can not be listened on", "choose another --metrics-port"
            ) from error
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
