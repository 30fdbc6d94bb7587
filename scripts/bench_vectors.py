"""What bounds Weaviate: objects a second, its processor time and recall@10, by settings of the vector index.

    python scripts/bench_vectors.py [--objects 5000] [--rounds 3] [--variant NAME]… [-o json]

A Weaviate of its own, asynchronous indexing off and on, gets the objects of the declared collection: posts made of
pairs of the texts that search is tested with, each with its e5 vector under both names. Rounds take the variants in
turns, each in the reverse order of the one before. Recall is of the ten nearest of exact search, by distance, so that
equal texts count as one another. The time ends when the index holds everything.
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
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from glue.embedding import open_embedder
from glue.local import process
from glue.local.part import Site
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.local.weaviate import Weaviate
from glue.settings import get_settings, project_root
from glue.stores.weaviate.client import document_id, open_client
from glue.stores.weaviate.rest import Rest

ROOT = project_root()
NAMES = ("e5", "minilm")
BATCH, FIRST = 100, 10
# settings of the vector index beside the declared ones; with the size of a batch where that is another
VARIANTS: dict[str, tuple[dict[str, Any], int]] = {
    "declared": ({}, BATCH),
    "construction 64": ({"efConstruction": 64}, BATCH),
    "construction 64, 16 neighbours": ({"efConstruction": 64, "maxConnections": 16}, BATCH),
    "construction 32, 16 neighbours": ({"efConstruction": 32, "maxConnections": 16}, BATCH),
    "8-bit (RQ)": ({"rq": {"enabled": True, "bits": 8}}, BATCH),
    "8-bit, construction 64, 16 neighbours": (
        {"rq": {"enabled": True, "bits": 8}, "efConstruction": 64, "maxConnections": 16},
        BATCH,
    ),
    "batches of 500": ({}, 500),
}


class Server(Weaviate):
    """The local stack's, with variables of the environment of its own."""

    def __init__(self, **variables: str) -> None:
        self._variables = variables

    def _env(self, site: Site) -> dict[str, str]:
        return super()._env(site) | self._variables


def texts(count: int) -> tuple[list[str], list[str]]:
    """Posts, each of two texts, and the questions."""
    topics = json.loads((ROOT / "tests" / "data" / "search_topics.json").read_text(encoding="utf-8"))["topics"]
    parts = [text for topic in topics for kind in ("post", "plain_post") for text in topic[kind].values()]
    chance = random.Random(1)  # noqa: S311 - made data
    pairs = list(dict.fromkeys(tuple(chance.sample(parts, 2)) for _ in range(2 * count)))[:count]
    return [" ".join(pair) for pair in pairs], [q for topic in topics for many in topic["query"].values() for q in many]


def embedded(count: int) -> tuple[list[str], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Texts, their vectors and those of the questions; kept in ``build/`` since they take minutes."""
    posts, questions = texts(count)
    file = ROOT / "build" / f"bench-vectors-{count}.npz"
    if not file.exists():
        embedder = open_embedder("e5", cache_size=0)
        try:
            parts = [posts[at : at + 64] for at in range(0, len(posts), 64)]
            made = np.concatenate([embedder.embed(part, "passage") for part in parts])
            file.parent.mkdir(exist_ok=True)
            np.savez(file, posts=made, questions=embedder.embed(questions, "query"))
        finally:
            embedder.close()
    found = np.load(file)
    return posts, found["posts"], found["questions"]


def recall(client: Any, name: str, vectors: np.ndarray[Any, Any], questions: np.ndarray[Any, Any]) -> float:
    """Share of the answers that are as near as the ten nearest."""
    nearest = np.sort(questions @ vectors.T, axis=1)[:, -FIRST]
    hits = 0
    for question, least in zip(questions, nearest, strict=True):
        answer = client.collections.use(name).query.near_vector(
            question.tolist(),
            limit=FIRST,
            target_vector=NAMES[0],
            return_properties=[],
            include_vector=[NAMES[0]],
        )
        got = np.array([one.vector[NAMES[0]] for one in answer.objects])
        hits += int((got @ question >= least - 1e-5).sum())
    return hits / (FIRST * len(questions))


def measure(server: psutil.Process, change: dict[str, Any], batch: int, load: Any) -> dict[str, float]:
    """Objects a second until they are indexed, microseconds of the server's processor an object, recall, MB."""
    from weaviate.classes.data import DataObject

    posts, vectors, questions = load
    settings = get_settings()
    rest, name = Rest(settings), f"Bench{uuid.uuid4().hex[:8]}"
    body = json.loads((settings.config_dir / "weaviate" / "SocialPost.json").read_text())
    body = {key: value for key, value in body.items() if not key.startswith("$")} | {"class": name}
    for one in NAMES:
        body["vectorConfig"][one]["vectorIndexConfig"] |= change
    rest.send("POST", "schema", body)
    objects = [
        DataObject(
            uuid=document_id(f"{name}-{number}"),
            properties={"content": text, "platform": "tiktok", "likes": number, "post_id": str(number)},
            vector=dict.fromkeys(NAMES, vector),
        )
        for number, (text, vector) in enumerate(zip(posts, vectors.tolist(), strict=True))
    ]
    with open_client(settings.weaviate, settings.weaviate_grpc, grpc_secure=False) as client:
        collection = client.collections.use(name)
        began, spent = time.perf_counter(), sum(server.cpu_times()[:2])
        for at in range(0, len(objects), batch):
            if (refused := collection.data.insert_many(objects[at : at + batch])).has_errors:
                raise SystemExit(str(refused.errors)[:500])
        stored = time.perf_counter() - began
        while _queued(rest, name):
            time.sleep(0.05)
        took, cpu = time.perf_counter() - began, sum(server.cpu_times()[:2]) - spent
        found = recall(client, name, vectors, questions)
    resident = server.memory_info().rss / 1e6
    rest.send("DELETE", f"schema/{name}", {})
    count = len(objects)
    return {
        "indexed": count / took, "stored": count / stored, "cpu": cpu / count * 1e6, "recall": found, "rss": resident,
    }  # fmt: skip


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
                    found[name].append(measure(server, *VARIANTS[name], load))
                    print(f"  {variables} {name}: {found[name][-1]}", file=sys.stderr)
        finally:
            stack.down()
    return {name: {key: _spread([one[key] for one in many]) for key in many[0]} for name, many in found.items() if many}


def _spread(values: list[float]) -> list[float]:
    return [round(one, 3) for one in (statistics.median(values), min(values), max(values))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", action="append", default=[], choices=VARIANTS)
    parser.add_argument("--indexing", choices=["with", "without", "both"], default="both", help="asynchronous indexing")
    parser.add_argument("--only-embed", action="store_true", help="make the vectors that later runs take")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    load = embedded(options.objects)
    if options.only_embed:
        return 0
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
