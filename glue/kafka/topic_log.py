"""A small topic as a log that several programs write and read whole: one partition, each write acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from glue.errors import ServiceError
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.produce import ProducerRecord, Sender
from glue.kafka.reads import TIMEOUT, answer, kafka_unavailable, partitions_of, read, watermarks


@dataclass(frozen=True)
class Entry:
    """One record: its offset, the broker's time in milliseconds, key, and value (None is a tombstone)."""

    offset: int
    time: int
    key: str
    value: bytes | None


class TopicLog:
    """One such topic.

    Args:
        create: the topic's configuration; with it the topic is created when first written to, and reading one that is
            not there finds nothing. Without it the topic must be there.
    """

    def __init__(self, kafka: KafkaConfig, name: str, create: Mapping[str, str] | None = None) -> None:
        self._kafka, self.name, self._create = kafka, name, create
        self._sender: Sender | None = None

    def ensure(self) -> None:
        """Create the topic if it is missing; who may only write to it may not be allowed to."""
        self._kafka.must_listen()
        topic, admin = NewTopic(self.name, 1, -1, config=dict(self._create or {})), self._kafka.admin(QUIET)
        try:
            if partitions_of(admin, [self.name]):
                return
            answer(admin.create_topics([topic], operation_timeout=TIMEOUT, request_timeout=TIMEOUT)[self.name])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise kafka_unavailable(f"topic {self.name}", error) from None

    def append(self, key: str, value: bytes | None) -> None:
        """Write one record, and wait until all replicas have it.

        Raises:
            ServiceUnavailableError: Kafka did not take it.
        """
        self.append_all([(key, value)])

    def append_all(self, entries: Iterable[tuple[str, bytes | None]]) -> None:
        """Write several in order, and wait until all replicas have them; of a failure some may be written."""
        if self._sender is None:
            if self._create is not None:
                self.ensure()
            self._sender = Sender(self._kafka, {"linger.ms": 0, **QUIET})
        self._sender.send(ProducerRecord(self.name, key.encode(), value, partition=0) for key, value in entries)

    def read(self, patience: float = TIMEOUT, wait_for_open: bool = False) -> Iterator[Entry]:
        """Every committed record there is now, oldest first; arguments as of :func:`glue.kafka.reads.read`.

        Raises:
            ServiceError: the topic is not there, though it must be.
            ServiceUnavailableError: Kafka does not answer, or a transaction stays open.
        """
        ranges = watermarks(self._kafka, [self.name], committed=not wait_for_open)
        if not ranges and self._create is None:
            raise ServiceError(f"topic {self.name}", "it does not exist", "mxctl apply")
        for batch in read(self._kafka, ranges, patience=patience, wait_for_open=wait_for_open):
            for one in batch:
                key = (one.key() or b"").decode("utf-8", "replace")
                yield Entry(one.offset(), one.timestamp()[1], key, one.value())

    def newest(self, key: str, patience: float = TIMEOUT) -> bytes | None:
        """The newest committed value under ``key``; None where there is none.

        Waits for transactions that are open in the topic: what is behind them cannot be seen before. Raises as
        :meth:`read`.
        """
        value: bytes | None = None
        for entry in self.read(patience, wait_for_open=True):
            value = entry.value if entry.key == key else value
        return value
