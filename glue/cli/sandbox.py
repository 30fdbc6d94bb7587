"""``mxctl sandbox``: simulated vendors, on loopback."""

from __future__ import annotations

import json

import click

from glue.cli.output import table_or_json
from glue.errors import ServiceError, UsageError


@click.group()
def sandbox() -> None:
    """Run stand-ins for TikTok, Facebook, Shopify, Daraz and the weather service, with generated data."""


@sandbox.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on [default: a free one].")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generated data.")
@click.option(
    "--posts", type=click.IntRange(0), default=120, show_default=True, help="Number of posts for each platform."
)
@click.option(
    "--orders", type=click.IntRange(0), default=100, show_default=True, help="Number of orders for each marketplace."
)
@click.option(
    "--latency", type=click.FloatRange(0), default=0.0, show_default=True, help="Mean seconds before an answer."
)
@click.option("--fault", "faults", multiple=True, metavar="[VENDOR:]NAME[@RATE|@Nx]", help="Fault to switch on.")
def up(port: int | None, seed: int, posts: int, orders: int, latency: float, faults: tuple[str, ...]) -> None:
    """Start it, unless it runs already."""
    from glue.settings import state_dir
    from sandbox.control import SandboxError
    from sandbox.control import up as start
    from sandbox.faults import UnknownFaultError, parse

    arguments = ["--seed", str(seed), "--posts", str(posts), "--orders", str(orders), "--latency", str(latency)]
    try:
        for fault in faults:
            parse(fault)
            arguments += ["--fault", fault]
        running = start(state_dir(), arguments, port)
    except UnknownFaultError as error:
        raise UsageError("sandbox", str(error), "mxctl sandbox faults lists them") from error
    except SandboxError as error:
        raise ServiceError("sandbox", str(error), "choose another --port, or none") from error
    click.echo(f"sandbox: {running.address} (pid {running.pid}, log {running.log})", err=True)


@sandbox.command()
def down() -> None:
    """Stop it."""
    from glue.settings import state_dir
    from sandbox.control import down as stop

    click.echo("sandbox: stopped" if stop(state_dir()) else "sandbox: was not running", err=True)


@sandbox.command()
@table_or_json
def status(output: str) -> None:
    """Show whether it runs and which requests it received; exit code 1 if it does not run."""
    from glue.settings import state_dir
    from sandbox.control import find, state

    running = find(state_dir())
    found = state(running) if running else None
    if output == "json":
        click.echo(json.dumps({"address": running.address if running else None, **(found or {"ready": False})}))
    elif running and found:
        click.echo(f"ready at {running.address} (pid {running.pid})")
        for name in ("posts", "orders", "requests", "fired"):
            click.echo(f"{name:<9} " + (", ".join(f"{key} {value}" for key, value in found[name].items()) or "none"))
    if not found:
        raise ServiceError("sandbox", "it does not run", "mxctl sandbox up")


@sandbox.command()
@click.argument("names", nargs=-1)
@click.option("--clear", is_flag=True, help="Switch all faults off.")
def faults(names: tuple[str, ...], clear: bool) -> None:
    """Switch exactly the faults NAMES on in the running sandbox; without NAMES, list all faults."""
    from glue.settings import state_dir
    from sandbox.control import SandboxError, find, put_faults
    from sandbox.faults import FAULTS, VENDORS

    if not names and not clear:
        for name, (does, vendors) in FAULTS.items():
            click.echo(f"{name:<22}{does} ({', '.join(vendors or VENDORS)})")
        return
    running = find(state_dir())
    if running is None:
        raise ServiceError("sandbox", "it does not run", "mxctl sandbox up")
    try:
        put_faults(running, names)
    except SandboxError as error:
        raise UsageError("sandbox", str(error), "mxctl sandbox faults lists them") from error
