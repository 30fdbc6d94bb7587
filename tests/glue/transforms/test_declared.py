"""Every declared chain: it starts, its cases pass, and it lets nothing personal out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glue.errors import ConfigError, UsageError
from glue.privacy.tags import personal_fields
from glue.service.config import ServiceConfig
from glue.transforms.cases import run_cases, schema_of
from glue.transforms.catalogue import catalogue, find
from glue.transforms.declared import chain_names, load_chain, read_chain


@pytest.mark.parametrize("name", chain_names())
def test_cases_of(name: str) -> None:
    results = run_cases(name)
    assert results
    assert [result.summary() for result in results if not result.passed] == []


@pytest.mark.parametrize("name", chain_names())
def test_a_chain_writes_a_safe_topic_and_sets_bad_records_aside(name: str) -> None:
    config = ServiceConfig.of(load_chain(name))
    assert personal_fields(schema_of(config.output_topic)) == []
    assert config.errors_tolerance == "all"
    assert config.errors_deadletterqueue_topic_name.startswith("dead-letters-")


def write(folder: Path, **changes: object) -> Path:
    path = folder / "c.json"
    path.write_text(json.dumps({"name": "c", "config": {"topics": "a", "output.topic": "b"}, **changes}))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"config": {"topics": 1}},
        {"extra": 1},
        {"tests": [{"name": "no input"}]},
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_chain(write(tmp_path, **changes))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"topics": "", "output.topic": "b"},
        {"topics": "a", "output.topic": "b", "errors.tolerance": "some"},
        {"topics": "a", "output.topic": "b", "errors.tolerance": "all"},
        {"topics": "a", "output.topic": "b", "typo": "1"},
        {"topics": "a", "output.topic": "b", "batch.max.records": "many"},
    ],
)
def test_a_wrong_service_setting_is_refused(tmp_path: Path, config: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        ServiceConfig.of(read_chain(write(tmp_path, config=config)))


def test_an_unknown_chain_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="posts"):
        load_chain("post")


def test_every_part_explains_itself() -> None:
    parts = catalogue()
    assert {"ScrubPII", "Embed", "TopicNameMatches"} <= {part.type.__name__ for part in parts}
    for part in parts:
        assert part.headline.endswith("."), part.path
        for setting in part.settings():
            assert setting["doc"], f"{part.path}: {setting['name']}"


def test_parts_are_found_by_name_and_by_path() -> None:
    assert find("scrubpii").path == "glue.transforms.scrub:ScrubPII"
    assert find("glue.transforms.scrub:ScrubPII").kind == "transform"
    with pytest.raises(UsageError):
        find("Nothing")


def test_the_service_runs_what_the_profile_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a plan would show one chain, and another one would run."""
    (tmp_path / "transforms").mkdir()
    (tmp_path / "profiles").mkdir()
    config = {"topics": "a", "output.topic": "b", "batch.max.records": "${env:TEST_BATCH:-500}", "headers.pass": "x"}
    write(tmp_path / "transforms", config=config)
    patch = {"transforms": {"c": {"config": {"topics": "a,d", "headers.pass": None}}}}
    (tmp_path / "profiles" / "stage.json").write_text(json.dumps(patch))
    monkeypatch.setenv("MXCTL_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("MXCTL_PROFILE", "stage")
    assert load_chain("c").config == {"topics": "a,d", "output.topic": "b", "batch.max.records": "500"}
    monkeypatch.setenv("TEST_BATCH", "7")
    assert load_chain("c").config["batch.max.records"] == "7"
    write(tmp_path / "transforms", config=config | {"batch.max.records": "${env:TEST_NOTHING}"})
    with pytest.raises(ConfigError, match="the environment variable TEST_NOTHING is not set"):
        load_chain("c")
