"""What a change of model costs, measured on posts of the collection, and how two models answer the same questions."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glue.embedding import open_embedder
from glue.embedding.declared import Model, Role
from glue.errors import UsageError
from glue.model_change.backfill import PAGE, Embedders
from glue.model_change.declared import Embedding
from glue.stores.weaviate.client import WeaviateStoreClient
from glue.stores.weaviate.vectors import Embedded, VectorsOf

if TYPE_CHECKING:
    from glue.embedding.contract import Matrix

FIRST = 10
_DISCOUNT = 1 / np.log2(np.arange(2, FIRST + 2))
_LINKS = 64 * 10  # bytes of a post's links in HNSW with 32 connections, as Weaviate's guide counts them
_HOUR, _MIB = 3600, 1 << 20


@dataclass(frozen=True)
class Cost:
    """Of the vectors of one model.

    Attributes:
        posts: in the collection; lacking: that have none of the model.
        cpu_ms: to embed one post, on this machine now, by the chain's own transform; sample: posts that it took.
        model_mib: memory that the model takes in a process.
        memory_mib, disk_mib: that the vectors of all posts take in Weaviate, by their size.
    """

    posts: int
    lacking: int
    cpu_ms: float
    sample: int
    model_mib: int
    memory_mib: int
    disk_mib: int

    @property
    def cpu_hours(self) -> float:
        """To embed what lacks."""
        return self.lacking * self.cpu_ms / 1000 / _HOUR


def cost(one: Embedding, model: Model, client: WeaviateStoreClient, store: VectorsOf, embedders: Embedders) -> Cost:
    """Measure on some posts; nothing is written."""
    texts = [found.text for found in _some(store, PAGE)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    embedders.embed(model.name, ["warm"])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    began = time.process_time()
    embedders.embed(model.name, texts)
    spent = (time.process_time() - began) * 1000 / max(1, len(texts))
    posts, width = client.size(one.target), 4 * model.dimensions
    sizes = (posts * (width + _LINKS) // _MIB, posts * (2 * width + _LINKS) // _MIB)
    return Cost(posts, store.lacking(model.identity), spent, len(texts), grown // 1024, *sizes)


def overlap(one: Embedding, names: tuple[str, str], store: VectorsOf, posts: int) -> float:
    """Share of the first ten posts that two models find in common, when each of some posts is asked for as a question.

    Raises:
        UsageError: the chain does not write one of them, or there are no posts.
    """
    questions = _some(store, posts)
    if not questions:
        raise UsageError("compare", "the collection holds no posts", "wait for some")
    answers = []
    for name in names:
        one.writes(name)
        vectors = _vectors(one, name, [found.text for found in questions], "query")
        answers.append(
            [
                set([found for found in store.nearest(vector.tolist(), name, FIRST + 1) if found != asked.id][:FIRST])
                for asked, vector in zip(questions, vectors, strict=True)
            ]
        )
    pairs = list(zip(*answers, strict=True))
    return sum(len(first & second) for first, second in pairs) / (FIRST * len(pairs))


def quality(one: Embedding, name: str, file: Path) -> float:
    """nDCG@10 of a model's meaning alone over all posts of an evaluation set, in the form of scripts/eval_search.py."""
    body = json.loads(file.read_text(encoding="utf-8"))
    questions, posts = dict[str, int](), dict[str, int]()
    for number, topic in enumerate(body["topics"]):
        questions |= dict.fromkeys((text for texts in topic["query"].values() for text in texts), number)
        posts |= dict.fromkeys((text for kind in ("post", "plain_post") for text in topic[kind].values()), number)
    posts = dict.fromkeys((text for texts in body.get("distractors", ()) for text in texts.values()), -1) | posts
    made = _vectors(one, name, list(posts), "passage")
    right = np.array(list(posts.values()))
    gains = []
    for vector, number in zip(_vectors(one, name, list(questions), "query"), questions.values(), strict=True):
        nearest = np.argsort(-(made @ vector), kind="stable")[:FIRST]
        gains.append(ndcg([right[nearest] == number], [int((right == number).sum())])[0])
    return float(np.mean(gains))


def ndcg(right: Iterable[Sequence[bool]], wanted: Iterable[int]) -> Any:
    """nDCG@10 of each question: which of the first answers are right, and how many right ones there are."""
    gains = [float(np.dot(_DISCOUNT[: len(row)], row)) for row in right]
    return np.array(gains) / np.array([_DISCOUNT[: min(count, FIRST)].sum() for count in wanted])


def _some(store: VectorsOf, posts: int) -> list[Embedded]:
    return [found for found in next(store.walk(page=posts), []) if found.text.strip()]


def _vectors(one: Embedding, name: str, texts: list[str], role: Role) -> Matrix:
    options = {key: one.writer.options[key] for key in ("backend", "provider") if key in one.writer.options}
    embedder = open_embedder(one.model(name), cache_size=0, **options)  # type: ignore[arg-type]
    try:
        return np.concatenate([embedder.embed(texts[at : at + PAGE], role) for at in range(0, len(texts), PAGE)])
    finally:
        embedder.close()
