"""What the steps write into the declared files."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from glue.cli.main import cli
from glue.errors import UsageError
from glue.model_change import measure
from glue.model_change.declared import add, ask, drop, embedding_of
from glue.model_change.measure import quality
from glue.settings import get_settings
from glue.stores.weaviate.client import WeaviateStoreClient
from glue.stores.weaviate.vectors import VectorsOf
from glue.topology.load import load
from glue.topology.rules.embedding import models


def problems() -> list[str]:
    return [str(one) for one in models(load(get_settings()))]


def test_add_declares_a_vector_that_records_on_their_way_may_lack_and_drop_takes_it_back(declared: Path) -> None:
    files = {file: json.loads(file.read_text()) for file in sorted(declared.rglob("*.json"))}
    assert problems() == []
    changed = add(embedding_of(get_settings()), "new")
    assert [file.name for file in changed] == ["SocialPost.json", "weaviate-sink.json", "vectors.json"]
    now = embedding_of(get_settings())
    assert now.writer.models == ["old", "new"] and now.asked == "old"
    assert now.lengths() == "old:32,new:32?" and now.vectors()["new"] == now.vectors()["old"]
    assert problems() == [], "the four files agree"
    assert add(now, "new") == [], "a second time changes nothing"
    assert [file.name for file in drop(now, "new")] == ["vectors.json", "weaviate-sink.json", "SocialPost.json"]
    assert {file: json.loads(file.read_text()) for file in files} == files


def test_switch_changes_one_line_of_one_file(declared: Path) -> None:
    add(embedding_of(get_settings()), "new")
    file = declared / "weaviate" / "SocialPost.json"
    before = file.read_text().splitlines()
    assert ask(embedding_of(get_settings()), "new") == [file]
    after = file.read_text().splitlines()
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        ('    "vector": "old",', '    "vector": "new",')
    ]
    assert embedding_of(get_settings()).asked == "new" and problems() == []


@pytest.mark.parametrize(("index", "warned"), [("flat", True), ("hnsw", False)])
def test_plan_and_switch_warn_of_an_index_that_each_search_reads_whole(
    declared: Path, monkeypatch: pytest.MonkeyPatch, index: str, warned: bool
) -> None:
    add(embedding_of(get_settings()), "new")
    vectors = {"old": {"vectorIndexType": "hnsw"}, "new": {"vectorIndexType": index}}
    monkeypatch.setattr(VectorsOf, "schema", lambda *_: {"vectorConfig": vectors})
    monkeypatch.setattr(VectorsOf, "lacking", lambda *_: 0)
    monkeypatch.setattr(WeaviateStoreClient, "vectors", lambda *_: ["old", "new"])
    monkeypatch.setattr(measure, "cost", lambda *_: measure.Cost(*[1] * len(fields(measure.Cost))))
    text = "the index of new is flat: each search reads all of its vectors"
    planned = CliRunner().invoke(cli, ["embedding", "plan", "new"])
    assert planned.exit_code == 0 and (text in planned.stdout) is warned
    switched = CliRunner().invoke(cli, ["embedding", "switch", "new"])
    assert switched.exit_code == 0 and (text in switched.stderr) is warned
    assert sum(text in line for line in switched.output.splitlines()) == warned
    assert embedding_of(get_settings()).asked == "new", "the user decides"


def test_what_searches_ask_is_not_dropped(declared: Path) -> None:
    done = CliRunner().invoke(cli, ["embedding", "drop", "old", "--yes"])
    assert isinstance(done.exception, UsageError) and "searches in SocialPost ask it" in str(done.exception)
    assert embedding_of(get_settings()).writer.models == ["old"]


def test_a_model_that_the_chain_does_not_write_is_neither_filled_nor_asked(declared: Path) -> None:
    for command in ("backfill", "switch"):
        done = CliRunner().invoke(cli, ["embedding", command, "new"])
        assert isinstance(done.exception, UsageError) and "mxctl embedding add new" in str(done.exception.fix)


def test_an_evaluation_set_tells_models_apart(declared: Path, tmp_path: Path) -> None:
    topics = [
        {"query": {"en": [f"w{n} w{n + 1}"]}, "post": {"en": f"w{n} w{n + 1}"}, "plain_post": {"en": f"w{n + 99} w9"}}
        for n in range(10, 60, 5)
    ]
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"topics": topics, "distractors": [{"en": "w70 w71"}]}))
    one = embedding_of(get_settings())
    found = {name: quality(one, name, file) for name in ("old", "new")}
    first = 1 / (1 + 1 / np.log2(3))
    assert all(first <= value < 1 for value in found.values()), (
        "the same text is nearest, what is alien to it need not be"
    )
    assert found["old"] != found["new"]
