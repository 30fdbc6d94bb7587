"""The way of a change of model on a real Weaviate: under load, each step killed, and people search all the time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from signal import SIGKILL
from typing import Any

import numpy as np
import pytest

from glue.connect_python.sinks.weaviate import WeaviateSink
from glue.embedding import open_embedder
from glue.model_change.declared import embedding_of
from glue.search.posts import PostSearch
from glue.settings import Settings, get_settings
from glue.stores.weaviate.client import MODELS, WeaviateStoreClient
from glue.stores.weaviate.rest import Rest
from glue.stores.weaviate.vectors import VectorsOf
from glue.transforms.contract import Record
from glue.transforms.embed import Embed
from tests.waiting import wait_for

POSTS = 1500
RATE = 20  # posts a second that go on changing
CHANCE = random.Random(1)


def mxctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glue", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)


def killed(*arguments: str, when: Callable[[], Any]) -> None:
    """A command that is killed as soon as it has come so far; where it is too fast for that, it has ended."""
    command = [sys.executable, "-m", "glue", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not when():
            time.sleep(0.01)
        running.kill()
        _, errors = running.communicate()
    assert running.returncode in (0, -SIGKILL), errors
    print(
        f"$ mxctl {' '.join(arguments)}\n{'killed' if running.returncode == -SIGKILL else 'ended before'}", flush=True
    )


def done(*arguments: str) -> str:
    found = mxctl(*arguments)
    print(f"$ mxctl {' '.join(arguments)}\n{found.stdout}", flush=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


class Load:
    """What chain and sink do, by their own classes: embeds as the chain's file says, and writes by the sink's options.

    Kafka and Connect are left out: the REST of one connector is answered here, and paused it writes nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self.sent, self._now = settings, 0, threading.Event()
        self.refused: list[str] = []
        self._lock, self.paused = threading.Lock(), False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._threads = [threading.Thread(target=self._run), threading.Thread(target=self._server.serve_forever)]
        self.restart()

    def restart(self) -> None:
        """Take over what the files say."""
        one = embedding_of(self._settings)
        self.config = json.loads(one.sink.read_text())["config"]
        embed, sink = Embed(), WeaviateSink()
        embed.configure({"models": ",".join(one.writer.models)})
        names = (
            "collection.mapping",
            "document.id.strategy",
            "vector.strategy",
            "vector.field.name",
            "vector.dimensions",
        )
        where = {"weaviate.connection.url": self._settings.weaviate, "weaviate.grpc.url": self._settings.weaviate_grpc}
        sink.configure({name: self.config[name] for name in names} | where)
        with self._lock:
            self._embed, self._sink = embed, sink

    def write(self, numbers: Iterable[int]) -> None:
        """New texts of some posts."""
        records = []
        for number in numbers:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            words = " ".join(f"w{CHANCE.randint(1, 199)}" for _ in range(8))
            value = {
                "post_id": str(number),
                "content": words,
                "words": words,
                "platform": "tiktok",
                "collected_at": now,
            }
            records.append(Record("t", str(number), value, partition=0, offset=self.sent))
            self.sent += 1
        with self._lock:
            made = [one for one in self._embed.apply_batch(records) if isinstance(one, Record)]
            assert len(made) == len(records)
            self._sink.put(made, lambda record, error: self.refused.append(str(error)))

    def _run(self) -> None:
        while not self._now.wait(10 / RATE):
            if not self.paused:
                self.write({CHANCE.randrange(POSTS + POSTS // 10) for _ in range(10)})  # some are new

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        load = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                state = "PAUSED" if load.paused else "RUNNING"
                status = {"connector": {"state": state}, "tasks": [{"id": 0, "state": state}]}
                info = {"config": load.config, "tasks": [], "type": "sink"}
                whole = {"weaviate-sink": {"info": info, "status": status}}
                answers = {"config": load.config, "status": status}
                self._answer(answers.get(self.path.rpartition("/")[2], whole))

            def do_PUT(self) -> None:
                with load._lock:  # what is being written is stored
                    load.paused = self.path.endswith("/pause")
                self._answer({})

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._now.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._sink.stop()


class Searches:
    """Somebody who keeps a search open, as the page does, and asks without a pause."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._stop = settings, threading.Event()
        self.errors, self.models, self.longest = list[str](), Counter[str](), 0.0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with PostSearch(self._settings) as search:
            while not self._stop.wait(0.05):
                began = time.monotonic()
                try:
                    found = search.ask(f"w{CHANCE.randint(1, 199)} w{CHANCE.randint(1, 199)}")
                    self.models[found.explanation[0].partition("(")[2].partition("@")[0]] += 1
                    if len(found.posts) != 10:
                        self.errors.append(f"{len(found.posts)} posts")
                except Exception as error:
                    self.errors.append(repr(error))
                self.longest = max(self.longest, time.monotonic() - began)

    def __enter__(self) -> Searches:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.soak
def test_a_change_of_model_under_load_with_every_step_killed_fails_no_search(
    stack: Settings, declared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = get_settings()
    rest = Rest(settings)
    for one in (rest.get("schema") or {})["classes"]:
        rest.send("DELETE", f"schema/{one['class']}", {})
    done("weaviate", "apply")
    target, load = embedding_of(settings).target, Load(settings)
    monkeypatch.setenv("MXCTL_CONNECT", load.address)
    for first in range(0, POSTS, 500):
        load.write(range(first, min(POSTS, first + 500)))
    with (
        WeaviateStoreClient(settings) as client,
        VectorsOf(settings, target.place) as store,
        load,
        Searches(settings) as searches,
    ):
        assert client.size(target) >= POSTS
        identity = embedding_of(settings).model("new").identity

        def collection() -> dict[str, Any]:
            return json.loads(embedding_of(settings).collection.read_text())

        def live(name: str = "SocialPost") -> dict[str, Any]:
            return rest.get(f"schema/{name}") or {}

        done("embedding", "plan", "new")
        killed("embedding", "add", "new", when=lambda: "new" in collection()["vectorConfig"])
        done("embedding", "add", "new")
        killed("weaviate", "apply", when=lambda: "new" in live()["vectorConfig"])
        done("weaviate", "apply")
        load.restart()
        for most in (0.05 * POSTS, 0.4 * POSTS, 0.7 * POSTS):
            killed("embedding", "backfill", "new", when=lambda most=most: client.models(target).get(identity, 0) > most)
        done("embedding", "backfill", "new")
        done("embedding", "compare", "old", "new")
        killed("embedding", "switch", "new", when=lambda: collection()["$search"]["vector"] == "new")
        done("embedding", "switch", "new")
        wait_for(lambda: searches.models["new"], lambda asked: asked > 20, seconds=300, what="searches by new")
        done("embedding", "switch", "old")
        done("embedding", "switch", "new")
        killed("embedding", "drop", "old", "-y", when=lambda: "old" not in embedding_of(settings).writer.models)
        while "old" in collection()["vectorConfig"]:
            done("embedding", "drop", "old", "-y")
        load.restart()
        killed("embedding", "drop", "old", "-y", when=lambda: live("SocialPost_2"))
        killed("embedding", "drop", "old", "-y", when=lambda: load.paused)
        killed("embedding", "drop", "old", "-y", when=lambda: live()["class"] == "SocialPost_2")
        done("embedding", "drop", "old", "-y")
        asked = searches.models["new"]
        wait_for(lambda: searches.models["new"], lambda now: now > asked + 20, seconds=300, what="searches after")
        assert store.lacking(identity) == 0 and client.models(target).keys() == {identity}
    print(f"searches: {dict(searches.models)}, the longest {searches.longest:.1f} s; posts written: {load.sent}")
    assert searches.errors == [] and load.refused == []
    assert [one["class"] for one in (rest.get("schema") or {})["classes"]] == ["SocialPost_2"]
    _every_vector_is_of_its_own_text(settings)


def _every_vector_is_of_its_own_text(settings: Settings) -> None:
    one = embedding_of(settings)
    model = one.model("new")
    embedder, seen = open_embedder(model, cache_size=0), 0
    with VectorsOf(settings, one.target.place) as store:
        place = str((store.schema() or {})["class"])
        for page in store.whole(place, 500):
            texts = [found["properties"]["content"] for found in page[::10]]
            have = np.array([found["vectors"]["new"] for found in page[::10]])
            assert np.abs(embedder.embed(texts) - have).max() < 1e-4
            assert all(found["properties"][MODELS] == [model.identity] for found in page)
            seen += len(page)
    assert seen >= POSTS
