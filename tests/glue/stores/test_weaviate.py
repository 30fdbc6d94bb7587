"""Declared collections and search against a real Weaviate, and the differences without one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from glue.errors import ConfigError, ServiceError, ServiceUnavailableError
from glue.settings import Settings, project_root
from glue.stores.contract import Search
from glue.stores.weaviate import schema as weaviate_schema
from glue.stores.weaviate.client import WeaviateStoreClient, document_id, open_client
from tests.stores import collection

COLLECTION = collection("BridgeTest")
_BODY: dict[str, Any] = {
    "class": "BridgeTest",
    "vectorizer": "none",
    "vectorIndexConfig": {"distance": "cosine"},
    "properties": [
        {"name": "platform", "dataType": ["text"], "tokenization": "field"},
        {"name": "content", "dataType": ["text"]},
        {"name": "engagement", "dataType": ["int"], "indexRangeFilters": True},
        {"name": "timestamp", "dataType": ["date"], "indexRangeFilters": True},
    ],
}


def _steps(wanted: dict[str, Any], live: dict[str, Any] | None) -> list[str]:
    return [change for change, *_ in weaviate_schema._steps(wanted, live)]


def test_what_the_server_adds_is_no_difference() -> None:
    live = json.loads(json.dumps(_BODY)) | {"replicationConfig": {"factor": 1}}
    live["vectorIndexConfig"]["ef"] = -1
    assert _steps(_BODY, live) == []


def test_what_can_not_be_changed_is_an_error_that_names_it() -> None:
    wanted = json.loads(json.dumps(_BODY))
    wanted["vectorIndexConfig"]["distance"] = "dot"
    wanted["properties"][0]["dataType"] = ["int"]
    with pytest.raises(ConfigError, match=r"vectorIndexConfig\.distance, platform\.dataType"):
        _steps(wanted, _BODY)


def test_an_index_of_another_type_is_asked_for_no_setting_of_the_declared_one() -> None:
    live = {
        "class": "A_1",
        "vectorConfig": {"e": {"vectorIndexType": "flat", "vectorIndexConfig": {"distance": "cosine"}}},
    }
    index = {"distance": "cosine", "dynamicEfMin": 200, "efConstruction": 64}
    wanted = {"class": "A", "vectorConfig": {"e": {"vectorIndexType": "hnsw", "vectorIndexConfig": index}}}
    assert _steps(wanted, live) == []
    assert weaviate_schema.built_otherwise(wanted, live) == ["vectorConfig.e.vectorIndexType flat, declared hnsw"]
    index["distance"] = "dot"
    with pytest.raises(ConfigError, match="distance"):
        _steps(wanted, live)


def test_an_index_that_was_built_otherwise_stays_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    live = _BODY | {"vectorConfig": {"a": _hnsw(128), "b": _hnsw(128)}}
    wanted = _BODY | {"vectorConfig": {"a": _hnsw(64), "b": {**_hnsw(128), "vectorIndexType": "flat"}}}
    assert _steps(wanted, live) == []
    (told,) = caplog.messages
    assert "vectorConfig.a.vectorIndexConfig.efConstruction 128, declared 64" in told
    assert "vectorConfig.b.vectorIndexType hnsw, declared flat" in told
    assert "mxctl weaviate rebuild" in told
    wanted["vectorConfig"]["a"]["vectorIndexConfig"]["ef"] = 99
    ((_, _, _, body),) = weaviate_schema._steps(wanted, live)
    assert body["vectorConfig"]["a"]["vectorIndexConfig"] == {"efConstruction": 128, "ef": 99}


def _hnsw(construction: int) -> dict[str, Any]:
    return {"vectorIndexType": "hnsw", "vectorIndexConfig": {"efConstruction": construction}}


def test_the_index_of_a_named_vector_is_changed_where_it_can_be() -> None:
    live = _BODY | {"vectorConfig": {"a": {"vectorIndexConfig": {"rq": {"enabled": False, "bits": 8}, "ef": -1}}}}
    wanted = _BODY | {"vectorConfig": {"a": {"vectorIndexConfig": {"rq": {"enabled": True}, "ef": 64}}}}
    ((_, method, path, body),) = weaviate_schema._steps(wanted, live)
    assert (method, path) == ("PUT", "schema/BridgeTest")
    assert body["vectorConfig"]["a"]["vectorIndexConfig"] == {"rq": {"enabled": True, "bits": 8}, "ef": 64}
    wanted["vectorConfig"]["a"]["vectorIndexConfig"]["distance"] = "dot"
    with pytest.raises(ConfigError, match=r"cannot change vectorConfig\.a\.vectorIndexConfig\.distance of"):
        _steps(wanted, live)


def test_a_named_vector_is_added_and_one_that_is_declared_no_more_stays() -> None:
    vectors = {"a": {"vectorIndexType": "hnsw"}, "b": {"vectorIndexType": "hnsw"}}
    live = _BODY | {"class": "BridgeTest_3", "vectorConfig": {"a": vectors["a"]}}
    ((change, method, path, body),) = weaviate_schema._steps(_BODY | {"vectorConfig": vectors}, live)
    assert (change, method) == ("change vectors by b of collection BridgeTest_3", "PUT")
    assert path == "schema/BridgeTest_3" and body["vectorConfig"] == vectors
    assert _steps(_BODY | {"vectorConfig": {}}, live) == []


def test_a_file_that_is_no_collection_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "A.json").write_text('{"class": "B"}')
    with pytest.raises(ConfigError, match="its class is B"):
        weaviate_schema.declared(tmp_path)


def test_a_weaviate_that_is_away_is_said_so() -> None:
    away = Settings(weaviate="http://127.0.0.1:9", weaviate_grpc="127.0.0.1:10")
    with pytest.raises(ServiceUnavailableError):
        weaviate_schema.apply(away)
    with pytest.raises(ServiceUnavailableError), WeaviateStoreClient(away) as weaviate:
        weaviate.size(COLLECTION)


@pytest.fixture
def settings(stack: Settings, tmp_path: Path) -> Any:
    (tmp_path / "weaviate").mkdir()
    yield stack.model_copy(update={"config_dir": tmp_path})
    with open_client(stack.weaviate, stack.weaviate_grpc, grpc_secure=False) as client:
        client.collections.delete("BridgeTest_1")
        client.alias.delete(alias_name="BridgeTest")


def _declare(settings: Settings, body: dict[str, Any]) -> None:
    (settings.config_dir / "weaviate" / "BridgeTest.json").write_text(json.dumps(body))


@pytest.mark.stack
def test_collections_are_created_and_migrated_once(settings: Settings) -> None:
    _declare(settings, _BODY)
    made = ["create collection BridgeTest", "name it: BridgeTest is BridgeTest_1"]
    assert weaviate_schema.apply(settings, dry_run=True) == made
    assert weaviate_schema.apply(settings) == made
    assert weaviate_schema.apply(settings) == []
    described = {**_BODY["properties"][0], "description": "where it was posted"}
    properties = [described, *_BODY["properties"][1:], {"name": "x", "dataType": ["int"]}]
    more = {**_BODY, "description": "new", "properties": properties}
    _declare(settings, more)
    changes = [
        "change description, description of platform of collection BridgeTest_1",
        "add property BridgeTest_1.x",
    ]
    assert weaviate_schema.apply(settings) == changes
    assert weaviate_schema.apply(settings) == []


@pytest.mark.stack
def test_search_finds_by_meaning_words_and_filters(settings: Settings) -> None:
    from weaviate.classes.data import DataObject

    _declare(settings, _BODY)
    weaviate_schema.apply(settings)
    with pytest.raises(ServiceError), WeaviateStoreClient(settings) as weaviate:
        weaviate.size(collection("NoSuchCollection"))
    rows = [("a", "tiktok", "winter shoes", 5, [1.0, 0.0]), ("b", "facebook", "শীতের জুতা", 50, [0.9, 0.1])]
    rows.append(("c", "tiktok", "summer hats", 500, [0.0, 1.0]))
    with open_client(settings.weaviate, settings.weaviate_grpc, grpc_secure=False) as client:
        objects = [
            DataObject(
                uuid=document_id(key),
                vector=vector,
                properties={
                    "platform": platform,
                    "content": content,
                    "engagement": engagement,
                    "timestamp": f"2025-11-{day:02}T00:00:00Z",
                },
            )
            for day, (key, platform, content, engagement, vector) in enumerate(rows, 1)
        ]
        assert not client.collections.use("BridgeTest").data.insert_many(objects).has_errors
    with WeaviateStoreClient(settings) as weaviate:
        assert weaviate.size(COLLECTION) == 3
        assert weaviate.count(COLLECTION, ["a", "b", "missing"]) == {"a": 1, "b": 1}

        def found(*where: tuple[str, str, Any], text: str = "shoes", **options: Any) -> list[str]:
            hits = weaviate.search(COLLECTION, text, [1.0, 0.0], Search(where, **options))
            assert all(hits[at]["score"] >= hits[at + 1]["score"] for at in range(len(hits) - 1))
            return [hit["content"] for hit in hits]

        assert found() == ["winter shoes", "শীতের জুতা", "summer hats"]
        assert found(limit=1) == ["winter shoes"]
        assert found(("platform", "=", "tiktok")) == ["winter shoes", "summer hats"]
        assert found(("engagement", ">=", 50)) == ["শীতের জুতা", "summer hats"]
        day = dt.datetime(2025, 11, 2, tzinfo=dt.UTC)
        assert found(("timestamp", ">=", day)) == ["শীতের জুতা", "summer hats"]
        assert found(("timestamp", "<", day), ("platform", "=", "tiktok")) == ["winter shoes"]
        assert found(("content", "=", 'quoted " and \\ back')) == [], "a value is never a part of the question"
        assert found(text="hats", hybrid=0.0)[0] == "summer hats"
        assert found(text="জুতা", hybrid=0.0)[0] == "শীতের জুতা"


@pytest.mark.stack
def test_words_in_bengali_letters_are_found_whole(settings: Settings) -> None:
    """Weaviate's tokenization ``word`` splits at vowel signs: then every text with the letter জ would be a hit."""
    from weaviate.classes.data import DataObject

    (collection,) = weaviate_schema.declared(project_root() / "connect-config" / "weaviate")
    text = next(one for one in collection["properties"] if one["name"] == "content")
    _declare(
        settings, _BODY | {"properties": [one for one in _BODY["properties"] if one["name"] != "content"] + [text]}
    )
    weaviate_schema.apply(settings)
    posts = ["শীতের জুতা চাই", "জাতীয় দলের তারকা", "Winter Shoes"]
    with open_client(settings.weaviate, settings.weaviate_grpc, grpc_secure=False) as client:
        objects = [DataObject(vector=[1.0, 0.0], properties={"content": post}) for post in posts]
        assert not client.collections.use("BridgeTest").data.insert_many(objects).has_errors
        search = client.collections.use("BridgeTest").query.bm25
        assert [hit.properties["content"] for hit in search("জুতা").objects] == posts[:1]
        assert [hit.properties["content"] for hit in search("shoes").objects] == posts[2:]
