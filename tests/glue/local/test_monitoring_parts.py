"""The monitoring of the local stack: which programs it takes, what Prometheus is told to ask, and when it refuses."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from glue.cli.local import down, up
from glue.errors import ConfigError, UsageError
from glue.local import cds, monitoring, ports
from glue.local.java import METRICS_PORT
from glue.local.monitoring import Prometheus, program, targets
from glue.local.stack import PARTS, Stack
from glue.settings import get_settings

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

import show_panels


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Prometheus: an empty PATH and an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    return tmp_path


def executable(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_without_prometheus_nothing_is_started_and_the_fix_is_reported(bare: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Stack(bare / "state").up(extras=["monitoring"])
    assert "scripts/ensure-prometheus" in refused.value.fix
    assert not (bare / "state" / "state.json").exists(), "no part was started"


def test_programs_on_path_go_before_those_in_the_cache(bare: Path) -> None:
    cached = executable(monitoring.unpacked() / "usr" / "bin" / "promtool")
    assert program("promtool") == cached
    other = executable(bare / "bin" / "redis_exporter")
    assert program("prometheus-redis-exporter", "redis_exporter") == other
    assert program("promtool") == cached
    on_path = executable(bare / "bin" / "promtool")
    assert program("promtool") == on_path


def test_a_prometheus_of_the_users_own_must_be_there(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_PROMETHEUS", str(bare / "nowhere"))
    get_settings.cache_clear()
    with pytest.raises(ConfigError, match="there is no such file"):
        Prometheus().check(Stack(bare / "state").site())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    stack = Stack(tmp_path)
    site = stack.site()
    names = ["chain-posts", "chain-vectors"]
    for number, part in enumerate([*PARTS, *monitoring.MONITORING]):
        site.state.part(part.name).ports = {name: 21_000 + 10 * number + n for n, name in enumerate(part.ports)}
    for number, name in enumerate(names):
        site.state.part(name).ports = {"http": 22_000 + number}
    return site


def test_every_job_gets_the_address_of_its_part(site) -> None:
    found = targets(site)
    config = yaml.safe_load((monitoring.CONFIG / "prometheus.yml").read_text())
    assert set(found) == {job["job_name"] for job in config["scrape_configs"]}
    assert [one["targets"] for one in found["glue"]] == [["127.0.0.1:22000"], ["127.0.0.1:22001"]]
    (kafka,) = found["kafka"]
    assert kafka == {
        "targets": [site.address("kafka", METRICS_PORT)],
        "labels": {"instance": "kafka", "service": "kafka"},
    }


def test_prometheus_gets_the_shipped_rules_and_the_targets_beside_them(site) -> None:
    part = Prometheus()
    part.prepare(site)
    folder = site.root / "prometheus"
    written = yaml.safe_load((folder / "prometheus.yml").read_text())
    shipped = yaml.safe_load((monitoring.CONFIG / "prometheus.yml").read_text())
    assert written["scrape_configs"] == shipped["scrape_configs"]
    assert {file.name for file in (folder / "rules").glob("*.yml")} == {"alerts.yml", "recording.yml"}
    for job in written["scrape_configs"]:
        (file,) = job["file_sd_configs"][0]["files"]
        assert json.loads((folder / file).read_text())[0]["targets"], job["job_name"]


def test_flags_that_contradict_each_other_are_refused() -> None:
    for command, words in (
        (up, ["--with", "monitoring", "--no-services"]),
        (down, ["--only", "monitoring", "--purge"]),
    ):
        result = CliRunner().invoke(command, words)
        assert isinstance(result.exception, UsageError), result.output


def test_an_archive_of_classes_is_made_without_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JVM refuses to make one with an agent in it, and takes it with one."""
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    asked: list[list[str]] = []

    def run(argv: list[str], **_: object) -> object:
        asked.append(argv)
        return type("Done", (), {"returncode": 1})()

    monkeypatch.setattr(cds.subprocess, "run", run)
    listing = tmp_path / "classes.lst"
    listing.write_text("java/lang/Object id: 0\n")
    cds.make(listing, "", ["java", f"{cds.LISTING}{listing}", "-javaagent:agent.jar=127.0.0.1:1:rules.yml", "Main"])
    assert asked[0][0] == "java" and asked[0][-1] == "Main"
    assert not [word for word in asked[0] if word.startswith(cds.AGENT)]


def test_the_table_of_panels_says_that_prometheus_does_not_answer(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (bare / "state").mkdir()
    (port,) = ports.choose(1, set())
    state = {"settings": {}, "parts": {"prometheus": {"ports": {"http": port}}}}
    (bare / "state" / "state.json").write_text(json.dumps(state))
    monkeypatch.setattr(sys, "argv", ["show_panels"])
    with pytest.raises(SystemExit) as ended:
        show_panels.main()
    assert ended.value.code == 2
    assert f"Prometheus does not answer at http://127.0.0.1:{port}" in capsys.readouterr().err


def test_a_prometheus_that_answers_is_taken(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def get(address: str, params: dict[str, str], timeout: float) -> Any:
        """As Prometheus answers: a number is a scalar, which has no labels."""
        found: Any = [1.5, "1"] if params["query"].isdigit() else [{"metric": {}, "value": [1.5, "1"]}]
        return SimpleNamespace(json=lambda: {"status": "success", "data": {"result": found}})

    monkeypatch.setattr(show_panels.requests, "get", get)
    given = argparse.Namespace(prometheus="http://prometheus.example")
    assert show_panels.prometheus_of(given) == "http://prometheus.example"
