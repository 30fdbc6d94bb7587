"""A person is planted in every input, and looked for, by bytes, in all that the pipeline wrote or answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
import requests

from glue.kafka.config import KafkaConfig
from glue.kafka.produce import Sender
from glue.kafka.reads import group_offsets, read_topics
from glue.pipeline.routes import Pipeline
from glue.settings import Settings, state_dir
from glue.stores.weaviate.client import document_id
from glue.topology.load import load
from tests.e2e.planted import RAW, Person, Site, injected, through_webhooks, typed, without_token
from tests.stores import ask
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TABLES = ("ORDERS", "PRICE_HISTORY")
Outputs = Iterator[tuple[str, bytes]]


def _mxctl(*arguments: str, **env: str) -> bytes:
    command = [sys.executable, "-m", "glue", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=300, check=False, env={**os.environ, **env})
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-2000:]
    return done.stdout + done.stderr


def _through_pages(person: Person, folder: Path) -> Iterator[bytes]:
    """A site's pages in a browser, its API, and the pages again when no selector fits; what the runs say."""
    with Site(person, int(uuid4().hex[:7], 16)).running() as site:
        env = {"MXCTL_SANDBOX": site.address}
        by_pages = {**env, "MXCTL_CONFIG_DIR": str(without_token(folder))}
        runs = [("facebook", env)]
        if any(map(shutil.which, _BROWSERS)) or any(Path.home().glob(".cache/ms-playwright/chromium*")):
            runs += [("tiktok", env), ("facebook", by_pages)]
        for source, own in runs:
            told = _mxctl("run", source, "--once", "-o", "json", **own)
            result = json.JSONDecoder().raw_decode(told.decode())[0]
            assert sum(result["records"].values()), told
            yield told
        site.changed = True
        for source, own in runs[1:]:
            told = _mxctl("run", source, "--once", **own)
            assert b"-changed.html" in told, told
            yield told


def _outputs(settings: Settings) -> Outputs:
    """Name and bytes of everything that was written or is answered."""
    folder = state_dir()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in (".jar", ".jsa", ".lst", ".part"):
            yield f"file {file.relative_to(folder)}", file.read_bytes().rstrip(b"\0")  # index files are mostly empty
    kafka = KafkaConfig.of(settings)
    topics = sorted(kafka.admin({}).list_topics(timeout=30).topics)  # as records: their batches are compressed on disk
    for topic, message in read_topics(kafka, topics, committed=False):
        headers = b"\n".join(name.encode() + b"=" + (value or b"") for name, value in message.headers() or [])
        yield f"topic {topic}", b"\n".join((message.key() or b"", message.value() or b"", headers))
    parts = json.loads((folder / "state.json").read_text())["parts"]
    ports = [
        (name, port)
        for name, part in parts.items()
        for kind, port in part["ports"].items()
        if kind in ("http", "metrics")
    ]
    for name, port in ports:
        for path in ("", "metrics", "health", "api/state", *(f"api/records/{topic}" for topic in RAW)):
            try:
                yield f"http {name} /{path}", requests.get(f"http://127.0.0.1:{port}/{path}", timeout=30).content
            except requests.RequestException:
                continue  # a part that does not speak HTTP here
    yield "weaviate", requests.get(f"{settings.weaviate}/v1/objects?limit=10000", timeout=60).content
    store = redis.Redis.from_url(settings.redis)
    for key in store.scan_iter():
        value = store.get(key) if store.type(key) == b"string" else b""
        yield "redis", b"\n".join((key, store.dump(key) or b"", value or b""))  # type: ignore[arg-type]
    for line in ("plan", "history", "dlq list --state all", "dlq show --state all --contents", "doctor", "keys list"):
        yield f"mxctl {line}", _mxctl(*line.split())


def _all_read(settings: Settings) -> None:
    """Wait until chains and sinks have read all that is in their topics."""
    kafka, pipeline = KafkaConfig.of(settings), Pipeline.of(load(settings))
    topics = sorted({topic for route in pipeline.routes for topic in route.topics})

    def behind() -> list[tuple[str, str]]:
        last: dict[tuple[str, int], int] = {}
        for topic, message in read_topics(kafka, topics):
            last[topic, message.partition()] = message.offset()
        done = {part.group: group_offsets(kafka.admin({}), part.group) for t in topics for part in pipeline.readers(t)}
        return [
            (part.name, at[0]) for at, offset in last.items() for part in pipeline.readers(at[0])
            if done[part.group].get(at, 0) <= offset
        ]  # fmt: skip

    wait_for(behind, lambda left: not left, what="chains and sinks")


def _letters(settings: Settings) -> int:
    return sum(1 for _ in read_topics(KafkaConfig.of(settings), ["dead-letters-social"]))


def _plant(settings: Settings, folder: Path) -> tuple[Person, Person, list[tuple[str, bytes]]]:
    """Who types and is read, who is written straight to a raw topic, and what the inputs' programs said."""
    mark, person, other = uuid4().hex[:10], Person(), Person()
    said = []
    for source, file, bad in typed(person, folder, mark):
        told = _mxctl("ingest", str(file), "--source", source, "--wait", "-o", "json")
        assert json.JSONDecoder().raw_decode(told.decode())[0]["dead_letters"] == bad, told
        said.append(("mxctl ingest", told.replace(str(file).encode(), b"FILE")))  # as the user named it
    said.append(("mxctl webhook serve", through_webhooks(person, mark)))
    said += [("mxctl run", told) for told in _through_pages(person, folder)]
    _all_read(settings)
    before, records = _letters(settings), injected(other, settings, mark)
    Sender(KafkaConfig.of(settings)).send(records)
    wait_for(lambda: _letters(settings) - before, lambda more: more >= len(records) - 1)
    good = f"{settings.weaviate}/v1/objects/SocialPost/{document_id((records[0].key or b'').decode())}"
    wait_for(lambda: requests.get(good, timeout=30).ok, what="the good one in its collection")
    return person, other, said


def _none_is_left(person: Person, other: Person, outputs: Outputs) -> None:
    found: set[str] = set()
    bytes_seen = 0
    theirs, ours = other.patterns(), person.patterns()
    for name, data in outputs:
        bytes_seen += len(data)
        is_raw = name.startswith((f"topic {RAW[0]}", f"file kafka/data/{RAW[0]}-"))
        for patterns, who in ((ours, "typed"), ({} if is_raw else theirs, "injected")):
            found |= {f"{who} {kind} in {name}" for pattern, kind in patterns.items() if pattern in data}
    assert bytes_seen > 1_000_000
    assert not found, "\n".join(sorted(found))


def test_no_byte_of_a_person_is_left_anywhere(pipeline: Settings, tmp_path: Path) -> None:
    person, other, said = _plant(pipeline, tmp_path)

    def outputs() -> Outputs:
        yield from said
        yield from _outputs(pipeline)
        for table in _TABLES:
            yield f"table {table}", repr(ask(f"select * from MILLIONX.RAW_DATA.{table}", (), pipeline).rows).encode()

    _none_is_left(person, other, outputs())
