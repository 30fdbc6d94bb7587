"""``mxctl ui``."""

from __future__ import annotations

import contextlib

import click

from glue.cli.options import settings_for, url_option


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Loopback port [default: a free one].")
@click.option("--open", "show", is_flag=True, help="Open the page in this machine's browser.")
@url_option
def ui(port: int, show: bool, url: str | None) -> None:
    """Serve a page with the topology as a live graph: rates, lag, states, dead letters, records (masked).

    The address goes to stdout. It can be reached from this machine only.
    """
    from glue.ui.server import serve

    def ready(address: str) -> None:
        click.echo(address)
        if show:
            click.launch(address)

    with contextlib.suppress(KeyboardInterrupt):
        serve(settings_for(url), port, ready)
