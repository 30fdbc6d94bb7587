"""docker-compose.yml, held against the Compose specification: safe, in order, with its files and sizes."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from glue.privacy.keyring import load_keyring
from tests.deploy.compose_file import (
    FILE,
    ROOT,
    SIZES,
    compose,
    env_file,
    environment,
    listens,
    mounted,
    undigested,
    variables,
    with_env,
)
from tests.deploy.compose_services import (
    COMPOSE,
    ONE_SHOT,
    SERVICES,
    each_mxctl,
    each_service,
)


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
    used = {secret for service in SERVICES.values() for secret in mounted(service).values()}
    assert used == set(COMPOSE["secrets"])
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    assert "deploy/secrets/" in ignored


@each_service
def test_every_secret_file_that_the_environment_names_is_there(name: str) -> None:
    values = [one for value in environment(SERVICES[name]).values() for one in value.split(",")]
    named = {value for value in values if value.startswith("/run/secrets/")}
    assert named <= {f"/run/secrets/{file}" for file in mounted(SERVICES[name])}


@each_service
def test_no_secret_is_in_the_environment(name: str) -> None:
    """Files are named there, or Spring's properties, which are files of the same name."""
    from glue.secrets import is_secret_key

    secrets = {f"${{{file}}}" for file in mounted(SERVICES[name])}
    for key, value in environment(SERVICES[name]).items():
        if is_secret_key(key.lower().replace("__", ".")) and not value.startswith("/run/secrets/"):
            assert value in secrets, key
            assert environment(SERVICES[name])["SPRING_CONFIG_IMPORT"] == "configtree:/run/secrets/"


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
