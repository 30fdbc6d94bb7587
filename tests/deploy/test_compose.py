"""docker-compose.yml, held against the Compose specification and against what the code and the topology rely on."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from connectors.config import source_names
from glue.cli.main import cli
from glue.privacy.keyring import load_keyring
from glue.settings import Settings
from glue.topology.load import load
from glue.topology.validate import validate_offline
from glue.transforms.declared import chain_names
from tests.deploy.compose_file import (
    FILE,
    OURS,
    ROOT,
    SIZES,
    compose,
    env_file,
    environment,
    listens,
    undigested,
    variables,
    with_env,
)

COMPOSE = compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"volumes", "apply", "mxctl"}
MXCTL = {name: service for name, service in SERVICES.items() if OURS.match(service["image"])}
each_service = pytest.mark.parametrize("name", SERVICES)
each_mxctl = pytest.mark.parametrize("name", MXCTL)


def test_it_is_what_the_compose_specification_allows() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- Safe by construction ------------------------------------------------------------------------------------------


@each_service
def test_an_image_is_pinned_to_a_version(name: str) -> None:
    image, _, tag = undigested(SERVICES[name]["image"]).rpartition(":")
    assert image and re.match(r"v?\d+\.\d+\.\d+", tag), SERVICES[name]["image"]


@each_service
def test_a_container_has_no_rights_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["read_only"] is (name != "control-center")
    user, _, _ = service["user"].partition(":")
    if name == "volumes":
        assert (user, service["cap_add"], service["network_mode"]) == ("0", ["CHOWN"], "none")
    else:
        assert int(user) > 0
        assert "cap_add" not in service


@each_service
def test_a_container_is_bounded(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert _bytes(limits["memory"]) > 0


@each_service
def test_ports_are_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        address, _, inside = str(port).split(":")
        assert address == "127.0.0.1"
        assert int(inside) in listens()[name]
        assert "outside" in SERVICES[name]["networks"], "a port of an internal network is not published"


def test_what_people_look_at_is_where_the_documentation_says() -> None:
    assert SERVICES["kafka-ui"]["ports"] == ["127.0.0.1:8080:8080"]
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3001:3000"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


# --- Order and health ----------------------------------------------------------------------------------------------


@each_service
def test_everybody_waits_for_health_or_success(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        target = SERVICES[other]
        if how["condition"] == "service_healthy":
            assert "healthcheck" in target
        else:
            assert how["condition"] == "service_completed_successfully"
            assert target["restart"] != "unless-stopped", "what never ends is never completed"
        assert not target.get("profiles"), f"{other} may not be there"


@each_service
def test_every_service_that_stays_has_a_health_check_on_a_port_it_listens_on(name: str) -> None:
    if name in ONE_SHOT:
        assert "healthcheck" not in SERVICES[name]
        return
    test = " ".join(SERVICES[name]["healthcheck"]["test"])
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", test)}
    assert ports <= listens()[name], test
    assert ports or name == "redis", test


@each_mxctl
def test_a_health_check_of_ours_asks_what_the_command_answers(name: str) -> None:
    if name in ONE_SHOT:
        return
    program, url = SERVICES[name]["healthcheck"]["test"][1:]
    assert (ROOT / "deploy" / "images" / program).is_file()
    path = "/" + url.split("/", 3)[3]
    assert path in _paths(SERVICES[name]["command"])


def _paths(command: list[str]) -> set[str]:
    """What a command of ours answers, by asking the code that answers."""
    if command[:2] == ["transforms", "run"]:
        from glue.service import health

        source = Path(health.__file__).read_text(encoding="utf-8")
        return set(re.findall(r'"(/[a-z]+)"', source))
    if command[0] == "webhook":
        from connectors.shopify import ShopifyOptions
        from connectors.webhook import make_app

        options = ShopifyOptions.model_validate(
            {"base_url": "https://s.example", "token": "t", "webhook_secrets": ["w"]}
        )
        return {route.path for route in make_app(None, "shopify", options).routes}  # type: ignore[arg-type,attr-defined]
    return {"/metrics"}  # prometheus_client answers every path with the metrics


# --- Files, secrets, sizes -----------------------------------------------------------------------------------------


def test_volumes_are_named_and_what_is_mounted_is_there() -> None:
    used = set()
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source, target, *mode = mount.split(":")
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
                assert mode == ["ro"], mount
            else:
                used.add(source)
            assert target.startswith("/")
    assert used == set(COMPOSE["volumes"])


def test_secrets_are_files_and_each_is_used() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    assert "deploy/secrets/" in ignored


@each_service
def test_every_secret_file_that_the_environment_names_is_there(name: str) -> None:
    named = {value for value in environment(SERVICES[name]).values() if value.startswith("/run/secrets/")}
    assert named <= {f"/run/secrets/{secret}" for secret in SERVICES[name].get("secrets", [])}


@each_service
def test_no_secret_is_in_the_environment(name: str) -> None:
    from glue.secrets import is_secret_key

    for key, value in environment(SERVICES[name]).items():
        assert not is_secret_key(key.lower().replace("__", ".")) or value.startswith("/run/secrets/"), key


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets") / "secrets"
    subprocess.run([ROOT / "deploy/compose/make-secrets", folder], check=True, capture_output=True)
    return folder


def test_the_script_makes_every_secret_and_keeps_what_is_there(made: Path) -> None:
    assert {file.name for file in made.iterdir()} == set(COMPOSE["secrets"])
    assert made.stat().st_mode & 0o777 == 0o700
    before = {file.name: file.read_bytes() for file in made.iterdir()}
    subprocess.run([ROOT / "deploy/compose/make-secrets", made], check=True, capture_output=True)
    assert {file.name: file.read_bytes() for file in made.iterdir()} == before
    assert load_keyring(made / "hash_keys.json").active == "k1"


def test_mxctl_and_the_connector_have_the_same_key_of_snowflake(made: Path) -> None:
    key = serialization.load_pem_private_key((made / "snowflake_key.pem").read_bytes(), None)
    der = (made / "snowflake.properties").read_text().strip().removeprefix("private.key=")
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    assert base64.b64decode(der) == key.private_bytes(serialization.Encoding.DER, pkcs8, plain)


@pytest.mark.parametrize("size", SIZES)
def test_a_size_sets_every_size_and_leaves_room_beside_the_heap(size: str) -> None:
    assert env_file(f"{size}.env").keys() == env_file("small.env").keys()
    assert env_file(f"{size}.env").keys() <= variables(FILE.read_text(encoding="utf-8"))
    services = compose(size)["services"]
    for name, key in (("kafka", "KAFKA_HEAP_OPTS"), ("connect", "JDK_JAVA_OPTIONS"), ("registry", "JAVA_OPTS_APPEND")):
        heap = re.search(r"-Xmx(\w+)", environment(services[name])[key])
        assert heap and 1.5 * _bytes(heap[1]) <= _bytes(services[name]["deploy"]["resources"]["limits"]["memory"])


def test_without_an_env_file_the_size_is_small() -> None:
    assert compose() == compose("small")


def test_a_variable_that_has_no_default_says_what_to_do() -> None:
    with pytest.raises(KeyError, match=r"SNOWFLAKE_URL: set it in \.env"):
        with_env({})


# --- Against the topology ------------------------------------------------------------------------------------------


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
    assert sources == set(source_names(_settings()))
    assert all(commands[name][1] == name for name in sources)


def _settings() -> Settings:
    return Settings(profile="compose", config_dir=ROOT / "connect-config", schemas_dir=ROOT / "schemas")


def test_the_profile_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment(SERVICES["apply"]).items():
        monkeypatch.setenv(key, value)
    declared = load(_settings())
    assert validate_offline(declared) == []
    assert all(topic.replication_factor == 1 for topic in declared.topics.values()), "there is one broker"


@pytest.mark.parametrize("size", SIZES)
def test_a_sink_has_no_more_tasks_than_its_topics_have_partitions(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment(compose(size)["services"]["apply"]).items():
        monkeypatch.setenv(key, value)
    declared = load(_settings())
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
    worker = (ROOT / "deploy/images/connect/worker.properties").read_text(encoding="utf-8")
    in_image = set(re.findall(r"^\s*(?:ENV )?([A-Z_]+)=", dockerfile, re.M))
    allowed = re.search(r"^config\.providers\.env\.param\.allowlist\.pattern=(.+)$", worker, re.M)
    assert allowed and "config.providers.file.param.allowed.paths=/run/secrets\n" in worker
    texts = [worker, *(json.dumps(one.config) for one in load(_settings()).connectors.values())]
    references = [found for text in texts for found in re.findall(r"\$\{(\w+):([^}]+)\}", text)]
    assert len(references) > 10
    for provider, what in references:
        if provider == "env":
            assert re.fullmatch(allowed[1], what), what
            assert what in environment(connect) or what in in_image, what
        else:
            assert provider == "file"
            _in_a_secret(what, connect, made)


@pytest.mark.parametrize("name", source_names(_settings()))
def test_every_reference_of_a_source_resolves_in_its_container(name: str, made: Path) -> None:
    from connectors.config import load_source

    config = load_source(name, _settings(), resolve=False)
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
    assert folder == "/run/secrets" and file in service["secrets"], what
    assert re.search(rf"^{re.escape(key)}=", (made / file).read_text(), re.M), what


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
    quiet = {"redis", "grafana", "prometheus", "kafka-ui", "control-center"} | ONE_SHOT | set(source_names(_settings()))
    assert asked == set(SERVICES) - quiet


def test_a_source_runs_as_often_as_its_file_says() -> None:
    from connectors.config import load_source
    from glue.times import parse_duration

    for name in source_names(_settings()):
        command = SERVICES[name]["command"]
        every = load_source(name, _settings(), resolve=False).every
        assert parse_duration(command[command.index("--every") + 1]) == every


def _bytes(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)([a-zA-Z]*)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"m": 2**20, "g": 2**30}[unit[0].lower()]


def test_who_shows_foreign_pages_has_no_other_sources_tokens() -> None:
    volumes = {
        name: {str(one).partition(":")[0] for one in service.get("volumes", []) if not str(one).startswith(".")}
        for name, service in SERVICES.items()
    }
    browsers = {
        name for name, service in SERVICES.items() if str(service.get("image", "")).startswith("millionx/sources:")
    }
    assert browsers >= {"tiktok", "facebook", "daraz-listings"}
    reached = {
        other
        for name in browsers
        for other, service in SERVICES.items()
        if other not in browsers and set(service.get("networks", [])) & set(SERVICES[name]["networks"])
    }
    assert reached == {"kafka", "registry", "prometheus"}
    for name in browsers:
        assert volumes[name] and not volumes[name] & set().union(
            *(volumes[one] for one in SERVICES if one not in browsers)
        )
