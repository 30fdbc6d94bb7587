"""What bounds Weaviate: objects a second, its processor time and recall@10, by settings of the vector index.

    python scripts/bench_vectors.py [--objects 20000] [--rounds 3] [--variant NAME]… [-o json]

A Weaviate of its own, asynchronous indexing off and on, gets the objects of the declared collection: posts made of
pairs of the texts that search is tested with. A post's vector is the mean of its texts' e5 vectors with noise that
moves it as far as the vector of the joined text is away (0.96 of cosine; measured on 200 pairs), and both names get it.
Rounds take the variants in turns, each in the reverse order of the one before. Recall is of the ten nearest of exact
search, by distance, so that equal texts count as one another. The time ends when the index holds everything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

from glue.embedding import open_embedder
from glue.local import process
from glue.local.part import Site
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.local.weaviate import Weaviate
from glue.settings import Settings, get_settings, project_root
from glue.stores.weaviate.client import document_id, open_client
from glue.stores.weaviate.rest import Rest
from glue.stores.weaviate.schema import declared
from glue.stores.weaviate.vectors import VectorsOf

ROOT = project_root()
NAMES = ("e5", "minilm")  # the first is the one that searches ask
FIRST, NOISE = 10, 0.275


class Variant(NamedTuple):
    """What differs from the declared collection.

    Attributes:
        index: settings of the graphs. second: type and settings of the second one's index. names: vectors there are.
        batch: objects a request. rest: by REST in place of gRPC.
    """

    index: Mapping[str, Any] = {}
    second: tuple[str, Mapping[str, Any]] | None = None
    names: tuple[str, ...] = NAMES
    batch: int = 100
    rest: bool = False

    def body(self, name: str) -> dict[str, Any]:
        """Of the collection, under another name."""
        (body,) = (one for one in declared(get_settings().config_dir / "weaviate") if one["class"] == "SocialPost")
        vectors = {one: body["vectorConfig"][one] for one in self.names}
        for vector in vectors.values():
            vector["vectorIndexConfig"] |= self.index if vector["vectorIndexType"] == "hnsw" else {}
        if self.second:
            kind, index = self.second
            vectors[NAMES[1]] |= {"vectorIndexType": kind, "vectorIndexConfig": {"distance": "cosine", **index}}
        return body | {"class": name, "vectorConfig": vectors}


_BITS, _BEFORE = {"rq": {"enabled": True, "bits": 8}}, {"efConstruction": 128, "maxConnections": 32}
VARIANTS = {
    "declared": Variant(),
    "as before": Variant(_BEFORE | {"dynamicEfMin": 100}, second=("hnsw", _BEFORE)),
    "two graphs": Variant(second=("hnsw", {"efConstruction": 64, "maxConnections": 32, "dynamicEfMin": 200})),
    "construction 128": Variant({"efConstruction": 128}),
    "16 neighbours": Variant({"maxConnections": 16}),
    "narrow searches": Variant({"dynamicEfMin": 100}),
    "8-bit (RQ)": Variant(_BITS),
    "second dynamic": Variant(second=("dynamic", {"threshold": 10_000})),  # with asynchronous indexing alone
    "one vector": Variant(names=NAMES[:1]),
    "no vectors": Variant(names=()),
    "batches of 500": Variant(batch=500),
    "by REST": Variant(rest=True),
}


class Server(Weaviate):
    """The local stack's, with variables of the environment of its own."""

    def __init__(self, **variables: str) -> None:
        self._variables = variables

    def _env(self, site: Site) -> dict[str, str]:
        return super()._env(site) | self._variables


def texts() -> tuple[list[str], list[str]]:
    """What posts are made of, and the questions."""
    topics = json.loads((ROOT / "tests" / "data" / "search_topics.json").read_text(encoding="utf-8"))["topics"]
    parts = [text for topic in topics for kind in ("post", "plain_post") for text in topic[kind].values()]
    return parts, [q for topic in topics for many in topic["query"].values() for q in many]


def embedded(count: int) -> tuple[list[str], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Texts, their vectors and those of the questions; what a model made is kept in ``build/``."""
    parts, questions = texts()
    file = ROOT / "build" / "bench-vectors.npz"
    if not file.exists():
        embedder = open_embedder("e5", cache_size=0)
        try:
            file.parent.mkdir(exist_ok=True)
            made = np.concatenate([embedder.embed(parts[at : at + 64], "passage") for at in range(0, len(parts), 64)])
            np.savez(file, parts=made, questions=embedder.embed(questions, "query"))
        finally:
            embedder.close()
    ones, asked = (np.load(file)[name] for name in ("parts", "questions"))
    chance, noise = random.Random(1), np.random.default_rng(1)  # noqa: S311 - made data
    pairs = list(dict.fromkeys(tuple(chance.sample(range(len(parts)), 2)) for _ in range(2 * count)))[:count]
    made = _unit(np.array([ones[one] + ones[other] for one, other in pairs]))
    made = _unit(made + noise.normal(size=made.shape) * NOISE / np.sqrt(made.shape[1]))
    return [f"{parts[one]} {parts[other]}" for one, other in pairs], made.astype("float32"), asked


def _unit(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def recall(client: Any, name: str, vector: str, load: Any) -> tuple[float, float]:
    """Share of the answers that are as near as the ten nearest, and seconds of a search."""
    _, vectors, questions = load
    nearest = np.sort(questions @ vectors.T, axis=1)[:, -FIRST]
    hits, began = 0, time.perf_counter()
    for question, least in zip(questions, nearest, strict=True):
        answer = client.collections.use(name).query.near_vector(
            question.tolist(),
            limit=FIRST,
            target_vector=vector,
            return_properties=[],
            include_vector=[vector],
        )
        got = np.array([one.vector[vector] for one in answer.objects])
        hits += int((got @ question >= least - 1e-5).sum())
    return hits / (FIRST * len(questions)), (time.perf_counter() - began) / len(questions)


def measure(server: psutil.Process, variant: Variant, load: Any) -> dict[str, float]:
    """Objects a second until they are indexed, microseconds of the server's processor an object, recall, MB."""
    posts, vectors, _ = load
    settings = get_settings()
    rest, name, batch = Rest(settings), f"Bench{uuid.uuid4().hex[:8]}", variant.batch
    rest.send("POST", "schema", variant.body(name))
    objects = [
        {
            "class": name,
            "id": str(document_id(f"{name}-{number}")),
            "properties": {"content": text, "platform": "tiktok", "likes": number, "post_id": str(number)},
            "vectors": dict.fromkeys(variant.names, vector),
        }
        for number, (text, vector) in enumerate(zip(posts, vectors.tolist(), strict=True))
    ]
    with open_client(settings.weaviate, settings.weaviate_grpc, grpc_secure=False) as client:
        insert = _by_rest(settings, name) if variant.rest else _by_grpc(client, name)
        began, spent = time.perf_counter(), sum(server.cpu_times()[:2])
        for at in range(0, len(objects), batch):
            insert(objects[at : at + batch])
        stored = time.perf_counter() - began
        while _queued(rest, name):
            time.sleep(0.05)
        took, cpu = time.perf_counter() - began, sum(server.cpu_times()[:2]) - spent
        count, found = len(objects), {}
        for vector in variant.names if variant.second else variant.names[:1]:
            found[f"recall of {vector}"], found[f"ms a search, {vector}"] = recall(client, name, vector, load)
            found[f"ms a search, {vector}"] *= 1000
    found |= {"indexed": count / took, "stored": count / stored, "cpu": cpu / count * 1e6}
    found["rss"] = server.memory_info().rss / 1e6
    rest.send("DELETE", f"schema/{name}", {})
    rest.close()
    return found


def _by_grpc(client: Any, name: str) -> Callable[[list[dict[str, Any]]], None]:
    from weaviate.classes.data import DataObject

    def insert(objects: list[dict[str, Any]]) -> None:
        made = [DataObject(uuid=one["id"], properties=one["properties"], vector=one["vectors"]) for one in objects]
        if (refused := client.collections.use(name).data.insert_many(made)).has_errors:
            raise SystemExit(str(refused.errors)[:500])

    return insert


def _by_rest(settings: Settings, name: str) -> Callable[[list[dict[str, Any]]], None]:
    return VectorsOf(settings, name).put


def _queued(rest: Rest, name: str) -> int:
    nodes = rest.get("nodes?output=verbose") or {}
    shards = [shard for node in nodes.get("nodes", []) for shard in node.get("shards") or () if shard["class"] == name]
    return sum(shard.get("vectorQueueLength", 0) for shard in shards)


def run(rounds: int, only: list[str], load: Any, **variables: str) -> dict[str, dict[str, list[float]]]:
    """Every variant on a server with these variables: median, least and most of the rounds."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS if not only or name in only}
    with tempfile.TemporaryDirectory(prefix="millionx-bench-") as folder:
        os.environ["MXCTL_STATE_DIR"] = folder
        get_settings.cache_clear()
        stack = Stack(Path(folder), Reporter(quiet=True), [Server(**variables)])
        try:
            stack.up(services=False)
            get_settings.cache_clear()
            server = process.find(stack.site().state.part("weaviate"))
            assert server is not None  # noqa: S101
            for number in range(rounds):
                for name in found if number % 2 == 0 else reversed(found):
                    found[name].append(measure(server, VARIANTS[name], load))
                    print(f"  {variables} {name}: {found[name][-1]}", file=sys.stderr)
        finally:
            stack.down()
    return {name: {key: _spread([one[key] for one in many]) for key in many[0]} for name, many in found.items() if many}


def _spread(values: list[float]) -> list[float]:
    return [round(one, 3) for one in (statistics.median(values), min(values), max(values))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", action="append", default=[], choices=VARIANTS)
    parser.add_argument("--indexing", choices=["with", "without", "both"], default="both", help="asynchronous indexing")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    load = embedded(options.objects)
    ways = {"without": {}, "with": {"ASYNC_INDEXING": "true"}}
    chosen = ways if options.indexing == "both" else {options.indexing: ways[options.indexing]}
    report = {way: run(options.rounds, options.variant, load, **variables) for way, variables in chosen.items()}
    if options.output == "json":
        print(json.dumps({"load": os.getloadavg()[0], **report}))
        return 0
    for way, variants in report.items():
        print(f"\n{way} asynchronous indexing: median [least to most]; load {os.getloadavg()[0]:.1f}")
        for name, figures in variants.items():
            texts_ = [f"{key} {m:,.3g} [{low:,.3g} to {high:,.3g}]" for key, (m, low, high) in figures.items()]
            print(f"  {name:<40}" + "  ".join(texts_))
    return 0


if __name__ == "__main__":
    sys.exit(main())
