"""Reading dead-letter topics: letters, and the marks that say which of them were dealt with.

A letter that was replayed or discarded stays in its topic; a mark is written after it, in the same topic and, for a
replay, in the same transaction as the record that goes back. So the topic alone tells what is open.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from glue.deadletters.headers import PREFIX, SEALED, last, retry_count
from glue.errors import ServiceUnavailableError, UsageError
from glue.kafka.config import KafkaConfig
from glue.transforms.contract import Headers

MARK = "millionx.letter.done"
MARKED = "millionx.letter"
_TIMEOUT = 20.0
_MOMENT = 0.1
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes:
        id: ``topic/partition/offset`` of the letter itself.
        done: empty while open, else ``replayed`` or ``discarded``.
        origin: ``topic/partition/offset`` of the record that failed.
        timestamp: of the record, milliseconds since the epoch.
        sealed: id of the key that its value is sealed with; empty when it is in the clear.
    """

    id: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    done: str = ""

    def header(self, name: str) -> str:
        """One of Connect's headers, by its short name; empty when absent."""
        return last(self.headers, PREFIX + name) or ""

    @property
    def topic(self) -> str:
        return self.id.rsplit("/", 2)[0]

    @property
    def origin(self) -> str:
        return "/".join(self.header(name) for name in ("topic", "partition", "offset"))

    @property
    def sealed(self) -> str:
        return last(self.headers, SEALED) or ""

    @property
    def attempts(self) -> int:
        return retry_count(self.headers)

    def summary(self) -> dict[str, Any]:
        """What may be shown of it without opening it."""
        return {
            "id": self.id,
            "state": self.done or "open",
            "origin": self.origin,
            "by": self.header("connector.name"),
            "stage": self.header("stage"),
            "class": self.header("class.name"),
            "error": self.header("exception.class.name"),
            "message": self.header("exception.message"),
            "attempts": self.attempts,
            "timestamp": self.timestamp,
            "sealed": bool(self.sealed),
        }


def dead_letter_topics(kafka: KafkaConfig) -> list[str]:
    """The topics of the cluster whose name starts with ``dead-letters``.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    kafka.must_listen()
    try:
        topics = kafka.admin({"log_level": 2}).list_topics(timeout=_TIMEOUT).topics
    except KafkaException as error:
        raise ServiceUnavailableError("Kafka", error.args[0].str(), "mxctl local status") from None
    return sorted(name for name in topics if name.startswith("dead-letters"))


def read_letters(kafka: KafkaConfig, topics: Sequence[str]) -> list[Letter]:
    """All letters of ``topics`` up to this moment, in the order of their topic and position, with their state.

    Raises:
        UsageError: a topic does not exist.
        ServiceUnavailableError: Kafka does not answer.
    """
    done: dict[str, str] = {}
    letters: list[Letter] = []
    for topic, message in read_topics(kafka, topics):
        headers: Headers = message.headers() or []
        mark = last(headers, MARK)
        if mark:
            done[last(headers, MARKED) or ""] = mark
            continue
        place = f"{topic}/{message.partition()}/{message.offset()}"
        letters.append(Letter(place, message.key(), message.value(), headers, message.timestamp()[1]))
    return [_with_state(letter, done) for letter in letters]


def _with_state(letter: Letter, done: dict[str, str]) -> Letter:
    return replace(letter, done=done[letter.id]) if letter.id in done else letter


def read_topics(kafka: KafkaConfig, topics: Iterable[str], committed_only: bool = True) -> Iterator[tuple[str, Any]]:
    """Each message of ``topics`` from the beginning up to the end of this moment."""
    kafka.must_listen()
    isolation = "read_committed" if committed_only else "read_uncommitted"
    settings = {"isolation.level": isolation, "enable.partition.eof": True, "client.id": "mxctl-dlq", "log_level": 2}
    consumer = kafka.consumer(f"mxctl-dlq-{uuid4()}", settings)
    try:
        for topic in topics:
            try:
                found = consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
            except KafkaException as error:
                raise ServiceUnavailableError("Kafka", error.args[0].str(), "mxctl local status") from None
            if found.error is not None:
                raise UsageError(f"topic {topic}", found.error.str(), "mxctl dlq stats names those there are")
            for partition in sorted(found.partitions):
                for message in read_partition(consumer, topic, partition):
                    yield topic, message
    finally:
        consumer.close()


def read_partition(consumer: Any, topic: str, partition: int, start: int = 0, stop: int | None = None) -> Iterator[Any]:
    """The messages at the offsets from ``start`` to before ``stop``, as far as they are there at this moment.

    ``consumer`` must be one with ``enable.partition.eof``.
    """
    place = TopicPartition(topic, partition)
    first, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT)
    first, end = max(first, start), end if stop is None else min(end, stop)
    if first >= end:
        return
    consumer.assign([TopicPartition(topic, partition, first)])
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        messages = consumer.consume(_BATCH, _MOMENT)
        if messages:
            deadline = time.monotonic() + _TIMEOUT
        for message in messages:
            if message.error() is None:
                if message.offset() >= end:
                    return
                yield message
                if message.offset() == end - 1:
                    return
            elif message.error().code() == KafkaError._PARTITION_EOF:
                return  # control records and aborted ones end a partition too
    raise ServiceUnavailableError(f"topic {topic}", "no answer in time", "mxctl local status")
