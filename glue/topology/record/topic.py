"""A small Kafka topic as a log that several mxctl write and read whole: one partition, read from start to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TIMEOUT, kafka_unavailable

QUIET = {"log_level": 2, "socket.timeout.ms": 10_000}


@dataclass(frozen=True)
class Entry:
    """One record: its offset, the broker's time in milliseconds, key, and JSON value (None is a tombstone)."""

    offset: int
    time: int
    key: str
    value: Any


class RecordTopic:
    """One of mxctl's own topics. Created when first written to; reading one that is not there finds nothing."""

    def __init__(self, kafka: KafkaConfig, name: str, config: dict[str, str]) -> None:
        self._kafka, self.name, self._config = kafka, name, config
        self._producer: Any = None

    def ensure(self) -> None:
        """Create the topic if it is missing."""
        self._kafka.must_listen()
        admin = self._kafka.admin(QUIET)
        topic = NewTopic(self.name, 1, -1, config=self._config)
        try:
            admin.create_topics([topic], operation_timeout=TIMEOUT)[self.name].result(TIMEOUT)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise kafka_unavailable(f"topic {self.name}", error) from None

    def append(self, key: str, value: Any) -> int:
        """Write one record, wait for the acknowledgement, return its offset.

        Raises:
            ServiceUnavailableError: Kafka did not take it.
        """
        if self._producer is None:
            self.ensure()
            self._producer = self._kafka.producer({"linger.ms": 0, "message.timeout.ms": TIMEOUT * 1000, **QUIET})
        answers: list[tuple[KafkaError | None, Message]] = []
        data = None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
        try:
            self._producer.produce(
                self.name, data, key.encode(), partition=0, on_delivery=lambda e, m: answers.append((e, m))
            )
            self._producer.flush(TIMEOUT)
        except (KafkaException, BufferError) as error:
            raise ServiceUnavailableError(f"topic {self.name}", f"Kafka: {error}", "mxctl doctor") from None
        if not answers or answers[0][0] is not None:
            why = answers[0][0].str() if answers and answers[0][0] else f"no acknowledgement within {TIMEOUT} s"
            raise ServiceUnavailableError(f"topic {self.name}", f"Kafka: {why}", "mxctl doctor")
        return answers[0][1].offset() or 0

    def read(self) -> Iterator[Entry]:
        """Every record there is now, oldest first.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        self._kafka.must_listen()
        reader = self._kafka.consumer("mxctl", {"fetch.wait.max.ms": 20, **QUIET})
        try:
            topic = reader.list_topics(self.name, TIMEOUT).topics.get(self.name)
            if topic is None or topic.error is not None:
                return
            low, high = reader.get_watermark_offsets(TopicPartition(self.name, 0), TIMEOUT)
            if low >= high:
                return
            reader.assign([TopicPartition(self.name, 0, low)])
            while True:
                message = reader.poll(TIMEOUT)
                if message is None:
                    why = f"Kafka sent nothing for {TIMEOUT} s"
                    raise ServiceUnavailableError(f"topic {self.name}", why, "mxctl doctor")
                if message.error() is not None:
                    raise KafkaException(message.error())
                entry = _entry(message)
                yield entry
                if entry.offset >= high - 1:
                    return
        except KafkaException as error:
            raise kafka_unavailable(f"topic {self.name}", error) from None
        finally:
            reader.close()


def _entry(message: Message) -> Entry:
    data, key = message.value(), message.key()
    return Entry(
        message.offset() or 0,
        message.timestamp()[1],
        key.decode() if isinstance(key, bytes) else str(key or ""),
        json.loads(data) if data else None,
    )
