"""Options that several command groups share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from glue.cli.completion import connector_names
from glue.times import parse_duration, parse_time

if TYPE_CHECKING:
    from glue.settings import Settings
    from glue.topology.change import Event

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType):  # type: ignore[type-arg]
    """15m, 1h30m, 2d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The text as a timedelta."""
        try:
            return value if isinstance(value, timedelta) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Time(click.ParamType):  # type: ignore[type-arg]
    """A date or time of ISO 8601, UTC without a zone, or how long ago: 36h, 7d."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The text as an aware datetime."""
        try:
            return value if isinstance(value, datetime) else parse_time(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def since_option(what: str) -> Callable[[F], F]:
    """``--since`` of ``what``."""
    text = f"Only {what} from this time on: 36h or 7d ago, or ISO 8601 (UTC without a zone)."
    return click.option("--since", type=Time(), help=text)


def until_option(what: str) -> Callable[[F], F]:
    """``--until`` of ``what``."""
    return click.option("--until", type=Time(), help=f"Only {what} before this time, written as --since.")


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


def connector_argument(function: F) -> F:
    """``NAME`` of a connector, completed from the live cluster."""
    return click.argument("name", shell_complete=connector_names)(function)


def yes_option(function: F) -> F:
    """``--yes``: do not ask."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def apply_options(function: F) -> F:
    """What every apply takes."""
    seconds = click.FloatRange(min=0)
    for option in reversed(
        (
            click.option("--dry-run", is_flag=True, help="Check everything and show the plan; write nothing."),
            click.option("--prune", is_flag=True, help="Delete what mxctl created and is no longer declared."),
            click.option("--rollback", is_flag=True, help="If something fails, restore the previous state."),
            click.option(
                "--allow-recreate", is_flag=True, help="Recreate topics that cannot be changed; their records are lost."
            ),
            click.option(
                "--stable-for",
                type=seconds,
                default=5,
                show_default=True,
                help="Seconds for which every task must stay RUNNING.",
            ),
            click.option(
                "--timeout",
                type=seconds,
                default=180,
                show_default=True,
                help="Seconds to wait until all connectors are RUNNING.",
            ),
            click.option(
                "--lock-timeout",
                type=seconds,
                default=0,
                show_default=True,
                help="Seconds to wait for another apply to finish.",
            ),
            click.option(
                "-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", help="Output format."
            ),
        )
    ):
        function = option(function)
    return function


def settings_for(url: str | None = None) -> Settings:
    """The settings, with Connect's address from the command line where it is given."""
    from glue.settings import get_settings

    return get_settings(connect=url) if url else get_settings()


def tell(event: Event) -> None:
    """Progress on stderr."""
    click.echo(f"  {event}", err=True)
