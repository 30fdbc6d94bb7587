"""Where a source goes on: a cursor and the fingerprints of what was sent lately, in a compacted Kafka topic.

The sink writes a checkpoint in the same transaction as the records before it, so it can not run ahead of them or fall
behind; and a source can go on from any machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.source import Cursor
from glue.errors import ServiceError, ServiceUnavailableError
from glue.kafka.config import KafkaConfig

TOPIC = "connectors.checkpoints"
QUIET = 2  # librdkafka's log level: what it would print again and again is raised once as an error
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_HASH_BYTES = 8  # of 60,000 remembered records, two of one run collide once in ten billion runs
_REMEMBERED = 60_000  # 8 bytes each in base64: 640 kB, below the broker's megabyte for one message


@dataclass
class Seen:
    """Fingerprints of records that were sent, the newest last; the oldest are forgotten."""

    _order: dict[bytes, None] = field(default_factory=dict)

    @staticmethod
    def _hash(fingerprint: str) -> bytes:
        return hashlib.sha256(fingerprint.encode()).digest()[:_HASH_BYTES]

    def __contains__(self, fingerprint: str) -> bool:
        return self._hash(fingerprint) in self._order

    def add(self, fingerprints: Iterable[str]) -> None:
        """Remember; what comes again becomes the newest."""
        for fingerprint in fingerprints:
            hashed = self._hash(fingerprint)
            self._order.pop(hashed, None)
            self._order[hashed] = None
        for oldest in list(self._order)[: max(0, len(self._order) - _REMEMBERED)]:
            del self._order[oldest]

    def copy(self) -> Seen:
        """An independent copy."""
        return Seen(dict(self._order))

    def dump(self) -> str:
        """Base64 of all hashes, the oldest first."""
        return base64.b64encode(b"".join(self._order)).decode()

    @classmethod
    def load(cls, text: str) -> Seen:
        """The opposite of ``dump``."""
        data = base64.b64decode(text)
        return cls({data[at : at + _HASH_BYTES]: None for at in range(0, len(data), _HASH_BYTES)})


@dataclass
class Checkpoint:
    """The state of one source (or of one backfill of it)."""

    cursor: Cursor = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)

    def dump(self) -> bytes:
        """JSON for the topic."""
        return json.dumps({"cursor": self.cursor, "seen": self.seen.dump()}).encode()

    @classmethod
    def load(cls, data: bytes) -> Checkpoint:
        """The opposite of ``dump``.

        Raises:
            ServiceError: the bytes are no checkpoint.
        """
        try:
            document: dict[str, Any] = json.loads(data)
            return cls(dict(document["cursor"]), Seen.load(document["seen"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(
                f"topic {TOPIC}", f"a checkpoint can not be read ({type(error).__name__})",
                "write a tombstone for its key; the source then starts anew",
            ) from error  # fmt: skip


def read_checkpoint(kafka: KafkaConfig, key: str, timeout: float = 90.0) -> Checkpoint:
    """The newest committed checkpoint under ``key``; an empty one where there is none. Raises as :func:`read_newest`.

    Raises:
        ServiceError: it is no checkpoint.
    """
    newest = read_newest(kafka, key, timeout)
    return Checkpoint.load(newest) if newest else Checkpoint()


def read_newest(kafka: KafkaConfig, key: str, timeout: float = 90.0) -> bytes | None:
    """The newest committed value under ``key``; None where there is none.

    Waits for transactions that are open in the topic: those of a killed run end by themselves within a minute, and
    what is behind them can not be seen before.

    Raises:
        ServiceError: the topic does not exist.
        ServiceUnavailableError: Kafka does not answer, or a transaction stays open.
    """
    partition = TopicPartition(TOPIC, 0)
    end = _end(kafka, partition, timeout)
    reader: Consumer = kafka.consumer(
        f"connectors.read.{key}", {"enable.partition.eof": True, "fetch.wait.max.ms": 20, "log_level": QUIET}
    )
    newest: bytes | None = None
    deadline = time.monotonic() + timeout
    try:
        reader.assign([TopicPartition(TOPIC, 0, 0)])
        while True:
            message = reader.poll(1.0)
            error = message.error() if message is not None else None
            if message is not None and error is None and message.key() == key.encode():
                newest = message.value()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if message is not None and error is not None and (message.offset() or 0) >= end:
                return newest
            if time.monotonic() > deadline:
                raise ServiceUnavailableError(
                    f"topic {TOPIC}", "its end can not be read: a transaction stays open", "try again in a minute"
                )
    except KafkaException as error:
        raise ServiceUnavailableError(f"topic {TOPIC}", str(error.args[0]), "mxctl local status") from error
    finally:
        reader.close()


def _end(kafka: KafkaConfig, partition: TopicPartition, timeout: float) -> int:
    """The offset after the last message, those of open transactions included."""
    asker = kafka.consumer("connectors.end", {"isolation.level": "read_uncommitted", "log_level": QUIET})
    try:
        _low, high = asker.get_watermark_offsets(partition, timeout=timeout)
        return int(high)
    except KafkaException as error:
        kafka_error = error.args[0]
        if kafka_error.code() in _NO_TOPIC:
            raise ServiceError(f"topic {TOPIC}", "it does not exist", "mxctl topics apply") from error
        raise ServiceUnavailableError("Kafka", kafka_error.str(), "mxctl local status") from error
    finally:
        asker.close()
