"""Posts nearest to a text: the declared collection, the model that it asks, and how the text is understood."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from glue.embedding import open_embedder
from glue.embedding.declared import Model, load_model, writers
from glue.errors import ConfigError, ServiceError, UsageError
from glue.identity import CANARY
from glue.language.words import Language, guess, search_words
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.stores.contract import Search
from glue.stores.registry import STORES
from glue.stores.weaviate.client import MODELS, WeaviateStoreClient
from glue.stores.weaviate.schema import declared as collections
from glue.stores.weaviate.schema import searched
from glue.topology.load import load

if TYPE_CHECKING:
    from glue.embedding.contract import Embedder
    from glue.stores.contract import Target
    from glue.topology.model import Declared

Wanted = Mapping[tuple[str, str], Any]
_NEAR = 1000  # posts whose nearness of meaning an explanation knows


@dataclass(frozen=True)
class Found:
    """What a search found, and how it was understood.

    Attributes:
        posts: the best first; each with ``score``, and explained ones with ``meaning`` and ``shared``.
        columns: of the posts, those that a table shows.
        explanation: model, language, words and time, a line each.
    """

    posts: list[dict[str, Any]]
    columns: list[str]
    explanation: list[str]


class PostSearch:
    """Searches of one collection. The model is loaded by the first search and kept, until the file of the collection
    names another; not thread-safe.

    Args:
        collection: its name; None where the declared sinks fill one only.

    Raises:
        UsageError: not exactly one collection is meant.
        ConfigError: no declared chain writes vectors of the model that the collection's file asks for.
    """

    def __init__(self, settings: Settings, collection: str | None = None) -> None:
        self._settings = settings
        self._open(collection)

    def _open(self, collection: str | None) -> None:
        settings = self._settings
        declared = load(settings)
        self.target = _target(declared, collection)
        folder = settings.config_dir / self.target.store
        self.how = searched(folder, self.target.place)
        self.model, self._options = asked_model(declared, self.target, self.how.vector)
        (body,) = (one for one in collections(folder) if one["class"] == self.target.place)
        self._kinds = {one["name"]: one["dataType"][0] for one in body["properties"]}
        self._client: WeaviateStoreClient = STORES[self.target.store].open(settings)  # type: ignore[assignment]

    @cached_property
    def _embedder(self) -> Embedder:
        return open_embedder(self.model, threads=1, cache_size=0, **self._options)

    def load(self) -> None:
        """Load the model now, and not with the first search.

        Raises:
            ConfigError: its weights or a library are not installed.
        """
        _ = self._embedder

    def ask(
        self,
        text: str,
        wanted: Wanted | None = None,
        hybrid: float | None = None,
        limit: int = 10,
        language: Language | None = None,
        *,
        explain: bool = False,
        canaries: bool = False,
    ) -> Found:
        """The posts nearest to ``text``, with the columns that the collection's file names.

        Args:
            wanted: conditions by property and sign; those of None are left out.
            hybrid: share of meaning against words; None takes the share that the collection's file declares.
            language: of ``text``; None guesses.
            explain: each post also tells how near its meaning is (cosine), and which keys of words it shares.
            canaries: posts that bear the mark of a canary are found as well.

        Raises:
            UsageError: there is no text, or no such property.
            ServiceUnavailableError, ServiceError: Weaviate does not answer, has no such collection, or its vectors are
                of another model.
        """
        if not text.strip():
            raise UsageError("search", "there are no words to search for", 'mxctl search "winter shoes"')
        started = time.perf_counter()
        if searched(self._settings.config_dir / self.target.store, self.target.place) != self.how:
            self.close()
            self._open(self.target.place)
        lists = [] if canaries else [name for name, kind in self._kinds.items() if kind == "text[]"]
        conditions = (*self._conditions(wanted or {}), *((name, "lacks", [CANARY]) for name in lists))
        language = language or guess(text)
        keys = search_words(text, language)
        vector = self._embedder.embed([text], "query", language)[0].tolist()
        share = self.how.share if hybrid is None else hybrid
        asked = Search(conditions, None if share == 1 else share, limit, self.how.vector, self.how.words)
        ready = time.perf_counter()
        found = self._client.search(self.target, " ".join([text.lower(), *keys]), vector, asked)
        if not found:
            self._check_model()
        if explain:
            near = self._client.search(self.target, "", vector, Search(conditions, None, _NEAR, self.how.vector))
            _explain(found, near, keys)
        columns = ["score", *(("meaning", "shared") if explain else ()), *self.how.columns]
        lines = [
            f"model: {self.model.model} ({self.model.identity}), share of meaning {1.0 if share is None else share:g}",
            f"language: {language}, words: {' '.join(keys) or 'none'}",
            f"time: {ready - started:.2f} s to understand the text, {time.perf_counter() - ready:.2f} s to find posts",
        ]
        return Found(found, columns, lines)

    def _conditions(self, wanted: Wanted) -> tuple[tuple[str, str, Any], ...]:
        for (name, _), value in wanted.items():
            if value is not None and name not in self._kinds:
                raise UsageError("search", f"the collection has no property {name}", "leave that option out")
        asked = [(name, sign, value) for (name, sign), value in wanted.items() if value is not None]
        return (*asked, (MODELS, "has", [self.model.identity]))

    def _check_model(self) -> None:
        """Refuse to say that nothing was found, where what is there was embedded by another model."""
        models = self._client.models(self.target)
        if models and self.model.identity not in models:
            there = ", ".join(f"{count} of {name}" for name, count in sorted(models.items()))
            why = f"it has no vectors of {self.model.identity}, only {there}: vectors of two models cannot be compared"
            fix = "embed the posts anew, or ask the model they have"
            raise ServiceError(f"collection {self.target.place}", why, fix)

    def close(self) -> None:
        """Let the model and the connection go."""
        if embedder := self.__dict__.pop("_embedder", None):
            embedder.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wanted_of(
    platform: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    min_engagement: int | None = None,
    language: str | None = None,
    products: Sequence[str] = (),
) -> Wanted:
    """The conditions that people may ask for: time from ``since`` and before ``until``, any of ``products``."""
    return {
        ("platform", "="): platform,
        ("timestamp", ">="): since,
        ("timestamp", "<"): until,
        ("engagement", ">="): min_engagement,
        ("language", "="): language,
        ("product_mentions", "has"): list(products) or None,
    }


def asked_model(declared: Declared, target: Target, name: str) -> tuple[Model, dict[str, str]]:
    """The declared model of that name, and the options of the chain that embeds by it what a collection takes.

    Raises:
        ConfigError: no declared chain writes vectors of that model there, or the model is not declared.
    """
    for writer in writers(declared.chains, target.topic):
        if name in writer.models:
            return load_model(name), {
                key: writer.options[key] for key in ("backend", "provider") if key in writer.options
            }
    why = f"no declared chain embeds by {name} what it writes to {target.topic}"
    fix = "name the model in the chain's transform Embed, or another in $search.vector of the collection"
    raise ConfigError(f"search in {target.place}", why, fix)


def _explain(found: Iterable[dict[str, Any]], near: Iterable[dict[str, Any]], keys: Iterable[str]) -> None:
    """Say of each post how near its meaning is, where it is among the nearest, and which keys it shares."""
    meaning = {post["post_id"]: post["score"] for post in near}
    for post in found:
        post["meaning"] = meaning.get(post["post_id"])
        post["shared"] = " ".join(dict.fromkeys(key for key in keys if key in str(post.get("words") or "").split()))


def _target(declared: Declared, collection: str | None) -> Target:
    targets = Pipeline.of(declared).targets
    found = [target for target in targets if target.vector and collection in (None, target.place)]
    places = sorted({target.place for target in found})
    if len(places) != 1:
        why = f"the declared sinks fill {', '.join(places)}" if places else "no declared sink stores vectors there"
        raise UsageError(f"collection {collection or ''}".strip(), why, "name one that is filled with --collection")
    return found[0]
