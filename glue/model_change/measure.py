"""What a change of model costs, measured on posts of the collection, and how two models answer the same questions."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

from glue.embedding import open_embedder
from glue.embedding.declared import Model
from glue.errors import UsageError
from glue.model_change.backfill import PAGE, Embedders
from glue.model_change.declared import Embedding
from glue.stores.weaviate.client import WeaviateStoreClient
from glue.stores.weaviate.vectors import VectorsOf

FIRST = 10
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
    texts = [found.text for found in store.sample(PAGE) if found.text.strip()]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    embedders.embed(model.name, ["warm"])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    began = time.process_time()
    embedders.embed(model.name, texts)
    spent = (time.process_time() - began) * 1000 / max(1, len(texts))
    posts, width = client.size(one.target), 4 * model.dimensions
    return Cost(
        posts,
        client.unembedded(one.target, model.identity),
        spent,
        len(texts),
        grown // 1024,
        posts * (width + _LINKS) // _MIB,
        posts * (2 * width + _LINKS) // _MIB,
    )


def overlap(one: Embedding, names: tuple[str, str], store: VectorsOf, posts: int) -> float:
    """Share of the first ten posts that two models find in common, when each of some posts is asked for as a question.

    Raises:
        UsageError: the chain does not write one of them, or there are no posts.
    """
    questions = [found for found in store.sample(posts) if found.text.strip()]
    if not questions:
        raise UsageError("compare", "the collection holds no posts", "wait for some")
    options = {key: one.writer.options[key] for key in ("backend", "provider") if key in one.writer.options}
    answers = []
    for name in names:
        embedder = open_embedder(one.writes(name), cache_size=0, **options)  # type: ignore[arg-type]
        vectors = embedder.embed([found.text for found in questions], "query")
        embedder.close()
        answers.append(
            [
                set([found for found in store.nearest(vector.tolist(), name, FIRST + 1) if found != asked.id][:FIRST])
                for asked, vector in zip(questions, vectors, strict=True)
            ]
        )
    pairs = list(zip(*answers, strict=True))
    return sum(len(first & second) for first, second in pairs) / (FIRST * len(pairs))
