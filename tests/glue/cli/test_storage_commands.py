"""``mxctl search``, ``warehouse ddl`` and ``weaviate apply`` as a user has them, on the real stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from glue.cli.main import cli
from glue.embedding import open_embedder
from glue.errors import MillionXError
from glue.language.words import guess, search_words
from glue.settings import Settings, get_settings
from glue.stores.weaviate import schema as weaviate_schema
from glue.stores.weaviate.client import MODELS, document_id, open_client
from tests.sandbox.snowflake.endpoint import Endpoint

FAR = 7_000_000_000  # an engagement that no other post has
POSTS = (
    ("tiktok", "শীতের জুতা কিনলাম, খুব আরাম", 1, "2026-01-01T10:00:00Z"),
    ("facebook", "new winter shoes arrived in the shop", 2, "2026-01-02T10:00:00Z"),
    ("tiktok", "the recipe of my grandmother's biryani", 3, "2026-01-03T10:00:00Z"),
)
PRODUCTS = (["Winter Boot"], ["Winter Boot", "Cotton Saree"], [])


def mxctl(*arguments: str) -> Result:
    done = CliRunner().invoke(cli, list(arguments))
    if isinstance(done.exception, MillionXError):  # what `main` makes of it
        done.exit_code = done.exception.exit_code
    else:
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


@pytest.fixture
def posts(stack: Settings) -> Any:
    """Three posts with their real vectors, and nobody else's engagement."""
    weaviate_schema.apply(stack)
    run = uuid4().hex
    embedder = open_embedder("e5")
    vectors = embedder.embed([text for _, text, _, _ in POSTS])
    embedder.close()
    ids = []
    with open_client(stack.weaviate, stack.weaviate_grpc, grpc_secure=False) as client:
        data = client.collections.use("SocialPost").data
        for number, (platform, text, engagement, moment) in enumerate(POSTS):
            ids.append(document_id(f"{run}{number}"))
            values = {"post_id": f"{run}{number}", "platform": platform, "content": text, "timestamp": moment}
            values |= {"words": " ".join(search_words(text)), MODELS: [embedder.declared.identity]}
            values |= {"language": guess(text), "product_mentions": PRODUCTS[number]}
            vector = {"e5": vectors[number].tolist()}
            data.insert({**values, "engagement": FAR + engagement}, uuid=ids[-1], vector=vector)
        yield
        for one in ids:
            data.delete_by_id(one)


@pytest.mark.stack
def test_search_filters_mixes_and_speaks_json(posts: None) -> None:
    def found(*options: str) -> list[str]:
        minimum = () if "--min-engagement" in options else ("--min-engagement", str(FAR))
        done = mxctl("search", *options, *minimum, "-o", "json")
        assert done.exit_code == 0, done.stderr
        rows = json.loads(done.stdout)
        assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
        return [row["content"] for row in rows]

    bengali, english, biryani = (text for _, text, _, _ in POSTS)
    assert found("warm shoes for the cold season")[0] == english
    assert set(found("warm shoes", "--platform", "tiktok")) == {POSTS[0][1], biryani}
    assert found("shoes", "--since", "2026-01-02", "--until", "2026-01-03") == [english]
    assert found("shoes", "--language", "bn") == [bengali]
    assert set(found("shoes", "--language", "en")) == {english, biryani}
    assert found("shoes", "--product", "Cotton Saree") == [english], "one of several products of a post"
    assert set(found("biryani", "--product", "Cotton Saree", "--product", "Winter Boot")) == {bengali, english}
    assert found("shoes", "--product", "Cotton") == [], "a whole name, not a part of one"
    assert found("shoes", "--product", "Winter Boot", "--language", "bn", "--platform", "tiktok") == [bengali]
    assert set(found("shoes", "--min-engagement", str(FAR + 2))) == {english, biryani}
    assert found("biryani", "--hybrid", "0") == [biryani], "by words alone"
    assert found("grandmother's biryani", "--hybrid", "0.5", "--limit", "1") == [biryani]
    table = mxctl("search", "biryani", "--min-engagement", str(FAR), "--limit", "1").stdout
    assert "biryani" in table and "(1 row)" in table


def test_search_refuses_what_can_not_be_meant() -> None:
    assert mxctl("search", "x", "--hybrid", "2").exit_code == 2
    assert mxctl("search", "x", "--since", "soon").exit_code == 2


def test_the_script_of_the_warehouse_is_printed_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Endpoint(tmp_path) as endpoint:
        monkeypatch.setenv("MXCTL_WAREHOUSE", endpoint.url)
        monkeypatch.setenv("MXCTL_WAREHOUSE_PRIVATE_KEY_FILE", str(endpoint.key))
        get_settings.cache_clear()
        try:
            printed = mxctl("warehouse", "ddl")
            assert printed.exit_code == 0
            assert "CREATE TABLE IF NOT EXISTS MILLIONX.RAW_DATA.ORDERS" in printed.stdout
            assert endpoint.key.read_text().splitlines()[3] not in printed.stdout, "the private key stays where it is"
            assert mxctl("query", "select 1 from MILLIONX.RAW_DATA.ORDERS").exit_code == 1, "printing runs nothing"
            for _ in range(2):
                assert mxctl("warehouse", "ddl", "--apply").exit_code == 0
            empty = mxctl("query", "select count(*) as N from MILLIONX.RAW_DATA.ORDERS_LATEST", "-o", "json")
            assert json.loads(empty.stdout) == [{"N": 0}]
        finally:
            get_settings.cache_clear()


@pytest.mark.stack
def test_collections_are_applied_once_and_a_dry_run_changes_nothing(
    stack: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"Cli{uuid4().hex[:8]}"
    file = tmp_path / "weaviate" / f"{name}.json"
    file.parent.mkdir()
    property_ = {"name": "content", "dataType": ["text"]}
    file.write_text(json.dumps({"class": name, "vectorizer": "none", "properties": [property_]}))
    monkeypatch.setenv("MXCTL_CONFIG_DIR", str(tmp_path))
    get_settings.cache_clear()
    try:
        for arguments in (("--dry-run",), (), ()):
            done = mxctl("weaviate", "apply", *arguments)
            assert done.exit_code == 0, done.stderr
            last = done.stdout
        assert last == "", "nothing is left to do"
        file.write_text(json.dumps({"class": name, "vectorizer": "none", "properties": [
            property_, {"name": "likes", "dataType": ["int"]}
        ]}))  # fmt: skip
        assert mxctl("weaviate", "apply").stdout == f"add property {name}_1.likes\n"
        file.write_text(json.dumps({"class": name, "properties": [{"name": "content", "dataType": ["int"]}]}))
        refused = mxctl("weaviate", "apply")
        assert refused.exit_code == 2 and "content.dataType" in str(refused.exception)
    finally:
        get_settings.cache_clear()
        with open_client(stack.weaviate, stack.weaviate_grpc, grpc_secure=False) as client:
            client.collections.delete(f"{name}_1")
            client.alias.delete(alias_name=name)
