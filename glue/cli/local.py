"""``mxctl local``: the whole pipeline's real parts on this machine."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from glue.cli.output import emit_rows, table_or_json
from glue.errors import UsageError
from glue.imports import needs

if TYPE_CHECKING:
    from glue.local.stack import Stack


def _stack(quiet: bool = False) -> Stack:
    with needs("the local stack", "local"):
        from glue.local.report import Reporter
        from glue.local.stack import Stack
    from glue.settings import state_dir

    return Stack(state_dir(), Reporter(quiet))


@click.group()
def local() -> None:
    """Run Kafka, Connect, the registry, Redis, Weaviate and the warehouse here, on loopback."""


@local.command()
@click.option("--services/--no-services", default=True, help="Also apply the topology and start the transform chains.")
@click.option("--wait/--no-wait", default=True, help="Wait for Weaviate even when its binary has to be built first.")
@click.option("--with", "extras", multiple=True, type=click.Choice(["monitoring"]), help="Also start Prometheus.")
@click.option("--secure", is_flag=True, help="Make a new stack one with TLS and passwords; it stays so until a purge.")
@click.option("--brokers", type=click.Choice([1, 3]), help="Kafka brokers of a new stack; they stay so until a purge.")
@click.option("--workers", type=click.IntRange(1, 4), help="Connect workers, and instances of each chain; it is kept.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
def up(
    services: bool,
    wait: bool,
    extras: tuple[str, ...],
    secure: bool,
    brokers: int | None,
    workers: int | None,
    quiet: bool,
) -> None:
    """Start the stack, or what is missing of it; returns when all of it is healthy."""
    if extras and not services:
        raise UsageError("mxctl local up", f"--with {extras[0]} watches the services", "leave --no-services out")
    with needs("the local stack", "local"):
        from glue.local.security import make_secure
        from glue.local.size import make_size
    from glue.settings import state_dir

    make_size(state_dir(), brokers, workers)
    if secure:
        make_secure(state_dir())
    stack = _stack(quiet)
    try:
        stack.up(services, wait, extras)
    except KeyboardInterrupt:
        stack.report.warning("stack", "interrupted; what was started runs on. To stop it: mxctl local down")
        raise


@local.command()
@click.option("--purge", is_flag=True, help="Also delete its data, logs and keys.")
@click.option("--only", "extras", multiple=True, type=click.Choice(["monitoring"]), help="Leave the pipeline running.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
def down(purge: bool, extras: tuple[str, ...], quiet: bool) -> None:
    """Stop the stack; its data stays for the next `up`."""
    if extras and purge:
        raise UsageError("mxctl local down", "--purge deletes everything", "leave --only out")
    if extras:
        _stack(quiet).dismiss(extras)
    else:
        _stack(quiet).down(purge)


@local.command()
@click.argument("part", required=False)
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines until Ctrl-C.")
@click.option(
    "-n", "--lines", type=click.IntRange(0), default=20, show_default=True, help="Number of lines from the end."
)
def logs(part: str | None, follow: bool, lines: int) -> None:
    """Show the end of the log of PART, or of every part."""
    from glue.local.follow import last_lines, logs, new_lines
    from glue.settings import state_dir

    files = logs(state_dir(), part)
    for line in last_lines(files, lines):
        click.echo(line)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            for line in new_lines(files):
                click.echo(line)


@local.command()
@table_or_json
def status(output: str) -> None:
    """Show every part; exit code 1 unless all of them run."""
    found = _stack().status()
    if output == "json":
        click.echo(json.dumps([asdict(part) for part in found], indent=1))
    else:
        rows = [
            {
                "part": part.name,
                "state": part.state,
                "pid": part.pid,
                "mb": part.memory_mb,
                "ports": [f"{name}={port}" for name, port in part.ports.items()],
            }
            for part in found
        ]
        emit_rows(rows, output)
        for part in found:
            for line in (part.detail, *part.tail):
                if line:
                    click.echo(f"{part.name}: {line}")
    sys.exit(0 if all(part.state == "running" for part in found) else 1)
