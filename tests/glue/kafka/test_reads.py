"""Reading to the end on a real broker, whatever lies there that no reader gets to see."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import NewTopic

from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import FencedError, ProducerRecord, Sender, TransactionalProducer
from glue.kafka.reads import group_offsets, lag, partitions_of, read, read_to_end, read_topics, watermarks
from glue.kafka.tail import TopicTail
from glue.kafka.topic_log import TopicLog
from glue.settings import Settings
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
Make = Callable[..., str]


@pytest.fixture
def kafka(stack: Settings) -> KafkaConfig:
    return KafkaConfig.of(stack)


@pytest.fixture
def topic(kafka: KafkaConfig) -> Iterator[Make]:
    admin, made = kafka.admin(), list[str]()

    def make(partitions: int = 3, **config: str) -> str:
        name = f"test.reads.{uuid4().hex[:8]}"
        new = NewTopic(name, partitions, 1, config={key.replace("_", "."): value for key, value in config.items()})
        admin.create_topics([new])[name].result(30)
        made.append(name)
        return name

    yield make
    for future in admin.delete_topics(made).values():
        future.result(30)


def opened(kafka: KafkaConfig, topic: str, partition: int, *values: bytes) -> Producer:
    """A producer whose transaction with ``values`` has reached the broker and is open."""
    producer = kafka.producer({"transactional.id": uuid4().hex})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, b"open", partition=partition)
    producer.flush(30)
    return producer


def values(kafka: KafkaConfig, topic: str, committed: bool = True) -> list[bytes]:
    return [message.value() for _, message in read_topics(kafka, [topic], committed)]


def test_markers_and_aborted_transactions_at_the_end_are_passed_over(kafka: KafkaConfig, topic: Make) -> None:
    name = topic()  # partition 2 stays empty, 1 holds nothing but what was taken back
    committed = TransactionalProducer(kafka, uuid4().hex)
    committed.commit([ProducerRecord(name, b"k", b"one", partition=0), ProducerRecord(name, b"k", b"two", partition=0)])
    for partition in (0, 1):
        opened(kafka, name, partition, b"taken back", b"this too").abort_transaction(30)
    assert watermarks(kafka, [name]) == {(name, 0): (0, 6), (name, 1): (0, 3), (name, 2): (0, 0)}
    started = time.monotonic()
    assert values(kafka, name) == [b"one", b"two"]
    assert values(kafka, name, committed=False) == [
        b"one",
        b"two",
        b"taken back",
        b"this too",
        b"taken back",
        b"this too",
    ]
    found: list[bytes] = []
    ends = read_to_end(kafka, {(name, number): 0 for number in range(3)}, lambda m: found.append(m.value()), 30)
    assert found == [b"one", b"two"] and ends == {(name, 0): 6, (name, 1): 3, (name, 2): 0}
    assert time.monotonic() - started < 20, "the end was waited for instead of seen"
    (part,) = read(kafka, {(name, 0): (1, 2), (name, 2): (0, 0)})
    assert [message.value() for message in part] == [b"two"]


def test_the_gaps_of_a_compacted_topic_are_passed_over(kafka: KafkaConfig, topic: Make) -> None:
    name = topic(1, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.001")
    log, sender = TopicLog(kafka, name), Sender(kafka)
    sender.send(ProducerRecord(name, b"old", str(number).encode(), partition=0) for number in range(50))

    def compacted() -> bool:
        time.sleep(0.15)  # so that the next record closes the segment
        log.append("new", b"x")
        return len(values(kafka, name)) < 50

    wait_for(compacted, what="the broker compacts")
    entries = list(log.read())
    assert [entry.value for entry in entries if entry.key == "old"] == [b"49"]
    assert entries[-1].offset == watermarks(kafka, [name])[name, 0][1] - 1
    assert (log.newest("old"), log.newest("new"), log.newest("none")) == (b"49", b"x", None)


def test_an_open_transaction_ends_an_ordinary_read_and_is_waited_for_where_asked(
    kafka: KafkaConfig, topic: Make
) -> None:
    name = topic(1)
    log = TopicLog(kafka, name)
    log.append("open", b"before")
    producer = opened(kafka, name, 0, b"after")
    assert values(kafka, name) == [b"before"]
    with pytest.raises(ServiceUnavailableError, match="a transaction stays open"):
        log.newest("open", patience=1.0)
    producer.commit_transaction(30)
    assert log.newest("open") == b"after"


def test_a_tail_gives_what_came_after_it(kafka: KafkaConfig, topic: Make) -> None:
    name = topic()
    sender = Sender(kafka)
    sender.send([ProducerRecord(name, b"k", b"before")])
    with TopicTail(kafka, (name,)) as tail:
        sender.send([ProducerRecord(name, b"k", b"after", (("h", b"v"),), 1_700_000_000_000)])
        opened(kafka, name, 1, b"taken back").abort_transaction(30)
        ends, found = tail.ends(), list[bytes]()
        wait_for(
            lambda: found.extend(m.value() for m in tail.new()) or tail.reached(ends), what="the tail reaches the end"
        )
        assert found == [b"after"]
    with pytest.raises(ServiceUnavailableError, match="does not exist"):
        TopicTail(kafka, (name, "test.no.such.topic"))


def test_what_is_not_there_is_named_or_left_out(kafka: KafkaConfig) -> None:
    assert watermarks(kafka, ["test.no.such.topic"]) == {}
    with pytest.raises(UsageError, match=r"test\.no\.such\.topic"):
        watermarks(kafka, ["test.no.such.topic"], missing="mxctl apply")
    with pytest.raises(ServiceError, match="does not exist"):
        list(TopicLog(kafka, "test.no.such.topic").read())
    assert list(TopicLog(kafka, "test.no.such.topic", {}).read()) == []
    assert group_offsets(kafka.admin(), f"none-{uuid4()}") == {}


def test_what_a_group_has_left_to_read(kafka: KafkaConfig, topic: Make) -> None:
    name, group = topic(1), f"test-{uuid4()}"
    Sender(kafka).send(ProducerRecord(name, b"k", str(number).encode()) for number in range(5))
    consumer = kafka.consumer(group)
    consumer.subscribe([name])
    wait_for(lambda: (message := consumer.poll(0.2)) is not None and message.error() is None, what="a record")
    consumer.commit(asynchronous=False)
    consumer.close()
    ends, at = watermarks(kafka, [name])[name, 0], group_offsets(kafka.admin(), group)
    assert (at, lag(ends, at[name, 0]), lag(ends, None), lag((3, 5), 1)) == ({(name, 0): 1}, 4, 5, 2)


def test_a_second_producer_of_the_name_fences_the_first_and_all_or_nothing_is_sent(
    kafka: KafkaConfig, topic: Make
) -> None:
    name, shared = topic(1), uuid4().hex
    first = TransactionalProducer(kafka, shared)
    first.commit([ProducerRecord(name, b"1", b"1")])
    with pytest.raises(ServiceError):
        first.commit([ProducerRecord(name, b"2", b"no"), ProducerRecord("test.no.such.topic", b"2", b"no")])
    first.commit([ProducerRecord(name, b"3", b"3")])  # goes on after what was refused
    second = TransactionalProducer(kafka, shared)
    with pytest.raises(FencedError, match=shared):
        first.commit([ProducerRecord(name, b"4", b"no")])
    second.commit([ProducerRecord(name, b"5", b"5")])
    assert values(kafka, name) == [b"1", b"3", b"5"]


def test_nobody_there_is_said_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match="no broker answers"):
        watermarks(KafkaConfig("127.0.0.1:9"), ["t"])
    assert time.monotonic() - started < 10


def test_one_that_says_nothing_is_an_error_of_kafka() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kafka = KafkaConfig(f"127.0.0.1:{silent.getsockname()[1]}")
        admin = kafka.admin({"log_level": 0})
        for _ in range(8):  # both sides of a race, the client's own patience and that for its answer, were the same
            with pytest.raises(KafkaException, match="_TIMED_OUT"):
                partitions_of(admin, ["t"], timeout=0.3)
