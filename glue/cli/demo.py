"""``mxctl demo``: the whole pipeline at work, from nothing to a summary."""

from __future__ import annotations

import json
import sys

import click

from glue.cli.output import form_option


@click.command()
@click.option(
    "--posts", type=click.IntRange(1), default=120, show_default=True, help="Number of posts for each platform."
)
@click.option(
    "--orders", type=click.IntRange(1), default=100, show_default=True, help="Number of orders for each marketplace."
)
@click.option("--seed", type=int, help="Seed of the generated data [default: new data each time].")
@click.option("--keep", is_flag=True, help="Leave the stack running.")
@form_option("text", "json")
def demo(posts: int, orders: int, seed: int | None, keep: bool, output: str) -> None:
    """Start the stack, run the producers against simulated vendors, follow every record to its store.

    Exit code 1 if a record was lost or doubled. A stack that ran before goes on running.
    """
    from glue.demo.run import check_sources
    from glue.demo.run import demo as run_demo
    from glue.local.report import Reporter
    from glue.local.stack import Stack
    from glue.settings import get_settings, state_dir

    check_sources(get_settings())
    report = Reporter()
    stack = Stack(state_dir(), report)
    ran_before = any(part.state != "stopped" for part in stack.status())
    try:
        stack.up()
        get_settings.cache_clear()
        summary = run_demo(get_settings(), report, posts, orders, seed)
    finally:
        if not (keep or ran_before):
            stack.down()
    click.echo(summary.as_text(), err=output == "json")
    if output == "json":
        click.echo(json.dumps(summary.as_json()))
    if keep or ran_before:
        click.echo(
            '\nLook around:  mxctl search "winter shoes"\n'
            '              mxctl query "select * from millionx.raw_data.orders limit 5"\n'
            "Stop it:      mxctl local down",
            err=True,
        )
    else:
        click.echo("\nNothing is left running. To look around: mxctl demo --keep", err=True)
    sys.exit(1 if summary.lost or summary.duplicates else 0)
