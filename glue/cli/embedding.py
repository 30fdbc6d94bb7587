"""``mxctl embedding``: another model for the vectors of a collection, while people search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from glue.cli.options import settings_for, yes_option
from glue.cli.output import emit, emit_rows, table_or_json

if TYPE_CHECKING:
    from glue.model_change.declared import Embedding
    from glue.stores.weaviate.vectors import VectorsOf

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FLAT = "flat"  # an index of Weaviate
_NEXT = "mxctl apply, then restart the services of the chain"


def _collection(function: F) -> F:
    text = "Which collection, where declared chains embed for several."
    return click.option("--collection", help=text)(function)


@click.group()
def embedding() -> None:
    """Change the model of a collection's vectors without an outage: plan, add, backfill, compare, switch, drop.

    A step that was interrupted is run again. docs/search.md shows the whole way.
    """


@embedding.command()
@click.argument("name")
@_collection
@table_or_json
def plan(name: str, collection: str | None, output: str) -> None:
    """Tell what the declared model NAME would cost, and which steps are left; nothing is changed."""
    from dataclasses import asdict

    from glue.model_change.backfill import Embedders
    from glue.model_change.measure import cost
    from glue.stores.weaviate.client import WeaviateStoreClient
    from glue.stores.weaviate.vectors import VectorsOf

    one, settings = _found(collection), settings_for()
    model = one.model(name)
    with (
        WeaviateStoreClient(settings) as client,
        VectorsOf(settings, one.target.place, one.text) as store,
        Embedders(one) as embedders,
    ):
        found, live = cost(one, model, client, store, embedders), client.vectors(one.target)
        index = _index(store, name)
    steps = [
        ("add", name in one.writer.models, f"{one.collection.name}, {one.sink.name}, {one.chain.name} name it"),
        ("apply", name in live, f"{_NEXT} {one.writer.chain}"),
        ("backfill", not found.lacking, f"{found.lacking} posts, {found.cpu_hours:.2f} CPU hours"),
        ("switch", one.asked == name, f"searches ask {name}; now they ask {one.asked}"),
        ("drop", one.writer.models == [name], f"{_others(one, name)} no more: an object for each of {found.posts}"),
    ]
    rows = [{"step": step, "done": done, "does": does} for step, done, does in steps]
    if output == "json":
        emit({"model": model.identity, **asdict(found), "cpu_hours": found.cpu_hours, "steps": rows}, output)
        return
    click.echo(f"model     {model.identity}: {model.model}, {model.dimensions} dimensions, {model.license}")
    click.echo(f"posts     {found.posts} in {one.target.place}, {found.lacking} without a vector of it")
    click.echo(
        f"CPU       {found.cpu_ms:.1f} ms a post, measured on {found.sample}: {found.cpu_hours:.2f} hours for the rest"
    )
    click.echo(f"memory    {found.model_mib} MiB for the model, about {found.memory_mib} MiB in Weaviate for all posts")
    click.echo(f"disk      about {found.disk_mib} MiB in Weaviate")
    if index == _FLAT:
        click.echo(f"index     {_read_whole(one, name)}")
    click.echo()
    emit_rows(rows, "table")


@embedding.command()
@click.argument("name")
@_collection
def add(name: str, collection: str | None) -> None:
    """Declare vectors of the model NAME: in the files of the collection, of its sink and of the chain that embeds."""
    from glue.model_change import declared

    one = _found(collection)
    _wrote(declared.add(one, name), f"{_NEXT} {one.writer.chain}, and mxctl embedding backfill {name}")


@embedding.command()
@click.argument("name")
@_collection
@click.option("--rate", type=click.FloatRange(0), default=0, help="Posts a second at most [default: no limit].")
def backfill(name: str, collection: str | None, rate: float) -> None:
    """Give a vector of the model NAME to each post that has none, from the text in the collection.

    Interrupted, it goes on where it was; what changes meanwhile is embedded as it is then.
    """
    from glue.local.report import Reporter
    from glue.model_change.backfill import Backfill, Embedders
    from glue.settings import state_dir
    from glue.stores.weaviate.vectors import VectorsOf

    one, reporter = _found(collection), Reporter()
    with VectorsOf(settings_for(), one.target.place, one.text) as store, Embedders(one) as embedders:
        run = Backfill(one, name, store, embedders, state_dir() / "embedding", rate)
        done = run.run(lambda text: reporter.progress("backfill", text))
    click.echo(f"{done.posts} vectors written, {done.again} again because their posts changed, {done.gone} posts gone")
    if done.refused:
        click.echo(f"{len(done.refused)} posts hold no text: {', '.join(sorted(done.refused)[:3])} …", err=True)
        raise SystemExit(1)


@embedding.command()
@click.argument("name")
@click.argument("other")
@_collection
@click.option(
    "--posts", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many posts are asked for."
)
@click.option("--set", "files", multiple=True, type=_FILE, help="Evaluation set: who finds more of its answers?")
def compare(name: str, other: str, collection: str | None, posts: int, files: tuple[Path, ...]) -> None:
    """Tell how much two models agree: the first ten posts that each finds for some posts of the collection.

    With --set also which is better, by questions whose answers are known; scripts/eval_search.py says it by language.
    """
    from glue.model_change.measure import FIRST, overlap, quality
    from glue.stores.weaviate.vectors import VectorsOf

    one = _found(collection)
    with VectorsOf(settings_for(), one.target.place, one.text) as store:
        share = overlap(one, (name, other), store, posts)
    click.echo(f"overlap@{FIRST} of {name} and {other}: {share:.2f}, on {posts} posts at most")
    for file in files:
        found = ", ".join(f"{model} {quality(one, model, file):.3f}" for model in (name, other))
        click.echo(f"nDCG@{FIRST} on {file.name}: {found}")


@embedding.command()
@click.argument("name")
@_collection
def switch(name: str, collection: str | None) -> None:
    """Let searches ask the model NAME: one value of one file, and back the same way.

    Refused while a post has no vector of it.
    """
    from glue.errors import UsageError
    from glue.model_change import declared
    from glue.stores.weaviate.vectors import VectorsOf

    one = _found(collection)
    model = one.writes(name)
    with VectorsOf(settings_for(), one.target.place) as store:
        if (index := _index(store, name)) is None:
            raise UsageError(f"switch to {name}", f"{one.target.place} has no such vectors", "mxctl apply")
        if lacking := store.lacking(model.identity):
            why = f"{lacking} posts have no vector of {model.identity}: no search would find them"
            raise UsageError(f"switch to {name}", why, f"mxctl embedding backfill {name}")
    if index == _FLAT:
        click.echo(f"warning: {_read_whole(one, name)}", err=True)
    _wrote(declared.ask(one, name), f"searches ask {name}; back: mxctl embedding switch {one.asked}")


@embedding.command()
@click.argument("name")
@_collection
@yes_option
def drop(name: str, collection: str | None, yes: bool) -> None:
    """Take the vectors of the model NAME away: first from the files, and run again, from Weaviate.

    Weaviate drops no vector of a collection: all objects are copied to another, which takes its place in one step; the
    sink is paused for the last of it. Refused while a search asks for NAME.
    """
    from glue.cli.weaviate import rebuilt
    from glue.errors import UsageError
    from glue.model_change import declared

    one = _found(collection)
    if one.asked == name:
        raise UsageError(f"drop {name}", f"searches in {one.target.place} ask it", "mxctl embedding switch OTHER")
    if files := declared.drop(one, name):
        _wrote(files, f"{_NEXT} {one.writer.chain}, and mxctl embedding drop {name} again")
        return
    copied = rebuilt(one, yes)
    click.echo(f"{one.target.place} has vectors of {', '.join(sorted(one.vectors()))}; {copied} objects copied")


def _found(collection: str | None) -> Embedding:
    from glue.model_change.declared import embedding_of

    return embedding_of(settings_for(), collection)


def _index(store: VectorsOf, name: str) -> str | None:
    """The type of the index of the model's vectors in Weaviate; None where there are no such vectors."""
    vectors = (store.schema() or {}).get("vectorConfig", {})
    return str(vectors[name].get("vectorIndexType")) if name in vectors else None


def _read_whole(one: Embedding, name: str) -> str:
    return (
        f"the index of {name} is flat: each search reads all of its vectors, so it costs more with every post; "
        f"declare hnsw for it in {one.collection.name}, then mxctl weaviate rebuild"
    )


def _others(one: Embedding, name: str) -> str:
    return ", ".join(other for other in one.writer.models if other != name) or "none"


def _wrote(files: Iterable[Path], after: str) -> None:
    for file in files:
        click.echo(f"wrote {file}")
    click.echo(f"next: {after}" if files else "no change")
