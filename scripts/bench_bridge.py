"""What Python inside Kafka Connect costs: per record for a transform, per batch for the Weaviate sink.

The transform is timed by a Java program that calls the plugin as a worker does, in rounds that alternate with the bare
round trip of the same bytes over the same socket, with the same SMT in Java, and with none: ratios within a run hold on
a noisy machine, microseconds do not. The sink is timed against weaviate-client called directly with the same
objects; it needs a running Weaviate (``mxctl local up``).
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import uuid
from pathlib import Path
from typing import Any

from bench_java import java
from bench_report import Row

ROOT = Path(__file__).resolve().parents[1]
SCRUB = "glue.transforms.scrub:ScrubPII"
_DIMENSIONS = 384


def _java(main: str, what: str, records: int, rounds: int) -> dict[str, list[int]]:
    """Nanoseconds a record of each measurement of a Java program, a value a round."""
    source = ROOT / "deploy" / "connect-python"
    with java(source / "src", source / "bench") as program:
        command = [*program, f"bd.millionx.connect.{main}", what, str(records), str(rounds)]
        env = {**os.environ, "MILLIONX_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "scripts")}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    found: dict[str, list[int]] = {}
    for line in done.stdout.splitlines():
        name, nanos, size = line.split()
        found.setdefault(name, []).append(int(nanos))
        found["bytes"] = [int(size)]
    return found


def transforms(records: int, rounds: int) -> dict[str, Any]:
    """Microseconds a record, and the ratio to the bare round trip: of each measurement the best round, since whatever
    else a machine does only adds to it.
    """
    raw = _java("BridgeBench", SCRUB, records, rounds)
    best = {name: min(raw[name]) / 1000 for name in ("none", "java", "pack", "bare", "identity", "looking", "python")}
    return {
        "frame_bytes": raw["bytes"][0],
        "us_per_record": {name: round(micros, 2) for name, micros in best.items()},
        "records_per_second": round(1e6 / best["python"]),
        "us_of_the_python_function": best["python"] - best["looking"],
        "us_of_the_bridge_beyond_bare": best["looking"] - best["bare"],
        "bridge_over_bare": best["looking"] / best["bare"],
        "identity_over_bare": best["identity"] / best["bare"],
    }


def in_python() -> float:
    """Microseconds of the host's own work for a record that passes: read the message, call the transform, write."""
    from bench_plugins import Looking

    from glue.connect_python.adapters import TransformAdapter
    from glue.connect_python.schemas import SchemaTable
    from glue.connect_python.wire import Connection, Op, unpack

    names = ("post_id", "platform", "content", "author_username")
    fields = [{"name": name, "type": "string"} for name in names]
    fields += [{"name": name, "type": "long"} for name in ("likes", "comments", "shares", "posted_at")]
    schemas, connection = SchemaTable(), Connection(socket.socket())
    known = schemas.add({"type": "record", "name": "Post", "fields": fields}, schemas[0])
    text = "These winter shoes are warm and cheap, শীতের জুতা দাম কত, delivery took two days, tell them I sent you"
    value = {name: text if name == "content" else "tiktok" for name in names}
    row = known.encode(value | dict.fromkeys(("likes", "comments", "shares", "posted_at"), 12))
    topic, key = "source.social.tiktok", "5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10"
    asked = connection.pack([Op.APPLY, topic, 0, 5, key, known.number, row, [], 1_760_000_000_000])[4:]
    apply = TransformAdapter(Looking(), schemas, True).handlers[Op.APPLY]
    return min(timeit.repeat(lambda: connection.pack(apply(unpack(asked))), number=1000, repeat=50)) * 1000


def gate_alone(count: int = 540, turns: int = 25) -> float:
    """Microseconds of its thread that the gate of a sink takes for a post that it has not seen: the best turn."""
    from bench_glue_load import made_posts

    from glue.avro import load_schema
    from glue.language.words import search_words
    from glue.privacy.scrub import Scrubber
    from glue.transforms.contract import Record
    from glue.transforms.scrub import ScrubPII

    schema, scrub = load_schema(ROOT / "schemas" / "vector_post.avsc"), Scrubber().text
    posts = []
    for number, post in enumerate(made_posts(count)):
        content, tags = scrub(post["content"]), [scrub(tag) for tag in post["hashtags"]]
        posts.append(
            {"platform": "tiktok", "content": content, "words": " ".join(search_words(content)), "hashtags": tags}
            | {"product_mentions": [], "author_username_hash": f"k1:{number % 400:064x}", "language": "bn-Latn"}
            | {"embedding_models": ["e5@0123456789ab", "minilm@0123456789ab"], "embedding_variant": "onnx/fp32"}
            | {"vectors": {"e5": [0.1] * _DIMENSIONS, "minilm": [0.1] * _DIMENSIONS}, "likes": number}
        )
    gate, taken = ScrubPII(), []
    gate.configure({"again": "true"})
    for turn in range(turns):
        records = []
        for number, post in enumerate(posts, turn * count):
            moment = f"2026-11-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{turn:03}Z"
            new = {"post_id": f"7300000{number:012}", "timestamp": moment, "collected_at": moment[:-1] + "+00:00"}
            records.append(Record("sink.weaviate.vectors", "", post | new, schema))
        start = time.thread_time_ns()
        for record in records:
            gate.apply(record)
        taken.append(time.thread_time_ns() - start)
    return min(taken) / count / 1000


def _posts(count: int) -> list[dict[str, Any]]:
    rng = random.Random(7)  # noqa: S311 - data
    return [
        {
            "content": f"winter shoes number {number}",
            "hashtags": ["winter", "shoes"],
            "likes": number,
            "vector": [rng.random() for _ in range(_DIMENSIONS)],
        }
        for number in range(count)
    ]


def sink(count: int, rounds: int) -> dict[str, Any]:
    """Objects a second through the sink's host process, and through weaviate-client called directly."""
    import requests
    from weaviate.classes.data import DataObject

    from glue.settings import get_settings
    from glue.stores.weaviate.client import document_id, open_client

    settings = get_settings()
    name = f"Bench{uuid.uuid4().hex[:8]}"
    posts = _posts(count)
    times: dict[str, list[float]] = {"direct": [], "bridge": []}
    for round_ in range(rounds + 1):
        for way in ("direct", "bridge") if round_ % 2 else ("bridge", "direct"):
            collection = f"{name}{way}{round_}"
            requests.post(
                f"{settings.weaviate}/v1/schema", json={"class": collection, "vectorizer": "none"}, timeout=30
            ).raise_for_status()
            try:
                if way == "direct":
                    with open_client(settings.weaviate, settings.weaviate_grpc, grpc_secure=False) as client:
                        data = client.collections.use(collection).data
                        start = time.perf_counter()
                        for at in range(0, count, 100):
                            data.insert_many(
                                [
                                    DataObject(
                                        uuid=document_id(str(at + n)),
                                        properties={k: v for k, v in post.items() if k != "vector"},
                                        vector=post["vector"],
                                    )
                                    for n, post in enumerate(posts[at : at + 100])
                                ]
                            )
                        taken = time.perf_counter() - start
                else:
                    taken = _through_host(collection, posts, settings.weaviate, settings.weaviate_grpc)
            finally:
                requests.delete(f"{settings.weaviate}/v1/schema/{collection}", timeout=30)
            if round_:  # the first one warms up
                times[way].append(taken)
    ratios = [b / d for b, d in zip(times["bridge"], times["direct"], strict=True)]
    return {
        "objects": count,
        "direct_per_second": round(count / statistics.median(times["direct"])),
        "bridge_per_second": round(count / statistics.median(times["bridge"])),
        "bridge_over_direct_time": round(statistics.median(ratios), 2),
    }


def _through_host(collection: str, posts: list[dict[str, Any]], url: str, grpc: str) -> float:
    """Seconds for a host process to take the posts in frames of 500, as the plugin sends them."""
    from glue.connect_python.wire import Connection, Op, unpack

    props = {
        "weaviate.connection.url": url,
        "weaviate.grpc.url": grpc,
        "collection.mapping": collection,
        "document.id.strategy": "kafka",
        "vector.strategy": "field",
    }
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/s")
        server.listen(1)
        command = [sys.executable, "-m", "glue.connect_python.host", f"{folder}/s"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, stderr=subprocess.DEVNULL) as host:
            ours, _ = server.accept()
            connection = Connection(ours)

            def call(message: list[Any]) -> None:
                connection.send(connection.pack(message))
                reply = unpack(connection.receive() or b"\xc0")
                if not reply or reply[0] != Op.OK or (len(reply) > 1 and reply[1]):
                    raise RuntimeError(str(reply)[:300])

            call([Op.START, "sink", "glue.connect_python.sinks.weaviate:WeaviateSink", props, 0, True, ""])
            call([Op.PUT, [["t", 0, 0, 0, "0", 0, posts[0], [], None]]])  # connects
            start = time.perf_counter()
            for at in range(0, len(posts), 500):
                batch = enumerate(posts[at : at + 500], at)
                call([Op.PUT, [["t", 0, number, 0, str(number), 0, post, [], None] for number, post in batch]])
            taken = time.perf_counter() - start
            call([Op.STOP])
            ours.close()
            host.wait(10)
    return taken


def bridge(records: int, rounds: int) -> list[Row]:
    """The rows of a transform."""
    found = transforms(records, rounds)
    part = f"transform in the worker, frames of {found['frame_bytes']} bytes"
    names = {
        "none": "no SMT",
        "java": "the same SMT in Java",
        "bare": "bare round trip of the same bytes",
        "identity": "Python SMT that does nothing",
        "looking": "the same, which names the fields it looks at",
        "python": "Python ScrubPII",
    }
    rows = [Row(part, name, found["us_per_record"][key], "us/record") for key, name in names.items()]
    return [
        *rows,
        Row(part, "of it: packing in Java", found["us_per_record"]["pack"], "us/record"),
        Row(part, "of it: the host's Python, without the socket", in_python(), "us/record"),
        Row(part, "of it: the Python function", found["us_of_the_python_function"], "us/record"),
        Row(part, "of it: the bridge beyond the bare round trip", found["us_of_the_bridge_beyond_bare"], "us/record"),
        Row(part, "Python ScrubPII", found["records_per_second"], "records/s"),
        Row(part, "ScrubPII less its function / bare round trip", found["bridge_over_bare"], aim=1.5, at_most=True),
        Row(part, "Python SMT that does nothing / bare round trip", found["identity_over_bare"]),
    ]


def gate(records: int, rounds: int) -> list[Row]:
    """What the privacy gate costs a sink of posts with two vectors: before it, and inside it."""
    raw = _java("GateBench", str(ROOT / "schemas"), records, rounds)
    best = {name: min(raw[name]) / 1000 for name in ("open", "inside", "before")}
    part = f"privacy gate of a sink in Python, posts with two vectors of {_DIMENSIONS}"
    return [
        Row(part, "the sink without a gate", best["open"], "us/record"),
        Row(part, "the gate inside the sink adds", best["inside"] - best["open"], "us/record"),
        Row(part, "the gate as a transform before it adds", best["before"] - best["open"], "us/record"),
        Row(part, "the gate alone, of its thread", gate_alone(), "us/record"),
    ]


def rows_gate(records: int, rounds: int) -> list[Row]:
    """What the privacy gate costs before a sink of orders in Java."""
    raw = _java("RowsBench", str(ROOT / "schemas"), records, rounds)
    best = {name: min(raw[name]) / 1000 for name in ("shown", "passing", "bare")}
    part = f"privacy gate before a sink of orders, frames of {raw['bytes'][0]} bytes"
    return [
        Row(part, "bare round trip of the same bytes", best["bare"], "us/record"),
        Row(part, "each record shown to the gate", best["shown"], "us/record"),
        Row(part, "those shown that hold a text without a form for the first time", best["passing"], "us/record"),
        Row(part, "the same / bare round trip", best["passing"] / best["bare"], aim=1.5, at_most=True),
    ]


def weaviate_sink(count: int, rounds: int) -> list[Row]:
    """The rows of the sink."""
    found = sink(count, rounds)
    part = f"Weaviate sink, {count} objects"
    return [
        Row(part, "weaviate-client called directly", found["direct_per_second"], "objects/s"),
        Row(part, "through the host process", found["bridge_per_second"], "objects/s"),
        Row(part, "time: through the host / direct", found["bridge_over_direct_time"], aim=1.2, at_most=True),
    ]
