"""Options that several command groups share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from glue.times import parse_duration, parse_time

if TYPE_CHECKING:
    from glue.settings import Settings
    from glue.topology.change import Event
    from glue.topology.services import Services

F = TypeVar("F", bound=Callable[..., Any])


class _Parsed(click.ParamType):  # type: ignore[type-arg]
    """A text that a function turns into a value; what it refuses is a mistake of usage, in its own words."""

    def __init__(self, name: str, kind: type, parse: Callable[[str], Any]) -> None:
        self.name, self._kind, self._parse = name, kind, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; one that is parsed already stays."""
        try:
            return value if isinstance(value, self._kind) else self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = _Parsed("duration", timedelta, parse_duration)  # 15m, 1h30m, 2d
TIME = _Parsed("time", datetime, parse_time)  # ISO 8601, UTC without a zone, or how long ago: 36h, 7d


def since_option(what: str) -> Callable[[F], F]:
    """``--since`` of ``what``."""
    text = f"Only {what} from this time on: 36h or 7d ago, or ISO 8601 (UTC without a zone)."
    return click.option("--since", type=TIME, help=text)


def until_option(what: str) -> Callable[[F], F]:
    """``--until`` of ``what``."""
    return click.option("--until", type=TIME, help=f"Only {what} before this time, written as --since.")


def millis(time: datetime | None) -> int:
    """Milliseconds since the epoch; 0 for no time."""
    return int(time.timestamp() * 1000) if time else 0


def url_option(function: F) -> F:
    """``--url`` of Kafka Connect."""
    return click.option(
        "--url", help="Address of Kafka Connect's REST; of several workers with commas [env: MXCTL_CONNECT]."
    )(function)


def file_option(function: F) -> F:
    """``-f FILE|DIR|-``, repeatable."""
    return click.option(
        "-f",
        "--file",
        "files",
        multiple=True,
        metavar="FILE|DIR|-",
        help="Take connectors from here instead of connect-config/connectors; repeatable.",
    )(function)


class LazyChoice(click.Choice):  # type: ignore[type-arg]
    """A choice whose values are imported when they are asked for, so that the help of other commands starts fast."""

    def __init__(self, values: Callable[[], Sequence[str]], case_sensitive: bool = True) -> None:
        self._values = values
        self.case_sensitive = case_sensitive

    @property
    def choices(self) -> Sequence[str]:  # type: ignore[override]
        """The values."""
        return tuple(self._values())


def _kinds() -> Sequence[str]:
    from glue.topology.kinds import KINDS

    return tuple(KINDS)


def kinds_option(function: F) -> F:
    """``--kind``, repeatable; all kinds otherwise."""
    return click.option(
        "--kind",
        "kinds",
        multiple=True,
        callback=lambda context, parameter, value: value or _kinds(),
        type=LazyChoice(_kinds),
        help="Only these kinds of resources; repeatable.",
    )(function)


def yes_option(function: F) -> F:
    """``--yes``: do not ask."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def apply_options(function: F) -> F:
    """What every apply takes."""

    def flag(name: str, text: str) -> Callable[[F], F]:
        return click.option(name, is_flag=True, help=text)

    def seconds(name: str, default: float, text: str) -> Callable[[F], F]:
        kind = click.FloatRange(min=0)
        return click.option(name, type=kind, default=default, show_default=True, help=f"Seconds {text}")

    forms = click.Choice(["table", "json", "yaml"])
    return several(
        flag("--dry-run", "Check everything and show the plan; write nothing."),
        flag("--prune", "Delete what mxctl created and is no longer declared."),
        flag("--rollback", "If something fails, restore the previous state."),
        flag("--allow-recreate", "Recreate topics that cannot be changed; their records are lost."),
        seconds("--stable-for", 5, "for which every task must stay RUNNING."),
        seconds("--timeout", 180, "to wait until all connectors are RUNNING."),
        seconds("--lock-timeout", 0, "to wait for another apply to finish."),
        click.option("-o", "--output", type=forms, default="table", help="Output format."),
    )(function)


def several(*options: Callable[[F], F]) -> Callable[[F], F]:
    """The options as one, in this order."""

    def all_of(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return all_of


def settings_for(url: str | None = None) -> Settings:
    """The settings, with Connect's address from the command line where it is given."""
    from glue.settings import get_settings

    return get_settings(connect=url) if url else get_settings()


def services_for(url: str | None = None) -> Services:
    """The clients of the cluster that the settings, or ``--url``, name."""
    from glue.topology.services import Services

    return Services(settings_for(url))


def stopped_by_signal() -> threading.Event:
    """Set by SIGTERM or Ctrl-C from now on, which end the process no more."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    return stop


def serve_metrics(port: int, settings: Settings, **registry: Any) -> Any:
    """A server of Prometheus metrics on ``port`` of ``MXCTL_BIND`` (0: any), whose address goes to stderr."""
    from prometheus_client import start_http_server

    server, _ = start_http_server(port, settings.bind, **registry)
    click.echo(f"metrics: http://{settings.bind}:{server.server_port}/metrics", err=True)
    return server


def tell(event: Event) -> None:
    """Progress on stderr."""
    click.echo(f"  {event}", err=True)
