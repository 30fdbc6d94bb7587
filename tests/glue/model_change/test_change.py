"""A change of model on a real Weaviate: posts that change, and go, while it runs; a run that dies; a vector dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import numpy as np
import pytest

from glue.embedding import open_embedder
from glue.model_change import rebuild
from glue.model_change.backfill import Backfill, Embedders
from glue.model_change.declared import Embedding, add, ask, drop, embedding_of
from glue.model_change.measure import cost, overlap
from glue.search.posts import PostSearch
from glue.settings import Settings, get_settings
from glue.stores.weaviate import schema
from glue.stores.weaviate.client import LAST_MS, MODELS, VARIANT, WeaviateStoreClient, document_id
from glue.stores.weaviate.rest import Rest
from glue.stores.weaviate.vectors import Embedded, VectorsOf

pytestmark = pytest.mark.stack
POSTS = 150


class Posts:
    """The collection, written as the sink writes it: whole objects, with the vectors of the models of the chain."""

    def __init__(self, settings: Settings) -> None:
        self.rest, self.texts = Rest(settings), dict[str, str]()

    def write(self, models: list[str], texts: Mapping[int, str]) -> None:
        one = embedding_of(get_settings())
        words, made, identities = list(texts.values()), {}, []
        for name in models:
            embedder = open_embedder(one.model(name), cache_size=0)
            made[name] = embedder.embed(words).tolist()
            identities.append(one.model(name).identity)
        objects = [
            {
                "class": one.target.place,
                "id": str(document_id(str(number))),
                "properties": {
                    "post_id": str(number), "content": text, "platform": "tiktok", "words": text,
                    "collected_at": "2026-01-01T00:00:00Z", MODELS: identities, VARIANT: "onnxruntime-fp32-cpu",
                },
                "vectors": {name: vectors[at] for name, vectors in made.items()},
            }
            for at, (number, text) in enumerate(texts.items())
        ]  # fmt: skip
        self.rest.send("POST", "batch/objects", {"objects": objects})
        self.texts |= {one["id"]: one["properties"]["content"] for one in objects}

    def delete(self, number: int) -> None:
        self.rest.send("DELETE", f"objects/SocialPost/{document_id(str(number))}", {})
        del self.texts[str(document_id(str(number)))]

    def stored(self) -> dict[str, dict[str, Any]]:
        found = self.rest.get("objects?class=SocialPost&limit=1000&include=vector")
        return {one["id"]: one for one in (found or {})["objects"]}


@pytest.fixture
def posts(stack: Settings, declared: Path) -> Iterator[Posts]:
    """Posts with vectors of ``old``, and a search that finds them; then the collection is again as it was declared."""
    rest = Rest(get_settings())

    def clear() -> None:
        for name in [one["class"] for one in (rest.get("schema") or {})["classes"] if "SocialPost" in one["class"]]:
            rest.send("DELETE", f"schema/{name}", {})

    clear()
    schema.apply(get_settings())
    made = Posts(get_settings())
    made.write(["old"], {number: f"w{number % 190 + 1} w{number % 7 + 1}" for number in range(POSTS)})
    yield made
    clear()
    schema.apply(stack)
    if "weaviate-sink" in httpx.get(f"{stack.connect}/connectors", timeout=30).json():  # of tests before: it failed
        again = "connectors/weaviate-sink/restart?includeTasks=true&onlyFailed=true"
        httpx.post(f"{stack.connect}/{again}", timeout=30).raise_for_status()


def store(one: Embedding) -> VectorsOf:
    return VectorsOf(get_settings(), one.target.place, one.text)


def whole(posts: Posts, *models: str) -> None:
    """Every post has the vectors of its own text by these models, and says so; and there is no other."""
    one, stored = embedding_of(get_settings()), posts.stored()
    assert {identity: found["properties"]["content"] for identity, found in stored.items()} == posts.texts
    for name in models:
        made = open_embedder(one.model(name), cache_size=0).embed([posts.texts[key] for key in stored])
        have = np.array([found["vectors"][name] for found in stored.values()])
        assert np.abs(have - made).max() < 1e-5, name
    identities = {one.model(name).identity for name in models}
    for found in stored.values():
        assert set(found["properties"][MODELS]) == identities and found["vectors"].keys() == set(models)


def test_a_backfill_leaves_every_post_as_the_chain_would_have_made_it(
    posts: Posts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(embedding_of(get_settings()), "new")
    assert schema.apply(get_settings()) == ["change vectors by new of collection SocialPost_1"]
    one = embedding_of(get_settings())
    real, calls = VectorsOf.patch, 0

    def overtaken(self: VectorsOf, found: Embedded, vectors: Mapping[str, list[float]]) -> bool:
        """The sink writes just before; then the run dies."""
        nonlocal calls
        calls += 1
        if calls == 5:
            posts.write(["old", "new"], dict.fromkeys(range(5), "w150 w151"))  # of some, read already
        if calls == 6:
            posts.write(["old"], dict.fromkeys(range(5, 20), "w160 w161"))  # a record that was on its way
        if calls == 7:
            posts.delete(POSTS - 1)
        if calls == 20:
            posts.write(["old", "new"], dict.fromkeys(range(POSTS - 1), "w170"))
            done = real(self, found, vectors)
            assert done
            raise KeyboardInterrupt
        return real(self, found, vectors)

    monkeypatch.setattr(VectorsOf, "patch", overtaken)
    monkeypatch.setattr(Rest, "ask", None)  # nothing is taken from an index
    with store(one) as opened, Embedders(one) as embedders:
        with pytest.raises(KeyboardInterrupt):
            Backfill(one, "new", opened, embedders, tmp_path).run(print)
        done = Backfill(one, "new", opened, embedders, tmp_path).run(print)
        assert not done.refused and done.gone <= 1 and done.posts > 0
        assert Backfill(one, "new", opened, embedders, tmp_path).run(print).posts == 0, "nothing is left to do"
    whole(posts, "old", "new")
    assert list(tmp_path.glob("backfill-*")) == []


def test_posts_that_are_written_all_the_while_have_vectors_of_their_own_text(posts: Posts, tmp_path: Path) -> None:
    add(embedding_of(get_settings()), "new")
    schema.apply(get_settings())
    one, sink = embedding_of(get_settings()), Posts(get_settings())
    sink.texts, restarted, ended = posts.texts, Event(), Event()

    def write() -> None:
        """As the sink does: records of before the chain was restarted have no vector of ``new``."""
        for at in count():
            models = ["old", "new"] if restarted.is_set() else ["old"]
            sink.write(models, {at * step % POSTS: f"w{at % 190 + 1} w{step}" for step in (1, 7, 11)})
            if ended.wait(0.02):
                return

    def killed(text: str) -> None:
        restarted.set()
        raise KeyboardInterrupt

    writer = Thread(target=write)
    writer.start()
    try:
        with store(one) as opened, Embedders(one) as embedders:
            with pytest.raises(KeyboardInterrupt):
                Backfill(one, "new", opened, embedders, tmp_path).run(killed)
            assert Backfill(one, "new", opened, embedders, tmp_path).run(print).again > 0, "it was overtaken"
            assert opened.lacking(one.model("new").identity) == 0
    finally:
        ended.set()
        writer.join()
    with store(one) as opened, Embedders(one) as embedders:
        assert Backfill(one, "new", opened, embedders, tmp_path).run(print).posts == 0, "nothing is left to do"
    whole(posts, "old", "new")


def test_searches_go_on_through_every_step_until_the_old_vector_is_gone(
    posts: Posts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostSearch(get_settings()) as search, WeaviateStoreClient(get_settings()) as client:

        def asks(name: str) -> bool:
            found = search.ask("w5", limit=5)
            return len(found.posts) == 5 and any(f"({name}@" in line for line in found.explanation)

        assert asks("old")
        add(embedding_of(get_settings()), "new")
        assert asks("old")
        schema.apply(get_settings())
        one = embedding_of(get_settings())
        with store(one) as opened, Embedders(one) as embedders:
            before = cost(one, one.model("new"), client, opened, embedders)
            assert (before.posts, before.lacking) == (POSTS, POSTS) and before.cpu_ms > 0 and asks("old")
            looked = (one.target, one.model("new").identity, False, 0, LAST_MS)
            assert client.embedded(*looked) == POSTS
            Backfill(one, "new", opened, embedders, tmp_path).run(print)
            with monkeypatch.context() as patch:  # an index that still lists them all as they were
                listed = [{"_additional": {"id": name}} for name in posts.texts]
                patch.setattr(Rest, "ask", lambda *_: listed)
                assert client.embedded(*looked) == 0
            assert cost(one, one.model("new"), client, opened, embedders).lacking == 0
            assert 0 <= overlap(one, ("old", "new"), opened, 5) < 1 == overlap(one, ("new", "new"), opened, 5)
        ask(embedding_of(get_settings()), "new")
        assert asks("new")
        ask(embedding_of(get_settings()), "old")
        assert asks("old")
        ask(embedding_of(get_settings()), "new")
        drop(embedding_of(get_settings()), "old")
        assert asks("new")
        one = embedding_of(get_settings())
        states: list[str] = []

        def set_state(services: Any, names: list[str], action: str) -> None:
            """Of Connect; the sink writes a last record before it rests, and somebody deletes a post."""
            states.append(action)
            if action == "pause":
                posts.write(["new"], {3: "w190 w191", POSTS + 1: "w192"})
                posts.delete(4)
            assert asks("new")

        monkeypatch.setattr(rebuild, "set_state", set_state)
        state = {"connector": {"state": "PAUSED"}, "tasks": []}
        answers = {"config": lambda self, name: {}, "status": lambda self, name: state}
        services: Any = type("Services", (), {"connect": type("Connect", (), answers)()})()
        with store(one) as opened:
            made = rebuild.Rebuild(one, opened, services, lambda text: None)
            assert made.difference() == ("SocialPost_1", ["old"], [])
            made.run()
            assert made.difference() == ("SocialPost_2", [], []) and made.run() == 0, "a second time changes nothing"
        assert states == ["pause", "resume", "resume"] and asks("new")
    whole(posts, "new")
    assert (posts.rest.get("schema/SocialPost") or {})["class"] == "SocialPost_2"
    assert posts.rest.get("schema/SocialPost_1") is None
    body = json.loads(one.collection.read_text())
    body["vectorConfig"]["new"]["vectorIndexConfig"]["efConstruction"] = 32
    one.collection.write_text(json.dumps(body))
    assert schema.apply(get_settings()) == [], "Weaviate builds no index again"
    monkeypatch.setattr(rebuild, "set_state", lambda *_: None)
    with store(one) as opened:
        made = rebuild.Rebuild(embedding_of(get_settings()), opened, services, lambda text: None)
        _, _, (told,) = made.difference()
        assert told.startswith("vectorConfig.new.vectorIndexConfig.efConstruction")
        assert made.run() >= len(posts.texts), "those that were written just before are copied again"
        assert made.difference().otherwise == [] and made.run() == 0
    whole(posts, "new")
    built = (posts.rest.get("schema/SocialPost") or {})["vectorConfig"]["new"]["vectorIndexConfig"]
    assert built["efConstruction"] == 32
