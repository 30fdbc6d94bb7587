"""``mxctl connectors``."""

from __future__ import annotations

from typing import Any

import click

from glue.cli.completion import connector_argument, connector_names
from glue.cli.options import apply_options, file_option, services_for, several, url_option, yes_option
from glue.cli.output import confirm, emit, emit_rows, output_option

_which = several(
    click.argument("names", nargs=-1, shell_complete=connector_names),
    click.option("--all", "everything", is_flag=True, help="All connectors."),
)
_timeout = click.option("--timeout", type=float, default=60, show_default=True, help="Seconds to wait.")


@click.group()
def connectors() -> None:
    """Look at connectors of Kafka Connect, apply their files, operate them."""


@connectors.command("apply")
@file_option
@url_option
@apply_options
def apply_command(files: tuple[str, ...], url: str | None, **options: Any) -> None:
    """Bring connectors to their files and wait until every task stays RUNNING."""
    from glue.cli.applying import run_apply

    run_apply(("connector",), files=files, url=url, **options)


@connectors.command()
@url_option
@output_option("name")
def get(url: str | None, output: str) -> None:
    """List connectors with their state and that of their tasks."""
    from glue.topology.operate import connector_rows

    rows = connector_rows(services_for(url))
    emit_rows(rows, output, ["name", "type", "state", "tasks", "plugin", "topics"])
    for row in rows:
        if row["problem"] and output == "table":
            click.echo(f"{row['name']}: {row['problem']}", err=True)


@connectors.command()
@connector_argument
@url_option
@output_option()
def describe(name: str, url: str | None, output: str) -> None:
    """Show one connector: tasks with their root causes, topics, lag, config with secrets masked."""
    from glue.topology.operate import describe_connector

    found = describe_connector(services_for(url), name)
    if output != "table":
        emit(found, output)
        return
    for key in ("name", "type", "state", "worker", "problem", "lag"):
        if found[key] is not None:
            click.echo(f"{key + ':':<9} {found[key]}")
    used = "not tracked by the worker" if found["topics"] is None else ", ".join(found["topics"]) or "none used yet"
    click.echo(f"{'topics:':<9} {used}\n")
    emit_rows(found["tasks"], "table", ["id", "state", "worker", "problem"])
    click.echo()
    for key, value in found["config"].items():
        click.echo(f"{key} = {value}")


def _add_state_command(action: str, past: str, text: str) -> None:
    @connectors.command(action, help=text)
    @_which
    @_timeout
    @url_option
    def command(names: tuple[str, ...], everything: bool, timeout: float, url: str | None) -> None:
        from glue.topology.operate import chosen, set_state

        services = services_for(url)
        meant = chosen(services, names, everything)
        set_state(services, meant, action, timeout=timeout)
        for name in meant:
            click.echo(f"connector {name} {past}")


_add_state_command("pause", "paused", "Pause connectors: tasks stay allocated and stop working.")
_add_state_command("resume", "resumed", "Resume connectors that are paused or stopped, and wait until every task runs.")
_add_state_command("stop", "stopped", "Stop connectors: tasks are shut down; needed before offsets can be changed.")


@connectors.command()
@_which
@click.option("--failed", is_flag=True, help="Only what has failed; the rest keeps running.")
@_timeout
@url_option
def restart(names: tuple[str, ...], everything: bool, failed: bool, timeout: float, url: str | None) -> None:
    """Restart connectors and their tasks, and wait until every task runs."""
    from glue.topology import operate

    services = services_for(url)
    meant = operate.chosen(services, names, everything)
    done = operate.restart(services, meant, only_failed=failed, timeout=timeout)
    for name in meant:
        click.echo(f"connector {name} {'restarted' if name in done else 'has nothing failed'}")


@connectors.command()
@connector_argument
@url_option
@yes_option
def delete(name: str, url: str | None, yes: bool) -> None:
    """Delete a connector. Its offsets stay: one of the same name goes on where this one stopped."""
    from glue.topology import operate

    services = services_for(url)
    operate.chosen(services, [name], False)
    confirm(f"Delete connector {name}?", yes)
    operate.delete(services, name)
    click.echo(f"connector {name} deleted")


@connectors.command("logs-level")
@connector_argument
@click.argument(
    "level", required=False, type=click.Choice(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], case_sensitive=False)
)
@click.option("--logger", help="Logger to set instead of that of the connector's plugin.")
@url_option
@output_option()
def logs_level(name: str, level: str | None, logger: str | None, url: str | None, output: str) -> None:
    """Show or set the log level of a connector's plugin, on every worker of the cluster."""
    from glue.topology.operate import logger_of, logger_rows

    connect = services_for(url).connect
    chosen = logger or logger_of(connect, name)
    if level:
        connect.set_logger(chosen, level.upper())
        click.echo(f"logger {chosen} is {level.upper()} on every worker")
        return
    emit_rows(logger_rows(connect, chosen), output)
