"""Writing to topics: so that each record is acknowledged, or so that all of them are there or none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from glue.errors import MillionXError, ServiceError, ServiceUnavailableError
from glue.kafka.config import QUIET, KafkaConfig

FENCED = (
    KafkaError._FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
)
_REFUSED = (
    KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION,
    KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED,
)  # fmt: skip
_TRANSACTION_MS = 15_000  # a transaction lasts as long as its produce calls; readers wait that long for a killed one
_TIMEOUT = 60.0
_TRIES = 5
_FIX = "mxctl local status; mxctl doctor"
Headers = Sequence[tuple[str, bytes | None]]


class FencedError(MillionXError):
    """This producer must stop: another of its name took over, or it failed for good. It commits nothing any more."""


@dataclass(frozen=True)
class ProducerRecord:
    """What goes to a topic; ``timestamp`` in milliseconds since the epoch, 0 leaves it to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int = 0
    partition: int | None = None


def enqueue(producer: Any, record: ProducerRecord, on_delivery: Callable[[Any, Any], None], patience: float) -> None:
    """Hand a record to a client; while its queue is full, wait until the broker took some.

    Raises:
        ServiceUnavailableError: the broker takes none.
    """
    more: dict[str, Any] = {"timestamp": record.timestamp} if record.timestamp > 0 else {}
    if record.partition is not None:
        more["partition"] = record.partition
    if record.headers:
        more["headers"] = list(record.headers)
    deadline = time.monotonic() + patience
    while True:
        try:
            producer.produce(record.topic, record.value, record.key, on_delivery=on_delivery, **more)
            producer.poll(0)
            return
        except BufferError:
            if time.monotonic() > deadline:
                raise ServiceUnavailableError(f"topic {record.topic}", "the broker accepts no records", _FIX) from None
            producer.poll(0.1)


class Sender:
    """Sends records outside of transactions."""

    def __init__(self, kafka: KafkaConfig, config: Mapping[str, Any] | None = None, patience: float = 15.0) -> None:
        own = {"client.id": "mxctl", "message.timeout.ms": int(patience * 1000)}
        self._producer, self._patience = kafka.producer({**own, **(config or {})}), patience

    def send(self, records: Iterable[ProducerRecord]) -> None:
        """Send all of them, and wait until all replicas have each.

        Raises:
            ServiceUnavailableError: Kafka did not take a record; it may have taken others.
        """
        refused: list[tuple[str, str]] = []

        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                refused.append((message.topic(), error.str()))

        topic = "?"
        try:
            for record in records:
                topic = record.topic
                enqueue(self._producer, record, delivered, self._patience)
        except KafkaException as error:
            raise ServiceUnavailableError(f"topic {topic}", f"Kafka: {error.args[0].str()}", _FIX) from None
        left = self._producer.flush(self._patience)
        if refused or left:
            topic, why = refused[0] if refused else (topic, f"no acknowledgement within {self._patience:.0f} s")
            raise ServiceUnavailableError(f"topic {topic}", f"Kafka: {why}", _FIX)


class TransactionalProducer:
    """Sends records all or none. Thread-safe: one transaction at a time.

    A second one of the same ``name`` (the transactional id) fences the first, and aborts what that left open. A reader
    with ``isolation.level=read_committed`` sees each record once.

    Raises:
        FencedError, ServiceUnavailableError: see ``commit``.
    """

    def __init__(self, kafka: KafkaConfig, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._open = False
        self._errors: list[KafkaError] = []
        own = {"transactional.id": name, "client.id": name, "transaction.timeout.ms": _TRANSACTION_MS}
        self._producer: Producer = kafka.producer({**QUIET, **own})
        try:
            self._retry(lambda: self._producer.init_transactions(_TIMEOUT))
        except KafkaException as error:
            raise self._error(error.args[0]) from None

    def commit(self, records: Sequence[ProducerRecord]) -> None:
        """Send all of them, acknowledged by all replicas, or nothing.

        Raises:
            FencedError: another producer of this name took over, or this one failed for good; nothing was committed.
            ServiceError: Kafka refuses a record for good; nothing was committed.
            ServiceUnavailableError: Kafka does not answer; nothing was committed.
        """
        if not records:
            return
        with self._lock:
            for attempt in range(1, _TRIES + 1):
                try:
                    self._once(records)
                    return
                except KafkaException as error:
                    self._undo(error.args[0], last=attempt == _TRIES)
                except ServiceUnavailableError:
                    self.abort()
                    raise

    def _once(self, records: Sequence[ProducerRecord]) -> None:
        self._errors.clear()
        self._producer.begin_transaction()
        self._open = True
        for record in records:
            enqueue(self._producer, record, self._delivered, _TIMEOUT)
        self._retry(lambda: self._producer.commit_transaction(_TIMEOUT))
        self._open = False

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._errors.append(error)

    def _retry(self, call: Callable[[], Any]) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                call()
                return
            except KafkaException as error:
                if error.args[0].code() in FENCED or not error.args[0].retriable() or attempt == _TRIES:
                    raise

    def _undo(self, error: KafkaError, last: bool) -> None:
        """After a failed transaction: clear it so that it can be sent again, or give up."""
        cause = self._errors[0] if self._errors else error
        given_up = self._error(error if error.code() in FENCED or error.fatal() else cause)
        if isinstance(given_up, FencedError) or last:
            raise given_up
        self.abort()
        if isinstance(given_up, ServiceError):
            raise given_up

    def _error(self, error: KafkaError) -> MillionXError:
        if error.code() in FENCED:
            return FencedError(f"Kafka producer {self.name}", "another producer of this name took over")
        if error.fatal():
            return FencedError(f"Kafka producer {self.name}", f"it cannot go on, start it anew: {error.str()}")
        if error.code() in _REFUSED:
            return ServiceError("Kafka", error.str(), "mxctl topics apply")
        return ServiceUnavailableError("Kafka", error.str(), "mxctl local status; then run again: nothing is lost")

    def abort(self) -> None:
        """Take back what is not committed."""
        if self._open:
            self._open = False
            try:
                self._producer.abort_transaction(_TIMEOUT)
            except KafkaException as error:
                raise self._error(error.args[0]) from error

    def close(self) -> None:
        """Let go of the connection; an open transaction is aborted by the broker."""
        self._producer.flush(5)
