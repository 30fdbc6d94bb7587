"""Embedding: how near it comes to what a core can compute, what two cores give, and sentence-transformers beside it."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's matrices measure one core

import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from bench_glue_load import made_posts
from bench_report import Row

from glue.embedding import open_embedder
from glue.embedding.contract import Embedder
from glue.embedding.declared import declared_models, load_model
from glue.embedding.onnx import OnnxEmbedder
from glue.embedding.weights import find_weights
from glue.errors import ConfigError
from glue.settings import cache_dir

_TURNS = 5
_SIDE = 1024  # of the square matrices whose product is the peak
Clock = Callable[[], float]


def embedding() -> list[Row]:
    """Each declared model: speed, latency, share of the peak, cores; then what the cache adds, and torch."""
    texts = [text for text in (post["content"] for post in made_posts(600)) if len(text) <= 300][:160]
    names = list(declared_models())
    both = [open_embedder(name, cache_size=0) for name in names]
    rows = [row for name, embedder in zip(names, both, strict=True) for row in _model(name, embedder, texts)]
    with ThreadPoolExecutor(len(both)) as pool:  # as the transform does
        times = [_once(lambda text=text: list(pool.map(lambda one: one.embed([text]), both))) for text in texts]  # type: ignore[misc]
    p95 = _quantile(times, 95)
    rows.append(Row("embedding", f"one post by {' and '.join(names)}, P95", p95 * 1000, "ms", 100.0, at_most=True))
    return [*rows, *_cache(names[0], texts), *(row for name in names for row in _torch(name, texts))]


def _model(name: str, embedder: Embedder, texts: Sequence[str]) -> list[Row]:
    one = OnnxEmbedder(load_model(name), threads=1, cache_size=0)
    layers = find_weights(one.declared, cache_dir() / "embedding").shape().layers
    work = sum(_operations(len(ids), one.declared.dimensions, layers) for ids in one.tokens(texts))
    square = np.random.default_rng(1).random((_SIDE, _SIDE), dtype=np.float32)
    single, full, peaks, shares, gains = [], [], [], [], []
    one.embed(texts[:16])
    embedder.embed(texts[:16])
    for _ in range(_TURNS):
        peaks.append(10 * 2 * _SIDE**3 / _once(lambda: [square @ square for _ in range(10)], time.process_time))
        shares.append(work / _once(lambda: one.embed(texts), time.process_time) / peaks[-1])
        single.append(_once(lambda: one.embed(texts)))
        full.append(_once(lambda: embedder.embed(texts)))
        gains.append(single[-1] / full[-1])
    times = [_once(lambda text=text: embedder.embed([text])) for text in texts]  # type: ignore[misc]
    cores = os.cpu_count() or 1
    return [
        Row("embedding", f"{name}: {len(texts)} posts", len(texts) / statistics.median(full), "posts/s"),
        Row("embedding", f"{name}: one post, P50", _quantile(times, 50) * 1000, "ms"),
        Row("embedding", f"{name}: one post, P95", _quantile(times, 95) * 1000, "ms", 100.0, at_most=True),
        _ratio(f"{name}: share of a core's SGEMM peak", shares, 0.8 if layers < 12 else 0.7),
        _ratio(f"{name}: {cores} cores / one", gains, 0.95 * cores),
        Row("embedding", f"{name}: the peak itself", statistics.median(peaks) / 1e9, "Gflop/s"),
    ]


def _operations(tokens: int, width: int, layers: int) -> int:
    """Additions and multiplications of a BERT's matrix products for one text without padding: four square matrices and
    a network four times as wide, a layer and token, and the two products of attention."""
    return 2 * layers * tokens * (4 * width * width + 2 * 4 * width * width + 2 * tokens * width)


def _cache(name: str, texts: Sequence[str]) -> list[Row]:
    chance = random.Random(1)  # noqa: S311 - made data
    repeated = [chance.choice(texts[:80]) for _ in texts]  # each text twice or so, as shares and reposts come
    plain, ratios = open_embedder(name, cache_size=0), []
    for _ in range(3):
        cached = open_embedder(name)
        without = _once(lambda: [plain.embed([text]) for text in repeated])
        ratios.append(without / _once(lambda: [cached.embed([text]) for text in repeated]))  # noqa: B023 - run at once
    what = f"{name}: {len(set(repeated))} texts in {len(repeated)} posts: cache / none"
    return [_ratio(what, ratios)]


def _torch(name: str, texts: Sequence[str]) -> list[Row]:
    """Both take what cores there are, in turns; nothing where it is not installed or does not read the weights."""
    try:
        theirs, ours = open_embedder(name, "torch", cache_size=0), open_embedder(name, cache_size=0)
    except ConfigError:
        return []
    alone, many = [], []
    cosine = float((theirs.embed(texts) * ours.embed(texts)).sum(axis=1).min())
    for _ in range(_TURNS):
        halves = [
            [_once(lambda text=text, by=by: by.embed([text])) for text in texts[:40]]  # type: ignore[misc]
            for by in (theirs, ours)
        ]
        alone.append(statistics.median(halves[0]) / statistics.median(halves[1]))
        many.append(_once(lambda: theirs.embed(texts)) / _once(lambda: ours.embed(texts)))
    beside = "onnxruntime / sentence-transformers"
    return [
        _ratio(f"{name}: P50 of one post: {beside}", alone, 3),
        _ratio(f"{name}: throughput: {beside}", many, 1.5),
        Row("embedding", f"{name}: smallest cosine to sentence-transformers", cosine, "", 0.9999),
    ]


def _once(work: Callable[[], Any], clock: Clock = time.perf_counter) -> float:
    started = clock()
    work()
    return clock() - started


def _quantile(times: Sequence[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def _ratio(what: str, ratios: Sequence[float], aim: float | None = None) -> Row:
    return Row("embedding", what, statistics.median(ratios), aim=aim, rounds=(min(ratios), max(ratios)))
