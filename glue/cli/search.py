"""``mxctl search``: posts by meaning and words, in three ways of writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glue.cli.options import settings_for, since_option, until_option
from glue.cli.output import table_or_json

if TYPE_CHECKING:
    from glue.language.words import Language

LANGUAGES = ("bn", "bn-Latn", "en")


@click.command(epilog='Example: mxctl search "winter shoes" --platform tiktok --since 2025-11-01 --min-engagement 100')
@click.argument("text")
@click.option("--collection", help="Which collection, where the declared sinks fill several.")
@click.option("--platform", help="Only posts of this platform: tiktok or facebook.")
@since_option("posts")
@until_option("posts")
@click.option(
    "--min-engagement", type=click.IntRange(min=0), help="Minimum number of likes, comments and shares together."
)
@click.option("--language", type=click.Choice(LANGUAGES), help="Only posts in this language.")
@click.option(
    "--product",
    "products",
    multiple=True,
    help="Only posts that mention this product, by its name in the catalogue; repeatable: any of them.",
)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of TEXT [default: guessed].")
@click.option(
    "--hybrid",
    type=click.FloatRange(0, 1),
    help="Share of meaning against words: 1 for meaning alone, 0 for words alone "
    "[default: as the collection's file says].",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Maximum number of posts.")
@click.option("--explain", is_flag=True, help="Tell the model, the language and the words, and why each post is there.")
@table_or_json
def search(
    text: str, collection: str | None, lang: Language | None, hybrid: float | None, limit: int, explain: bool,
    output: str, **wanted: Any,
) -> None:  # fmt: skip
    """Find posts by the meaning and the words of TEXT, best first; Bangla, Banglish and English find one another."""
    from glue.search.posts import PostSearch, wanted_of
    from glue.stores.rows import Rows

    with PostSearch(settings_for(), collection) as posts:
        found = posts.ask(text, wanted_of(**wanted), hybrid, limit, lang, explain=explain)
    rows = [tuple(_cell(post.get(column)) for column in found.columns) for post in found.posts]
    click.echo(Rows(found.columns, rows).render(output))
    if explain:
        click.echo("\n".join(found.explanation), err=True)


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
