"""``mxctl search``: posts by meaning."""

from __future__ import annotations

import datetime as dt

import click

from glue.cli.output import table_or_json

_DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command(epilog='Example: mxctl search "winter shoes" --platform tiktok --since 2025-11-01 --min-engagement 100')
@click.argument("text")
@click.option("--platform", help="Only of this platform: tiktok or facebook.")
@click.option("--since", type=_DATE, help="Posted then or later (UTC).")
@click.option("--until", type=_DATE, help="Posted before (UTC).")
@click.option("--min-engagement", type=click.IntRange(min=0), help="At least so many likes, comments and shares.")
@click.option(
    "--hybrid",
    type=click.FloatRange(0, 1),
    help="Words count too: the share of meaning, 1 for meaning alone, 0 for words alone "
    "[default: 1; 0.25 for text in Bengali letters, whose words the model does not know].",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="At most so many posts.")
@table_or_json
def search(
    text: str,
    platform: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    min_engagement: int | None,
    hybrid: float | None,
    limit: int,
    output: str,
) -> None:
    """Find posts that mean TEXT, best first; Bangla, Banglish and English."""
    from glue.stores.weaviate.search import search_posts

    rows = search_posts(
        text,
        platform=platform,
        since=since,
        until=until,
        min_engagement=min_engagement,
        hybrid=hybrid,
        limit=limit,
    )
    click.echo(rows.render(output))
