"""The logins that make-secrets gives the parts in Compose: on a real Redis, and by who has which file.

That Connect asks for its one is a test of its image (``test_connect_image.py``).
"""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from glue.kafka.config import read_properties
from glue.redis_client import open_redis
from glue.settings import Settings
from glue.topology.load import load
from tests.deploy.compose_file import environment, mounted
from tests.deploy.compose_services import DECLARED, MXCTL, SERVICES, each_mxctl


@pytest.fixture
def users(redis_server: str, made: Path) -> str:
    """A real Redis with the users of the file; its "default" is called "anybody", as the server's owner is that one."""
    admin = redis.Redis.from_url(redis_server)
    admin.set("product:1", "{}")
    for line in (made / "redis.acl").read_text().splitlines():
        kind, name, *rules = line.split()
        assert kind == "user"
        admin.execute_command("ACL", "SETUSER", "anybody" if name == "default" else name, "reset", *rules)
    return redis_server


def test_who_is_not_logged_in_sees_that_redis_is_well_and_no_key(users: str) -> None:
    anybody = redis.Redis.from_url(users, username="anybody", password="")
    assert anybody.ping() and anybody.info()["db0"]["keys"] == 1
    for command in ("GET product:1", "KEYS *", "SCAN 0", "SET a b", "DBSIZE", "CONFIG GET *", "ACL LIST", "MONITOR"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            anybody.execute_command(*command.split())


def test_our_programs_use_it_and_cannot_end_it(users: str, made: Path) -> None:
    login = environment(SERVICES["catalogue"])
    settings = Settings(
        redis=users,
        redis_user=login["MXCTL_REDIS_USER"],
        redis_password_file=made / Path(login["MXCTL_REDIS_PASSWORD_FILE"]).name,
    )
    with open_redis(settings, 10) as client:
        assert client.set("a", "b") and client.get("product:1") == b"{}" and client.dbsize() == 2
        assert client.delete("a") == 1 and [*client.scan_iter()] == [b"product:1"]
        for command in ("FLUSHALL", "CONFIG GET *", "ACL LIST", "SHUTDOWN"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command.split())


def test_only_who_uses_a_store_has_its_login() -> None:
    def having(secret: str) -> set[str]:
        return {name for name, service in SERVICES.items() if secret in mounted(service)}

    chains = {name for name, service in MXCTL.items() if service.get("command", [])[:2] == ["transforms", "run"]}
    assert having("redis_password") == chains | {"catalogue", "person", "mxctl"}
    assert having("weaviate_api_key") == {"weaviate", "apply", "canary", "person", "mxctl"}
    assert (having("redis.acl"), having("weaviate.properties")) == ({"redis"}, {"connect"})
    asked = {key: value for key, value in environment(SERVICES["weaviate"]).items() if key.startswith("AUTHENTICATION")}
    assert asked == {"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false", "AUTHENTICATION_APIKEY_ENABLED": "true"}


@each_mxctl
def test_a_login_is_named_where_its_file_is_mounted(name: str) -> None:
    variables, secrets = environment(SERVICES[name]), mounted(SERVICES[name])
    for secret, variable in {
        "connect_password": "MXCTL_CONNECT_PASSWORD_FILE",
        "registry_password": "MXCTL_REGISTRY_PASSWORD_FILE",
        "registry_admin_password": "MXCTL_REGISTRY_PASSWORD_FILE",
        "redis_password": "MXCTL_REDIS_PASSWORD_FILE",
        "weaviate_api_key": "MXCTL_WEAVIATE_API_KEY_FILE",
    }.items():
        assert (variables.get(variable) == f"/run/secrets/{secret}") == (secret in secrets), variable


def test_only_who_changes_connectors_has_connects_login(made: Path) -> None:
    having = {secret: {name for name, one in SERVICES.items() if secret in mounted(one)}
              for secret in ("connect_password", "connect_users.properties")}  # fmt: skip
    others = {name for name, one in SERVICES.items() if "http://connect:8083" in environment(one).values()} - set(MXCTL)
    assert having["connect_password"] == {"apply", "mxctl"} | others and others == {"kafka-ui"}
    assert having["connect_users.properties"] == {"connect"}
    password = (made / "connect_password").read_text().strip()
    users = {environment(SERVICES[name])[key] for name, key in (
        ("apply", "MXCTL_CONNECT_USER"), ("kafka-ui", "KAFKA_CLUSTERS_0_KAFKACONNECT_0_USERNAME"))}  # fmt: skip
    assert len(password) >= 32
    assert {f"{user}={password}\n" for user in users} == {(made / "connect_users.properties").read_text()}


def test_what_people_look_at_asks_who_they_are(made: Path) -> None:
    ui = environment(SERVICES["kafka-ui"])
    assert (ui["AUTH_TYPE"], ui["SPRING_SECURITY_USER_PASSWORD"]) == ("LOGIN_FORM", "${kafka_ui_password}")
    for name in ("kafka_ui_password", "grafana_password"):
        assert len((made / name).read_text().strip()) >= 32
        assert [one for one, service in SERVICES.items() if name in mounted(service)] == [name[:-9].replace("_", "-")]


def test_the_registry_knows_its_users_and_only_mxctl_may_register(made: Path) -> None:
    known = read_properties(made / "registry_users.properties")
    users, roles = ("quarkus.security.users.embedded.users.", "quarkus.security.users.embedded.roles.")
    assert known["quarkus.http.auth.basic"] == known["quarkus.security.users.embedded.plain-text"] == "true"
    for secret, user, role, by in (
        ("registry_password", "millionx", "sr-readonly", set(MXCTL) - {"apply", "mxctl"}),
        ("registry_admin_password", "millionx-mxctl", "sr-admin", {"apply", "mxctl"}),
    ):
        assert known[users + user] == (made / secret).read_text().strip() and known[roles + user] == role
        assert {name for name in MXCTL if environment(SERVICES[name])["MXCTL_REGISTRY_USER"] == user} == by
        assert {name for name in MXCTL if secret in mounted(SERVICES[name])} == by
    assert len({*known.values()}) == 5
    assert known["apicurio.auth.role-based-authorization"] == "true"
    read = environment(SERVICES["registry"])["QUARKUS_CONFIG_LOCATIONS"].split(",")
    assert {one.rpartition("/")[2] for one in read} == mounted(SERVICES["registry"]).keys()
    for name in ("connect", "kafka-ui", "control-center"):
        assert {"registry_password", "registry.properties"} & mounted(SERVICES[name]).keys(), name
        assert "registry_admin_password" not in mounted(SERVICES[name])
    reader = known[users + "millionx"]
    assert (made / "registry.properties").read_text() == f"user.info=millionx:{reader}\n"
    for connector in load(DECLARED).connectors.values():
        assert connector.config["value.converter.basic.auth.credentials.source"] == "USER_INFO"


def test_mxctl_the_connector_and_weaviate_have_the_same_key(made: Path) -> None:
    key = (made / "weaviate_api_key").read_text().strip()
    assert len(key) >= 32 and (made / "weaviate.properties").read_text() == f"api.key={key}\n"
    script = SERVICES["weaviate"]["entrypoint"][2]
    assert '="$(cat /run/secrets/weaviate_api_key)"' in script
