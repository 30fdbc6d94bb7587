"""Kafka's logins in Compose: each program has its own, the broker knows it, and it may do what its role needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glue.kafka.config import read_properties
from glue.topology.load import load
from glue.topology.rights import rights
from tests.deploy.compose_file import environment, mounted
from tests.deploy.compose_services import DECLARED, MXCTL, SERVICES, each_mxctl

SUPER = {"broker", "millionx-admin"}
BY_HAND = {"audit", "dlq", "ingest", "page", "scaler"}  # no service here: by hand, as the administrator; KEDA
_JAVA = re.compile(r'PlainLoginModule required username="(.+?)" password="(.+?)";')


def role(name: str) -> str:
    """Which program of ``mxctl acls`` a service of ours is, by its command."""
    match SERVICES[name].get("command", []):
        case ["transforms", "run", chain, *_]:
            return f"chain-{chain}"
        case ["run", source, *_]:
            return f"source-{source}"
        case ["webhook", "serve", "--source", source, *_]:
            return f"webhook-{source}"
        case [("metrics" | "canary" | "person") as program, *_]:
            return str(program)
        case ["apply", *_]:
            return "mxctl"
    assert name in ("acls", "mxctl"), f"{name}: which of the roles is it?"
    return "admin"


@pytest.fixture(scope="module")
def known(made: Path) -> dict[str, str]:
    """Who the broker lets in, by which password."""
    return dict(re.findall(r'^  user_(.+)="(.+)"$', (made / "kafka.jaas").read_text(), re.M))


def login(made: Path, file: str) -> tuple[str, str]:
    """User and password in a file, of librdkafka or of Java."""
    if found := _JAVA.search((made / file).read_text()):
        return found[1], found[2]
    properties = read_properties(made / file)
    assert (properties.pop("security.protocol"), properties.pop("sasl.mechanisms")) == ("SASL_PLAINTEXT", "PLAIN")
    assert properties.keys() == {"sasl.username", "sasl.password"}
    return properties["sasl.username"], properties["sasl.password"]


@each_mxctl
def test_a_program_of_ours_logs_in_as_what_it_is(name: str, made: Path, known: dict[str, str]) -> None:
    file = environment(SERVICES[name])["MXCTL_KAFKA_PROPERTIES_FILE"].rpartition("/")[2]
    user, password = login(made, mounted(SERVICES[name])[file])
    assert user == f"millionx-{role(name)}" and known[user] == password


def test_everybody_else_who_asks_kafka_has_a_login_of_his_own(made: Path, known: dict[str, str]) -> None:
    files = {"connect": "kafka-connect.properties", "registry": "kafka-registry.properties",
             "kafka-ui": "kafka-ui.jaas", "control-center": "control-center.jaas"}  # fmt: skip
    asking = {name for name, one in SERVICES.items() if "kafka:9092" in environment(one).values()} - set(MXCTL)
    assert asking == files.keys()
    for name, file in files.items():
        assert file in mounted(SERVICES[name]).values()
        user, password = login(made, file)
        assert user == f"millionx-{name}" and known[user] == password


def test_each_login_has_rights_and_each_right_a_login(known: dict[str, str]) -> None:
    declared = load(DECLARED)
    principals = {acl.principal.removeprefix("User:") for acl in declared.of("acl").values()}
    assert principals == known.keys() - SUPER
    roles = {one.role for one in rights(declared, DECLARED)}
    assert {role(name) for name in MXCTL} | {"connect"} | BY_HAND == roles | {"admin"}
    assert len(set(known.values())) == len(known) and min(map(len, known.values())) >= 32
    held = {name for name, one in SERVICES.items() if "kafka-admin.properties" in mounted(one).values()}
    assert held == {"acls", "mxctl"}, "who may do everything is over before the others start, or a person"


def test_nobody_gets_in_without(known: dict[str, str]) -> None:
    broker = environment(SERVICES["kafka"])
    kinds = dict(one.split(":") for one in broker["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    used = {kinds[one.partition(":")[0]] for one in broker["KAFKA_LISTENERS"].split(",")}
    assert used == {"SASL_PLAINTEXT"} == set(kinds.values())
    assert broker["KAFKA_AUTHORIZER_CLASS_NAME"] == "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    assert broker["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"
    assert set(broker["KAFKA_SUPER_USERS"].split(";")) == {f"User:{one}" for one in SUPER} and known.keys() >= SUPER
    assert "-Djava.security.auth.login.config=/run/secrets/kafka.jaas" in broker["KAFKA_OPTS"]
    assert [name for name, one in SERVICES.items() if "kafka.jaas" in mounted(one)] == ["kafka"]
