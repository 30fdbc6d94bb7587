"""``mxctl search``: posts by meaning and words, in three ways of writing."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glue.cli.options import since_option, until_option
from glue.cli.output import table_or_json

if TYPE_CHECKING:
    from glue.embedding.declared import Model
    from glue.language.words import Language
    from glue.stores.contract import Target
    from glue.stores.rows import Rows
    from glue.stores.weaviate.client import WeaviateStoreClient
    from glue.topology.model import Declared

LANGUAGES = ("bn", "bn-Latn", "en")
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
@click.option("--language", type=click.Choice(LANGUAGES), help="Only posts in this language.")
@click.option("--product", help="Only posts that mention this product, by its name in the catalogue.")
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
    text: str,
    collection: str | None,
    platform: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    min_engagement: int | None,
    language: str | None,
    product: str | None,
    lang: Language | None,
    hybrid: float | None,
    limit: int,
    explain: bool,
    output: str,
) -> None:
    """Find posts by the meaning and the words of TEXT, best first; Bangla, Banglish and English find one another."""
    wanted = {
        ("platform", "="): platform,
        ("timestamp", ">="): since,
        ("timestamp", "<"): until,
        ("engagement", ">="): min_engagement,
        ("language", "="): language,
        ("product_mentions", "has"): [product] if product else None,
    }
    found = search_posts(text, wanted, collection, hybrid, limit, lang, explain=explain)
    click.echo(found.rows.render(output))
    if explain:
        click.echo("\n".join(found.explanation), err=True)


@dataclass(frozen=True)
class Found:
    """What a search found, and how it was understood, line by line."""

    rows: Rows
    explanation: list[str]


def search_posts(
    text: str,
    wanted: Mapping[tuple[str, str], Any] | None = None,
    collection: str | None = None,
    hybrid: float | None = None,
    limit: int = 10,
    language: Language | None = None,
    *,
    explain: bool = False,
) -> Found:
    """The posts nearest to ``text``, best first, with the columns that the collection's file names.

    Args:
        wanted: conditions by property and sign; those of None are left out.
        hybrid: share of meaning against words; None takes the share that the collection's file declares.
        language: of ``text``; None guesses.
        explain: each row also tells how near its meaning is (cosine), and which keys of words it shares.

    Raises:
        UsageError: there is no text, not exactly one collection, or no such property.
        ConfigError: no declared chain writes vectors of the model that the collection's file asks for.
        ServiceUnavailableError, ServiceError: Weaviate does not answer, has no such collection, or its vectors are of
            another model.
    """
    from glue.embedding import open_embedder
    from glue.errors import UsageError
    from glue.language.words import guess, search_words
    from glue.settings import get_settings
    from glue.stores.contract import Search
    from glue.stores.registry import STORES
    from glue.stores.rows import Rows
    from glue.stores.weaviate.client import MODELS
    from glue.stores.weaviate.schema import declared as collections
    from glue.stores.weaviate.schema import searched
    from glue.topology.load import load

    if not text.strip():
        raise UsageError("search", "there are no words to search for", 'mxctl search "winter shoes"')
    started = time.perf_counter()
    settings = get_settings()
    declared = load(settings)
    target = _target(declared, collection)
    folder = settings.config_dir / target.store
    how = searched(folder, target.place)
    properties = next(one for one in collections(folder) if one["class"] == target.place)["properties"]
    model, options = asked_model(declared, target, how.vector)
    conditions = _conditions(properties, {**(wanted or {}), (MODELS, "has"): [model.identity]})
    language = language or guess(text)
    keys = search_words(text, language)
    embedder = open_embedder(model, threads=1, cache_size=0, **options)
    try:
        vector = embedder.embed([text], "query", language)[0].tolist()
    finally:
        embedder.close()
    share = how.share if hybrid is None else hybrid
    asked = Search(conditions, None if share == 1 else share, limit, how.vector, how.words)
    ready = time.perf_counter()
    with STORES[target.store].open(settings) as client:
        found = client.search(target, " ".join([text.lower(), *keys]), vector, asked)
        if not found:
            _check_model(client, target, model)  # type: ignore[arg-type]
        if explain:
            near = client.search(target, "", vector, Search(conditions, None, 1000, how.vector))
            _explain(found, near, keys)
    columns = ["score", *(("meaning", "shared") if explain else ()), *how.columns]
    rows = Rows(columns, [tuple(_cell(post.get(column)) for column in columns) for post in found])
    lines = [
        f"model: {model.model} ({model.identity}), share of meaning {1.0 if share is None else share:g}",
        f"language: {language}, words: {' '.join(keys) or 'none'}",
        f"time: {ready - started:.2f} s to understand the text, {time.perf_counter() - ready:.2f} s to find posts",
    ]
    return Found(rows, lines)


def asked_model(declared: Declared, target: Target, name: str) -> tuple[Model, dict[str, str]]:
    """The declared model of that name, and the options of the chain that embeds by it what a collection takes.

    Raises:
        ConfigError: no declared chain writes vectors of that model there, or the model is not declared.
    """
    from glue.embedding.declared import load_model
    from glue.errors import ConfigError
    from glue.stores.routing import listed

    for chain in declared.chains.values():
        config: Mapping[str, str] = chain.get("config", {})
        if config.get("output.topic") != target.topic:
            continue
        for alias in listed(config.get("transforms", "")):
            option = f"transforms.{alias}."
            if config.get(f"{option}type") == _EMBED and name in listed(config.get(f"{option}models", "")):
                options = {
                    key: config[f"{option}{key}"] for key in ("backend", "provider") if f"{option}{key}" in config
                }
                return load_model(name), options
    raise ConfigError(
        f"search in {target.place}",
        f"no declared chain embeds by {name} what it writes to {target.topic}",
        "name the model in the chain's transform Embed, or another in $search.vector of the collection",
    )


def _check_model(client: WeaviateStoreClient, target: Target, model: Model) -> None:
    """Refuse to say that nothing was found, where what is there was embedded by another model.

    Raises:
        ServiceError: there are posts, and none of them has a vector of ``model``.
    """
    from glue.errors import ServiceError

    models = client.models(target)
    if models and model.identity not in models:
        there = ", ".join(f"{count} of {name}" for name, count in sorted(models.items()))
        why = f"it has no vectors of {model.identity}, only {there}: vectors of two models cannot be compared"
        raise ServiceError(f"collection {target.place}", why, "embed the posts anew, or ask the model they have")


def _explain(found: Iterable[dict[str, Any]], near: Iterable[dict[str, Any]], keys: Iterable[str]) -> None:
    """Say of each post how near its meaning is, where it is among the nearest 1,000, and which keys it shares."""
    meaning = {post["post_id"]: post["score"] for post in near}
    for post in found:
        post["meaning"] = meaning.get(post["post_id"])
        post["shared"] = " ".join(dict.fromkeys(key for key in keys if key in str(post.get("words") or "").split()))


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
