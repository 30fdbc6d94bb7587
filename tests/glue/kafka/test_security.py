"""Every way to log in reaches every kind of client, on a broker that lets nobody in without."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from glue.errors import ConfigError, MillionXError
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock
from glue.kafka.produce import ProducerRecord, TransactionalProducer
from glue.kafka.reads import PartitionReader
from glue.kafka.topic_log import TopicLog
from glue.local.oidc import Oidc
from glue.local.part import Site
from glue.local.security import ADMIN, AUDIENCE, GUEST
from glue.settings import Settings
from sandbox.oidc import Provider
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = {"Producer", "Consumer", "AdminClient", "SerializingProducer", "DeserializingConsumer"}


def way(site: Site, name: str, user: str = ADMIN) -> tuple[str, Mapping[str, str]]:
    """Address of the listener, and librdkafka's keys."""
    assert site.security is not None
    trust, certificate = {"ssl.ca.location": str(site.security.authority)}, str(site.security.certificate(user))
    password = site.security.passwords[user]
    if name == "OAUTHBEARER":
        return site.address("kafka", "oauth"), {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": name,
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": user,
            "sasl.oauthbearer.client.secret": password,
            "sasl.oauthbearer.token.endpoint.url": f"{Oidc().issuer(site)}/token",
            "https.ca.location": str(site.security.authority),
            **trust,
        }
    if name == "mTLS":
        keys = {"ssl.certificate.location": certificate, "ssl.key.location": certificate}
        return site.address("kafka", "mtls"), {"security.protocol": "SSL", **keys, **trust}
    login = {"sasl.mechanism": name, "sasl.username": user, "sasl.password": password}
    return site.address("kafka", "broker"), {"security.protocol": "SASL_SSL", **login, **trust}


@pytest.mark.stack
@pytest.mark.parametrize("name", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "mTLS"])
def test_every_kind_of_client_logs_in(secure_kafka: Site, name: str) -> None:
    kafka, topic = KafkaConfig(*way(secure_kafka, name)), f"test.{name}"
    log = TopicLog(kafka, topic, {})
    log.append("a", b"1")  # admin client and producer
    TransactionalProducer(kafka, topic).commit([ProducerRecord(topic, b"a", b"2")])
    assert log.newest("a") == b"2"  # consumer
    with Lock(kafka, topic, topic, what="the lock") as lock:  # member of a group
        lock.check()
    guest = KafkaConfig(*way(secure_kafka, name, GUEST))
    with pytest.raises(MillionXError, match=topic):
        TopicLog(guest, topic, {}).newest("a")


@pytest.mark.stack
def test_who_does_not_log_in_reads_nothing(secure_kafka: Site) -> None:
    TopicLog(KafkaConfig(*way(secure_kafka, "SCRAM-SHA-512")), "test.closed", {}).append("a", b"1")
    with PartitionReader(KafkaConfig(secure_kafka.address("kafka", "broker")), {("test.closed", 0): 0}) as reader:
        assert reader.poll(5.0) == []


@pytest.mark.stack
def test_a_password_that_changed_in_its_file_is_taken_by_a_client_that_runs(secure_kafka: Site, tmp_path: Path) -> None:
    admin = KafkaConfig(*way(secure_kafka, "mTLS")).admin()
    TopicLog(KafkaConfig(*way(secure_kafka, "mTLS")), "test.rotated", {}).ensure()
    parts = (ResourcePatternType.LITERAL, "User:rotated", "*", AclOperation.WRITE, AclPermissionType.ALLOW)
    for future in admin.create_acls([AclBinding(ResourceType.TOPIC, "test.rotated", *parts)]).values():
        future.result(30)

    def set_password(password: str) -> None:
        form = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        (future,) = admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("rotated", form, password.encode())]
        ).values()
        future.result(30)

    def write(password: str) -> None:
        assert secure_kafka.security is not None
        known = secure_kafka.security.kafka(GUEST).read_text().splitlines()
        kept = [line for line in known if not line.startswith(("sasl.username", "sasl.password"))]
        file.write_text("\n".join([*kept, "sasl.username=rotated", f"sasl.password={password}"]))

    file = tmp_path / "client.properties"
    write("first")
    set_password("second")
    nowhere = Settings(kafka=secure_kafka.address("kafka", "broker"), kafka_properties_file=file)
    seen: list[str] = []
    producer = KafkaConfig.of(nowhere).producer({"error_cb": lambda error: seen.append(error.name())})
    producer.produce("test.rotated", b"1")
    wait_for(lambda: producer.poll(0.2) or seen, lambda _: "_AUTHENTICATION" in seen)
    write("second")
    wait_for(lambda: producer.flush(1), lambda left: left == 0)


@pytest.mark.stack
def test_a_token_of_amazons_signer_is_shown(secure_kafka: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the signer gives a token of the local provider; it is asked and answers as the real one is."""
    address, oidc = way(secure_kafka, "OAUTHBEARER")
    assert secure_kafka.security is not None
    folder = secure_kafka.security.folder
    provider = Provider(Oidc().issuer(secure_kafka), folder / "oidc.key", folder / "passwords.json", AUDIENCE)
    asked: list[str] = []

    def generate(region: str) -> tuple[str, int]:
        asked.append(region)
        return provider.token(ADMIN), int((time.time() + 500) * 1000)

    signer = SimpleNamespace(MSKAuthTokenProvider=SimpleNamespace(generate_auth_token=generate))
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", signer)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    kept = {key: oidc[key] for key in ("security.protocol", "sasl.mechanism", "ssl.ca.location")}
    kafka = KafkaConfig(address, {**kept, "sasl.oauthbearer.method": "aws_msk_iam"})
    log = TopicLog(kafka, "test.msk", {})
    log.append("a", b"1")
    assert log.newest("a") == b"1"
    assert set(asked) == {"ap-south-1"}


def test_without_the_signer_it_is_said_what_to_install() -> None:
    given = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "aws_msk_iam"}
    with pytest.raises(ConfigError) as caught:
        KafkaConfig("127.0.0.1:1", given).admin()
    assert caught.value.fix == "pip install 'millionx[msk]'"


def test_every_client_is_made_by_the_one_config() -> None:
    """Else a setting would not reach it."""
    wrong = []
    for file in (file for top in ("connectors", "glue", "sandbox") for file in (ROOT / top).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in calls}
        wrong += [f"{file.relative_to(ROOT)} makes a {name}" for name in sorted(names & CLIENTS)]
    assert wrong == ["glue/kafka/config.py makes a AdminClient"], "to find out which key librdkafka refuses"
