"""Files of sources: overlays, references, refusals."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.config import load_source, source_names
from connectors.json_schema import source_schema
from glue.errors import ConfigError, UsageError
from glue.settings import Settings, project_root

WEATHER: dict[str, Any] = {
    "class": "connectors.weather:Weather", "topic": "t", "dead_letters": "d", "every": "1h30m",
    "options": {"base_url": "https://far.example", "api_key": "${env:TEST_KEY}", "cities": []},
}  # fmt: skip
LOCAL = {"sources": {"weather": {"options": {"base_url": "${setting:sandbox}/weather"}}}}


def settings(tmp_path: Path, document: Any, profile: str = "prod", sandbox: str = "") -> Settings:
    for folder in ("sources", "profiles"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / "profiles" / "local.json").write_text(json.dumps(LOCAL))
    (tmp_path / "profiles" / "twin.json").write_text(json.dumps({"extends": "local"}))
    (tmp_path / "sources" / "weather.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return Settings(profile=profile, config_dir=tmp_path, sandbox=sandbox)


def test_every_committed_source_loads_under_local(monkeypatch: pytest.MonkeyPatch) -> None:
    committed = Settings(profile="local", config_dir=project_root() / "connect-config", sandbox="http://127.0.0.1:1")
    assert source_names(committed) == [
        "catalogue", "daraz", "daraz-listings", "facebook", "shopify", "shopify-listings", "tiktok", "weather",
    ]  # fmt: skip
    for name in source_names(committed):
        config = load_source(name, committed)
        assert "127.0.0.1" in json.dumps(config.options), name
        config.parsed_options()


def test_no_committed_file_holds_a_secret() -> None:
    for path in (project_root() / "connect-config" / "sources").glob("*.json"):
        document = json.loads(path.read_text())
        text = json.dumps(document)
        for name in ("token", "api_key", "app_secret", "access_token", "refresh_token", "webhook_secrets"):
            value = document["options"].get(name)
            assert value is None or "${env:" in json.dumps(value), f"{path.name}: {name} in {text[:80]}"


def test_the_published_json_schema_is_that_of_the_models_and_fits_the_files() -> None:
    folder = project_root() / "connect-config"
    published = json.loads((folder / "json-schema" / "source.json").read_text())
    assert published == source_schema(), "run: python -m connectors.json_schema"
    options = {one["if"]["properties"]["class"]["const"]: one["then"]["properties"]["options"]["$ref"] for one in
               published["allOf"]}  # fmt: skip
    for path in (folder / "sources").glob("*.json"):
        document = json.loads(path.read_text())
        assert (path.parent / document["$schema"]).is_file()
        assert set(published["required"]) <= document.keys() <= published["properties"].keys(), path.name
        declared = published["$defs"][options[document["class"]].removeprefix("#/$defs/")]
        assert set(declared["required"]) <= document["options"].keys() <= declared["properties"].keys(), path.name
        assert re.fullmatch(published["properties"]["every"]["pattern"], document["every"])


def test_a_webhook_secret_rotates_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "TOKEN", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"MILLIONX_SHOPIFY_{name}", f"new-{name}")
    monkeypatch.setenv("MILLIONX_SHOPIFY_WEBHOOK_SECRET_BEFORE", "old")
    committed = Settings(profile="prod", config_dir=project_root() / "connect-config")
    assert load_source("shopify", committed).options["webhook_secrets"] == ["new-WEBHOOK_SECRET", "old"]
    monkeypatch.delenv("MILLIONX_SHOPIFY_WEBHOOK_SECRET_BEFORE")
    assert load_source("shopify", committed).options["webhook_secrets"] == ["new-WEBHOOK_SECRET", ""]


def test_a_profile_overlays_and_references_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "k1")
    config = load_source("weather", settings(tmp_path, WEATHER))
    assert config.options["base_url"] == "https://far.example"
    assert config.options["api_key"] == "k1"
    assert config.every == timedelta(minutes=90)
    for profile in ("local", "twin"):
        local = load_source("weather", settings(tmp_path, WEATHER, profile, "http://127.0.0.1:9"))
        assert local.options["base_url"] == "http://127.0.0.1:9/weather"


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    secrets = tmp_path / "s.properties"
    secrets.write_text("# a comment\nother=1\nkey = k2\n")
    document = {**WEATHER, "options": {**WEATHER["options"], "api_key": f"${{file:{secrets}:key}}"}}
    assert load_source("weather", settings(tmp_path, document)).options["api_key"] == "k2"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"options": {**WEATHER["options"], "api_key": "${file:/nowhere/x:key}"}}, "/nowhere/x"),
        ({"every": "soon", "options": {}}, "every"),
        ({"surprise": 1, "options": {}}, "surprise"),
        ({"topic": None, "options": {}}, "topic"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_source("weather", settings(tmp_path, {**WEATHER, **change}))
    assert told in str(caught.value)
    assert caught.value.fix


def test_a_missing_secret_and_a_missing_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY", raising=False)
    with pytest.raises(ConfigError, match="TEST_KEY"):
        load_source("weather", settings(tmp_path, WEATHER))
    monkeypatch.setenv("TEST_KEY", "k")
    with pytest.raises(ConfigError) as caught:
        load_source("weather", settings(tmp_path, WEATHER, "local"))
    assert caught.value.fix == "mxctl sandbox up"


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_a_broken_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="source weather"):
        load_source("weather", settings(tmp_path, text))


def test_an_unknown_source_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_source("etsy", settings(tmp_path, WEATHER))
    assert "weather" in caught.value.fix
    with pytest.raises(UsageError):
        load_source("../topics", settings(tmp_path, WEATHER))


@pytest.mark.parametrize("path", ["connectors.nowhere:X", "connectors.weather:Nope", "connectors.models:SocialPost"])
def test_a_class_that_is_no_source(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "k")
    with pytest.raises(ConfigError):
        load_source("weather", settings(tmp_path, {**WEATHER, "class": path})).source_class()


def test_a_wrong_option_is_named_without_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "hush")
    document = {**WEATHER, "options": {**WEATHER["options"], "api_kee": "hush-too"}}
    with pytest.raises(ConfigError, match=r"options\.api_kee") as caught:
        load_source("weather", settings(tmp_path, document)).parsed_options()
    assert "hush" not in repr(caught.value)
