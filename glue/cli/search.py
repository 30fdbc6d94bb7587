"""``mxctl search``: posts by meaning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from glue.cli.options import since_option, until_option
from glue.cli.output import table_or_json

if TYPE_CHECKING:
    from glue.embedding.contract import Embedder
    from glue.stores.contract import Target
    from glue.stores.rows import Rows
    from glue.topology.model import Declared

BENGALI_SHARE = 0.25  # of meaning: the model was trained on English and knows no Bengali words
_EMBED = "glue.transforms.embed:Embed"


@click.command(epilog='Example: mxctl search "winter shoes" --platform tiktok --since 2025-11-01 --min-engagement 100')
@click.argument("text")
@click.option("--collection", help="Which collection, where the declared sinks fill several.")
@click.option("--platform", help="Only posts of this platform: tiktok or facebook.")
@since_option("posts")
@until_option("posts")
@click.option(
    "--min-engagement", type=click.IntRange(min=0), help="Minimum number of likes, comments and shares together."
)
@click.option(
    "--hybrid",
    type=click.FloatRange(0, 1),
    help="Words count too: the share of meaning, 1 for meaning alone, 0 for words alone "
    "[default: 1; 0.25 for text in Bengali letters, whose words the model does not know].",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Maximum number of posts.")
@table_or_json
def search(
    text: str,
    collection: str | None,
    platform: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    min_engagement: int | None,
    hybrid: float | None,
    limit: int,
    output: str,
) -> None:
    """Find posts by the meaning of TEXT, best first; Bangla, Banglish and English."""
    wanted = {
        ("platform", "="): platform,
        ("timestamp", ">="): since,
        ("timestamp", "<"): until,
        ("engagement", ">="): min_engagement,
    }
    click.echo(search_posts(text, wanted, collection, hybrid, limit).render(output))


def search_posts(
    text: str,
    wanted: Mapping[tuple[str, str], Any] | None = None,
    collection: str | None = None,
    hybrid: float | None = None,
    limit: int = 10,
) -> Rows:
    """The posts nearest to ``text``, best first, with the columns that the collection's file names.

    Args:
        wanted: conditions by property and sign; those of None are left out.
        hybrid: None for meaning alone, but for a text in Bengali letters :data:`BENGALI_SHARE`.

    Raises:
        UsageError: there is no text, not exactly one collection, or no such property.
        ConfigError: no declared chain says which model the vectors are of.
        ServiceUnavailableError, ServiceError: Weaviate does not answer, or has no such collection.
    """
    from glue.errors import UsageError
    from glue.settings import get_settings
    from glue.stores.contract import Search
    from glue.stores.registry import STORES
    from glue.stores.rows import Rows
    from glue.stores.weaviate.schema import declared as collections
    from glue.stores.weaviate.schema import shown
    from glue.topology.load import load

    if not text.strip():
        raise UsageError("search", "there are no words to search for", 'mxctl search "winter shoes"')
    settings = get_settings()
    declared = load(settings)
    target = _target(declared, collection)
    folder = settings.config_dir / target.store
    columns = shown(folder, target.place)
    properties = next(one for one in collections(folder) if one["class"] == target.place)["properties"]
    conditions = _conditions(properties, wanted or {})
    embedder = embedder_of(declared, target)
    try:
        vector = embedder.embed([text])[0].tolist()
    finally:
        embedder.close()
    hybrid = default_share(text) if hybrid is None else hybrid
    with STORES[target.store].open(settings) as client:
        found = client.search(target, text, vector, Search(conditions, hybrid, limit))
    columns = ["score", *columns]
    return Rows(columns, [tuple(_cell(post.get(column)) for column in columns) for post in found])


def default_share(text: str) -> float | None:
    """The share of meaning, against words, that finds most for ``text``; None for meaning alone."""
    return BENGALI_SHARE if any("\u0980" <= char <= "\u09ff" for char in text) else None


def embedder_of(declared: Declared, target: Target) -> Embedder:
    """The embedder of the chain that writes the topic of a collection: only what one model made can be compared.

    Raises:
        ConfigError: no declared chain embeds what is stored there.
    """
    from glue.embedding import open_embedder
    from glue.errors import ConfigError
    from glue.stores.routing import listed

    for chain in declared.chains.values():
        config: Mapping[str, str] = chain.get("config", {})
        if config.get("output.topic") != target.topic:
            continue
        for alias in listed(config.get("transforms", "")):
            if config.get(f"transforms.{alias}.type") == _EMBED:
                option = f"transforms.{alias}."
                return open_embedder(
                    config.get(f"{option}backend", "onnx"),
                    threads=1,
                    provider=config.get(f"{option}provider", "CPUExecutionProvider"),
                    cache_size=0,
                )
    raise ConfigError(
        f"search in {target.place}",
        f"no declared chain embeds what it writes to {target.topic}, so the model of the vectors is not known",
        "declare the chain with the transform Embed",
    )


def _target(declared: Declared, collection: str | None) -> Target:
    from glue.errors import UsageError
    from glue.stores.registry import targets_of

    found = [
        target
        for connector in declared.connectors.values()
        for target in targets_of(connector.name, connector.config, list(declared.topics))
        if target.vector and collection in (None, target.place)
    ]
    places = sorted({target.place for target in found})
    if len(places) != 1:
        why = f"the declared sinks fill {', '.join(places)}" if places else "no declared sink stores vectors there"
        raise UsageError(f"collection {collection or ''}".strip(), why, "name one that is filled with --collection")
    return found[0]


def _conditions(
    properties: Iterable[Mapping[str, Any]], wanted: Mapping[tuple[str, str], Any]
) -> tuple[tuple[str, str, Any], ...]:
    """What is asked for, and that no list of the post holds the mark of a canary.

    Raises:
        UsageError: the collection has no such property.
    """
    from glue.errors import UsageError
    from glue.identity import CANARY

    kinds = {one["name"]: one["dataType"][0] for one in properties}
    for (name, _), value in wanted.items():
        if value is not None and name not in kinds:
            raise UsageError("search", f"the collection has no property {name}", "leave that option out")
    asked = [(name, sign, value) for (name, sign), value in wanted.items() if value is not None]
    marks = [(name, "lacks", [CANARY]) for name, kind in kinds.items() if kind == "text[]"]
    return (*asked, *marks)


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
