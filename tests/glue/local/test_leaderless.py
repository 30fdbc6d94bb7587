"""A transaction is aborted while a partition has no leader: what it wrote there stays invisible.

Kafka 4.3.0 to 4.4.0 take such a partition for a deleted one, and the next commit shows what was aborted (KAFKA-20734).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import NewTopic

from glue.kafka.config import KafkaConfig
from glue.kafka.reads import read_topics
from glue.local.kafka import Kafka
from glue.local.report import Reporter
from glue.local.size import make_size
from glue.local.stack import Stack
from glue.settings import get_settings
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
_TOPIC = "written.on.the.third.broker"


@pytest.fixture
def brokers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Three brokers, and a topic that the third one has alone."""
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    make_size(tmp_path, 3, 1)
    stack = Stack(tmp_path, Reporter(quiet=True), [Kafka()])
    try:
        stack.up(services=False)
        get_settings.cache_clear()
        admin = KafkaConfig.of(get_settings()).admin()
        topic = NewTopic(_TOPIC, 1, replica_assignment=[[3]])
        admin.create_topics([topic])[_TOPIC].result(30)
        yield stack
    finally:
        stack.down()


def test_what_was_aborted_without_a_leader_stays_aborted(brokers: Stack) -> None:
    kafka = KafkaConfig.of(get_settings())
    producer, admin = kafka.producer({"transactional.id": "one"}), kafka.admin()
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(_TOPIC, "aborted", partition=0)
    assert producer.flush(30) == 0

    third = psutil.Process(brokers.site().state.part("kafka-3").pid)
    third.kill()
    third.wait(30)
    wait_for(lambda: admin.list_topics(_TOPIC, 5).topics[_TOPIC].partitions[0].leader == -1, what="no leader")
    producer.abort_transaction(60)
    brokers.up(services=False)

    producer.begin_transaction()
    producer.produce(_TOPIC, "committed", partition=0)
    producer.commit_transaction(60)
    assert [message.value() for _, message in read_topics(kafka, [_TOPIC])] == [b"committed"]
