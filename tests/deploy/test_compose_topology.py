"""docker-compose.yml, held against what the code takes and what the topology declares."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from glue.cli.main import cli
from glue.settings import Settings
from glue.topology.load import load
from glue.topology.validate import problems
from glue.transforms.declared import chain_names
from tests.deploy.compose_file import (
    ROOT,
    SIZES,
    compose,
    env_file,
    environment,
    listens,
    mounted,
)
from tests.deploy.compose_services import (
    DECLARED,
    MXCTL,
    ONE_SHOT,
    SERVICES,
    SOURCES,
    each_mxctl,
    each_service,
)


@each_mxctl
def test_a_command_line_is_one_that_mxctl_takes(name: str) -> None:
    arguments = list(SERVICES[name].get("command", ["--help"]))
    if arguments == ["--help"]:
        return
    command: click.Command = cli
    context = click.Context(cli, info_name="mxctl")
    while isinstance(command, click.Group):
        word = arguments.pop(0)
        found = command.get_command(context, word)
        assert found is not None, word
        command = found
    command.make_context(command.name, arguments, parent=context)  # raises click.UsageError


@each_mxctl
def test_every_setting_is_one_that_the_programs_read(name: str) -> None:
    known = {f"MXCTL_{field.upper()}" for field in Settings.model_fields} | {"MXCTL_STATE_DIR", "MXCTL_CACHE_DIR"}
    given = {key for key in environment(SERVICES[name]) if key.startswith("MXCTL_")}
    assert given and given <= known


@each_mxctl
def test_every_address_is_given_or_the_default_would_be_loopback(name: str) -> None:
    for setting in ("KAFKA", "CONNECT", "REGISTRY", "REDIS", "WEAVIATE", "WEAVIATE_GRPC"):
        server = SERVICES[setting.partition("_")[0].lower()]
        if not set(server["networks"]) & set(SERVICES[name]["networks"]):
            continue  # it is not meant to reach it
        assert re.search(r"(^|//)[a-z]+:\d+", environment(SERVICES[name])[f"MXCTL_{setting}"])


def test_every_chain_and_every_source_has_its_service() -> None:
    commands = {name: service.get("command", []) for name, service in MXCTL.items()}
    chains = {name for name, command in commands.items() if command[:2] == ["transforms", "run"]}
    assert chains == set(chain_names())
    assert all(commands[name][2] == name for name in chains)
    sources = {name for name, command in commands.items() if command[:1] == ["run"]}
    assert sources == set(SOURCES)
    assert all(commands[name][1] == name for name in sources)


def test_the_profile_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment(SERVICES["apply"]).items():
        monkeypatch.setenv(key, value)
    declared = load(DECLARED)
    assert problems(declared) == []
    assert all(topic.replication_factor == 1 for topic in declared.topics.values()), "there is one broker"


@pytest.mark.parametrize("size", SIZES)
def test_a_sink_has_no_more_tasks_than_its_topics_have_partitions(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment(compose(size)["services"]["apply"]).items():
        monkeypatch.setenv(key, value)
    declared = load(DECLARED)
    for name, variable in (("snowflake-sink", "SNOWFLAKE_TASKS"), ("weaviate-sink", "WEAVIATE_TASKS")):
        config = declared.connectors[name].config
        assert config["tasks.max"] == env_file(f"{size}.env")[variable]
        assert int(config["tasks.max"]) <= max(declared.topics[t].partitions for t in config["topics"].split(","))
    services = compose(size)["services"]
    for name in chain_names():
        workers = int(services[name]["command"][services[name]["command"].index("--workers") + 1])
        topics = declared.chains[name]["config"]["topics"].split(",")
        assert workers <= max(declared.topics[topic].partitions for topic in topics)


def test_every_reference_of_a_connector_resolves_in_the_worker(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment(SERVICES["apply"]).items():
        monkeypatch.setenv(key, value)
    connect = SERVICES["connect"]
    dockerfile = (ROOT / "deploy/images/Dockerfile").read_text(encoding="utf-8")
    worker = (ROOT / "deploy/images/connect" / Path(connect["command"][0]).name).read_text(encoding="utf-8")
    in_image = set(re.findall(r"^\s*(?:ENV )?([A-Z_]+)=", dockerfile, re.M))
    allowed = re.search(r"^config\.providers\.env\.param\.allowlist\.pattern=(.+)$", worker, re.M)
    assert allowed and "config.providers.file.param.allowed.paths=/run/secrets\n" in worker
    texts = [worker, *(json.dumps(one.config) for one in load(DECLARED).connectors.values())]
    references = [found for text in texts for found in re.findall(r"\$\{(\w+):([^}]+)\}", text)]
    assert len(references) > 10
    for provider, what in references:
        if provider == "env":
            assert re.fullmatch(allowed[1], what), what
            assert what in environment(connect) or what in in_image, what
        else:
            assert provider == "file"
            _in_a_secret(what, connect, made)


@pytest.mark.parametrize("name", SOURCES)
def test_every_reference_of_a_source_resolves_in_its_container(name: str, made: Path) -> None:
    from connectors.config import load_source

    config = load_source(name, DECLARED, resolve=False)
    for service in [SERVICES[name]] + ([SERVICES["webhook"]] if name == "shopify" else []):
        for provider, what in re.findall(r"\$\{(\w+):([^}]+)\}", json.dumps(config.options)):
            if provider == "env":
                assert what in environment(service), what
            else:
                assert provider == "file", "the sandbox is not part of an installation"
                _in_a_secret(what, service, made)


def _in_a_secret(what: str, service: dict[str, Any], made: Path) -> None:
    """``/run/secrets/FILE:KEY`` is a secret of the service, and the script writes that key."""
    path, _, key = what.rpartition(":")
    folder, _, file = path.rpartition("/")
    assert folder == "/run/secrets" and file in mounted(service), what
    assert re.search(rf"^{re.escape(key)}=", (made / mounted(service)[file]).read_text(), re.M), what


@each_service
def test_an_address_names_a_service_on_a_shared_network_and_a_port_it_listens_on(name: str) -> None:
    service = SERVICES[name]
    text = json.dumps([environment(service), service.get("command", [])])
    for other, port in re.findall(r"(?:(?<=://)|(?<![\w./-]))([a-z][a-z-]*):(\d{4,5})\b", text):
        assert other in SERVICES, f"{other}:{port}"
        assert int(port) in listens()[other], f"{other}:{port}"
        assert set(service["networks"]) & set(SERVICES[other]["networks"])


def test_prometheus_asks_every_service_that_has_metrics() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.compose.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    everywhere = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    places = {"static_configs", "file_sd_configs", "dns_sd_configs", "relabel_configs"}

    def without_places(whole: dict[str, Any]) -> dict[str, Any]:
        own = [{k: v for k, v in job.items() if k not in places} for job in whole["scrape_configs"]]
        return {**whole, "scrape_configs": sorted(own, key=lambda job: str(job["job_name"]))}

    assert without_places(config) == without_places(everywhere)
    asked: set[str] = set()
    for job in jobs.values():
        targets = [target for group in job.get("static_configs", []) for target in group["targets"]]
        targets += [f"{name}:{group['port']}" for group in job.get("dns_sd_configs", []) for name in group["names"]]
        for target in targets:
            host, _, port = target.partition(":")
            asked.add(host)
            assert int(port) in listens()[host], target
            assert "inside" in SERVICES[host]["networks"]
    # source-metrics tells of every run of the producers, redis-exporter of Redis.
    quiet = {"redis", "grafana", "prometheus", "kafka-ui", "control-center"} | ONE_SHOT | set(SOURCES)
    assert asked == set(SERVICES) - quiet


def test_a_source_runs_as_often_as_its_file_says() -> None:
    from connectors.config import load_source
    from glue.times import parse_duration

    for name in SOURCES:
        command = SERVICES[name]["command"]
        every = load_source(name, DECLARED, resolve=False).every
        assert parse_duration(command[command.index("--every") + 1]) == every
