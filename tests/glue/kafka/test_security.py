"""Every way to log in reaches every kind of client, on a broker that lets nobody in without."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock
from glue.kafka.produce import ProducerRecord, TransactionalProducer
from glue.kafka.reads import PartitionReader
from glue.kafka.topic_log import TopicLog
from glue.local.oidc import Oidc
from glue.local.part import Site
from glue.local.security import ADMIN, GUEST

pytestmark = pytest.mark.stack


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
    with pytest.raises(ServiceUnavailableError), PartitionReader(guest, {(topic, 0): 0}) as reader:
        reader.poll(5.0)


def test_who_does_not_log_in_reads_nothing(secure_kafka: Site) -> None:
    TopicLog(KafkaConfig(*way(secure_kafka, "SCRAM-SHA-512")), "test.closed", {}).append("a", b"1")
    with PartitionReader(KafkaConfig(secure_kafka.address("kafka", "broker")), {("test.closed", 0): 0}) as reader:
        assert reader.poll(5.0) == []
