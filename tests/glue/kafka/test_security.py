"""SASL reaches every client: over a listener that asks for a password, on a broker of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock
from glue.kafka.produce import ProducerRecord, TransactionalProducer
from glue.kafka.reads import PartitionReader
from glue.kafka.topic_log import TopicLog
from glue.local.kafka import Kafka
from glue.local.part import Site
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.local.state import State
from glue.settings import Settings

pytestmark = pytest.mark.stack
USER, PASSWORD = "millionx", "hush-4711"
LISTENER = f"""
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=\\
 org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
"""


class WithPasswords(Kafka):
    """The broker of the local stack with a second listener, which asks for a password."""

    ports = (*Kafka.ports, "sasl")

    def _config(self, site: Site, name: str, data: Path) -> Path:
        file, sasl = super()._config(site, name, data), site.address(self.name, "sasl")
        text = file.read_text().replace("listeners=PLAINTEXT:", f"listeners=SASL_PLAINTEXT://{sasl},PLAINTEXT:")
        file.write_text(text.replace("map=", "map=SASL_PLAINTEXT:SASL_PLAINTEXT,") + LISTENER)
        return file


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    local = Stack(tmp_path, Reporter(quiet=True), [WithPasswords()])
    try:
        local.up(services=False)
        yield f"127.0.0.1:{State(tmp_path / 'state.json').part('kafka').ports['sasl']}"
    finally:
        local.down()


def test_every_kind_of_client_logs_in(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "client.properties").write_text(f"sasl.mechanisms=PLAIN\nsasl.username={USER}\nsasl.password=wrong\n")
    monkeypatch.setenv("MXCTL_KAFKA", address)
    monkeypatch.setenv("MXCTL_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("MXCTL_KAFKA_PROPERTIES_FILE", str(tmp_path / "client.properties"))
    with pytest.raises(ServiceUnavailableError) as caught:
        TopicLog(KafkaConfig.of(Settings()), "test.sasl", {}).ensure()
    assert PASSWORD not in f"{caught.value}{caught.value.fix}"
    monkeypatch.setenv("MXCTL_KAFKA_SASL_PASSWORD", PASSWORD)  # stands above the file
    kafka = KafkaConfig.of(Settings())
    log = TopicLog(kafka, "test.sasl", {})
    log.append("a", b"1")  # admin client and producer
    TransactionalProducer(kafka, "test").commit([ProducerRecord("test.sasl", b"a", b"2")])
    assert log.newest("a") == b"2"  # consumer
    with Lock(kafka, "test", "test.sasl", what="the lock") as lock:  # member of a group
        lock.check()
    with PartitionReader(KafkaConfig(address), {("test.sasl", 0): 0}) as reader:
        assert reader.poll(5.0) == [], "without a password nothing is read"
