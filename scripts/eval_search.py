"""How well search finds posts in English, Bengali and Banglish: nine directions, and all posts mixed.

FILE is JSON: ``topics``, each with ``query`` (texts by language: en, bn, bl), ``post`` and ``plain_post`` (a text by
language), and ``distractors`` (a text by language). The posts of a query's topic are the right answers. A post goes the
way of a declared collection, a query the way of ``mxctl search``; intervals are 95 % by bootstrap over topics. Needs a
Weaviate that runs.

    python scripts/eval_search.py FILE… [--model NAME]… [--share 0.3]… [--known-language] [-o table|json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from glue.embedding import open_embedder
from glue.embedding.declared import declared_models
from glue.language.words import Language, guess, search_words
from glue.model_change.measure import FIRST, ndcg
from glue.settings import get_settings
from glue.stores.contract import Search, Target
from glue.stores.weaviate.client import WeaviateStoreClient, document_id
from glue.stores.weaviate.rest import Rest
from glue.stores.weaviate.schema import declared as collections
from glue.stores.weaviate.schema import searched

LANGUAGES: dict[str, Language] = {"en": "en", "bn": "bn", "bl": "bn-Latn"}
DIRECTIONS = tuple(f"{one}>{other}" for one, other in product(LANGUAGES, LANGUAGES))
DECLARED = "SocialPost"
TYPED = ("content",)
HITS, BATCH, ROUNDS = FIRST, 64, 1000


@dataclass(frozen=True)
class Text:
    """A query or a post; a topic of -1 is nobody's answer."""

    topic: int
    language: str
    text: str


def load(files: Sequence[Path]) -> tuple[list[Text], list[Text]]:
    """Queries and posts of all files; equal posts count once."""
    queries: list[Text] = []
    posts: dict[str, Text] = {}
    topics = 0
    for file in files:
        body = json.loads(file.read_text(encoding="utf-8"))
        for topic in body["topics"]:
            for language in LANGUAGES:
                queries += [Text(topics, language, text) for text in topic["query"][language]]
                for kind in ("post", "plain_post"):
                    posts.setdefault(topic[kind][language], Text(topics, language, topic[kind][language]))
            topics += 1
        for distractor in body.get("distractors", ()):
            for language in LANGUAGES:
                posts.setdefault(distractor[language], Text(-1, language, distractor[language]))
    return queries, list(posts.values())


def vectors(model: str, texts: Sequence[Text], role: Any, known: bool) -> list[list[float]]:
    """As the chain and the search make them."""
    embedder = open_embedder(model, threads=1, cache_size=0)
    try:
        if not known:
            parts = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
            return [one for part in parts for one in embedder.embed([text.text for text in part], role).tolist()]
        return [embedder.embed([one.text], role, LANGUAGES[one.language])[0].tolist() for one in texts]
    finally:
        embedder.close()


@contextmanager
def stored(posts: Sequence[Text], made: dict[str, list[list[float]]]) -> Iterator[Target]:
    """A collection of its own, as the declared one, with the posts; it goes away afterwards."""
    settings = get_settings()
    (body,) = (one for one in collections(settings.config_dir / "weaviate") if one["class"] == DECLARED)
    name = f"Eval{uuid.uuid4().hex[:8]}"
    body |= {"class": name, "vectorConfig": {model: body["vectorConfig"][model] for model in made}}
    rest = Rest(settings)
    rest.send("POST", "schema", body)
    try:
        for at in range(0, len(posts), BATCH):
            objects = [
                {
                    "class": name,
                    "id": str(document_id(str(number))),
                    "properties": {
                        "post_id": str(number),
                        "content": post.text,
                        "platform": post.language,
                        "words": " ".join(search_words(post.text)),
                    },
                    "vectors": {model: made[model][number] for model in made},
                }
                for number, post in enumerate(posts[at : at + BATCH], at)
            ]
            rest.send("POST", "batch/objects", {"objects": objects})
        yield Target("", "", "", name, "weaviate", name, vector="vectors")
    finally:
        rest._call("DELETE", f"schema/{name}", None)
        rest.close()


@dataclass(frozen=True)
class Hits:
    """What one way of searching found: by direction, a row a query: the topic, and which of the first ten are right."""

    topics: dict[str, list[int]]
    right: dict[str, list[list[bool]]]
    wanted: dict[str, list[int]]
    seconds: list[float]

    def ndcg(self, direction: str) -> Any:
        """nDCG@10 of each query."""
        return ndcg(self.right[direction], self.wanted[direction])

    def recall(self, direction: str, first: int) -> float:
        """Share of the right posts among the first, as far as so many fit there."""
        pairs = zip(self.right[direction], self.wanted[direction], strict=True)
        return float(np.mean([sum(row[:first]) / min(count, first) for row, count in pairs]))


def ask(
    client: WeaviateStoreClient,
    target: Target,
    queries: Sequence[Text],
    posts: Sequence[Text],
    asked: Sequence[list[float]],
    wanted: Search,
    known: bool,
) -> Hits:
    """Every query in every direction, and among all posts (``mixed``)."""
    names = (*DIRECTIONS, "mixed")
    hits = Hits({name: [] for name in names}, {name: [] for name in names}, {name: [] for name in names}, [])
    for query, vector in zip(queries, asked, strict=True):
        language = LANGUAGES[query.language] if known else guess(query.text)
        keys = search_words(query.text, language) if wanted.words != TYPED else ()
        text = " ".join([query.text.lower(), *keys])
        for other in (*LANGUAGES, None):
            where = (("platform", "=", other),) if other else ()
            started = time.perf_counter()
            found = client.search(target, text, vector, Search(where, wanted.hybrid, HITS, wanted.vector, wanted.words))
            hits.seconds.append(time.perf_counter() - started)
            name = f"{query.language}>{other}" if other else "mixed"
            hits.topics[name].append(query.topic)
            hits.right[name].append([posts[int(one["post_id"])].topic == query.topic for one in found])
            hits.wanted[name].append(sum(one.topic == query.topic and other in (None, one.language) for one in posts))
    return hits


def summary(label: str, hits: Hits) -> dict[str, Any]:
    """Every figure of one way of searching; the interval of the mean is by bootstrap over topics."""
    by_topic: dict[int, dict[str, list[float]]] = {}
    for name in (*DIRECTIONS, "mixed"):
        for topic, value in zip(hits.topics[name], hits.ndcg(name), strict=True):
            by_topic.setdefault(topic, {}).setdefault(name, []).append(float(value))
    table = np.array([[np.mean(values[name]) for name in (*DIRECTIONS, "mixed")] for values in by_topic.values()])
    picks = np.random.default_rng(1).integers(0, len(table), (ROUNDS, len(table)))
    means = table[picks].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    spread = np.percentile(means[:, : len(DIRECTIONS)].mean(axis=1), [2.5, 97.5])
    names = (*DIRECTIONS, "mixed")
    return {
        "way": label,
        "ndcg10": {name: round(float(hits.ndcg(name).mean()), 3) for name in names},
        "interval": {
            name: [round(float(a), 3), round(float(b), 3)] for name, a, b in zip(names, low, high, strict=True)
        },
        "mean": round(float(np.mean([hits.ndcg(name).mean() for name in DIRECTIONS])), 3),
        "mean_interval": [round(float(one), 3) for one in spread],
        "recall": {f"@{k}": round(float(np.mean([hits.recall(n, k) for n in DIRECTIONS])), 3) for k in (1, 5, 10)},
        "search_ms_p95": round(float(np.percentile(hits.seconds, 95)) * 1000, 1),
    }


def evaluate(
    files: Sequence[Path], models: Sequence[str] = (), shares: Sequence[float] = (), known: bool = False
) -> list[dict[str, Any]]:
    """A row a way of searching: words alone, then each model alone and with words at each share of meaning."""
    settings = get_settings()
    how = searched(settings.config_dir / "weaviate", DECLARED)
    models = list(models) or list(declared_models())
    shares = list(shares) or [how.share if how.share is not None else 1.0]
    queries, posts = load(files)
    made = {model: vectors(model, posts, "passage", False) for model in models}
    rows = []
    with stored(posts, made) as target, WeaviateStoreClient(settings) as client:
        first = models[0]
        asked = {model: vectors(model, queries, "query", known) for model in models}

        def row(label: str, model: str, share: float | None, words: tuple[str, ...] = how.words) -> None:
            wanted = Search((), share, HITS, model, words)
            rows.append(summary(label, ask(client, target, queries, posts, asked[model], wanted, known)))

        row("words as they are typed", first, 0.0, TYPED)
        row("keys of words", first, 0.0, tuple(one for one in how.words if not one.startswith("content")))
        for model in models:
            row(f"{model}, meaning alone", model, None)
            for share in shares:
                row(f"{model}, {share:g} of meaning", model, share)
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--model", action="append", default=[], help="a declared model [default: all]")
    parser.add_argument("--share", action="append", type=float, default=[], help="of meaning [default: as declared]")
    parser.add_argument("--known-language", action="store_true", help="tell each query its language, as --lang")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    given = parser.parse_args()
    rows = evaluate(given.files, given.model, given.share, given.known_language)
    if given.output == "json":
        print(json.dumps(rows))
        return 0
    print(f"{'nDCG@10':<26} {' '.join(f'{name:>5}' for name in DIRECTIONS)}  mean [95 %]         mixed  R@1  R@5  R@10")
    for row in rows:
        cells = " ".join(f"{row['ndcg10'][name]:5.2f}" for name in DIRECTIONS)
        low, high = row["mean_interval"]
        recall = " ".join(f"{value:.2f}" for value in row["recall"].values())
        mixed = row["ndcg10"]["mixed"]
        print(f"{row['way']:<26} {cells}  {row['mean']:.3f} [{low:.3f} {high:.3f}] {mixed:.3f}  {recall}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
