"""To Kafka: records, dead letters and the checkpoint of one page in one transaction.

The transactional id is that of the source, so after a kill the next run aborts what was left open, and a run that
lost its lease can commit nothing. A reader with ``isolation.level=read_committed`` sees each record once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.checkpoint import QUIET
from connectors.checkpoint import TOPIC as CHECKPOINTS
from connectors.errors import FencedError
from connectors.models import SourceRecord
from glue.avro import Encoder, encoder_for_subject
from glue.errors import ServiceError, ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.registry import SchemaRegistryClient
from glue.tracing import HEADER, traces

_TRANSACTION_MS = 15_000  # a transaction lasts as long as its produce calls; readers wait that long for a killed one
_TIMEOUT = 60.0
_TRIES = 5
_FENCED = {KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED}
Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Message:
    """What goes to a topic; ``timestamp`` in milliseconds since the epoch, 0 leaves it to Kafka.

    Records leave it to Kafka: with the time of an old order, retention would delete it before anybody reads it.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int = 0


class Sink:
    """A transactional producer. Thread-safe: one transaction at a time."""

    def __init__(self, kafka: KafkaConfig, registry: SchemaRegistryClient, name: str) -> None:
        self._registry = registry
        self._encoders: dict[str, Encoder] = {}
        self._lock = threading.Lock()
        self._open = False
        self._errors: list[KafkaError] = []
        self._traces = traces(f"millionx-source-{name}", f"source {name}")
        self._producer: Producer = kafka.producer(
            {
                "transactional.id": f"connectors.{name}",
                "transaction.timeout.ms": _TRANSACTION_MS,
                "log_level": QUIET,
            },
        )
        self._retry("open", lambda: self._producer.init_transactions(_TIMEOUT))

    def message(self, topic: str, record: SourceRecord) -> Message:
        """``record`` in Avro under the subject of ``topic``.

        Raises:
            DataError: it does not fit the registered schema.
            ServiceError: the subject is not registered.
        """
        encoder = self._encoders.get(topic)
        if encoder is None:
            encoder = self._encoders[topic] = encoder_for_subject(self._registry, f"{topic}-value")
        return Message(topic, record.key.encode(), encoder(record.model_dump()))

    def commit(self, messages: Sequence[Message], checkpoint: tuple[str, bytes] | None = None) -> None:
        """Send all of it, acknowledged by all replicas, or nothing.

        Raises:
            FencedError: another run of this source took over; nothing was committed.
            ServiceUnavailableError: Kafka does not answer; nothing was committed.
        """
        if not messages and checkpoint is None:
            return
        with self._lock:
            messages = self._traced(messages)
            for attempt in range(1, _TRIES + 1):
                try:
                    self._once(messages, checkpoint)
                    if self._traces is not None:
                        self._traces.end(records=len(messages))
                    return
                except KafkaException as error:
                    self._abort(error.args[0], last=attempt == _TRIES)

    def _traced(self, messages: Sequence[Message]) -> Sequence[Message]:
        """With the header of a trace that begins here, when traces are on."""
        if self._traces is None or not messages:
            return messages
        self._traces.begin()
        header = (HEADER, self._traces.start())
        return [replace(message, headers=(*message.headers, header)) for message in messages]

    def _once(self, messages: Sequence[Message], checkpoint: tuple[str, bytes] | None) -> None:
        self._errors.clear()
        self._producer.begin_transaction()
        self._open = True
        for message in messages:
            self._produce(message.topic, message.key, message.value, message.headers, message.timestamp)
        if checkpoint is not None:
            self._produce(CHECKPOINTS, checkpoint[0].encode(), checkpoint[1], (), 0)
        self._retry("commit", lambda: self._producer.commit_transaction(_TIMEOUT))
        self._open = False

    def _produce(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, timestamp: int) -> None:
        extra: dict[str, Any] = {"timestamp": timestamp} if timestamp > 0 else {}
        while True:
            try:
                self._producer.produce(
                    topic, value=value, key=key, headers=list(headers), on_delivery=self._delivered, **extra
                )
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.5)

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._errors.append(error)

    def _retry(self, what: str, call: Callable[[], Any]) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                call()
                return
            except KafkaException as error:
                kafka_error = error.args[0]
                if kafka_error.code() in _FENCED:
                    raise FencedError("Kafka", "another run of this source took over") from error
                if not kafka_error.retriable() or attempt == _TRIES:
                    if what == "commit":
                        raise
                    raise ServiceUnavailableError("Kafka", kafka_error.str(), "mxctl local status") from error

    def _abort(self, error: KafkaError, last: bool) -> None:
        """After a failed transaction: clear it so that it can be sent again, or give up."""
        cause = self._errors[0] if self._errors else error
        if error.code() in _FENCED or cause.code() in _FENCED:
            raise FencedError("Kafka", "another run of this source took over")
        if cause.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError.MSG_SIZE_TOO_LARGE):
            self.abort()
            raise ServiceError("Kafka", cause.str(), "mxctl topics apply")
        if error.fatal() or last:
            raise ServiceUnavailableError("Kafka", cause.str(), "mxctl local status; then run again: nothing is lost")
        self.abort()

    def abort(self) -> None:
        """Take back what is not committed."""
        if self._open:
            self._open = False
            try:
                self._producer.abort_transaction(_TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() in _FENCED:
                    raise FencedError("Kafka", "another run of this source took over") from error
                raise ServiceUnavailableError("Kafka", error.args[0].str(), "run again: nothing is lost") from error

    def close(self) -> None:
        """Let go of the connection; an open transaction is aborted by the broker."""
        if self._traces is not None:
            self._traces.end("not committed")
        self._producer.flush(5)
