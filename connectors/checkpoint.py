"""Where a source goes on: a cursor and the fingerprints of what was sent lately, in a compacted Kafka topic.

It is written in the same transaction as the records before it, so it cannot run ahead of them or fall behind; and a
source can go on from any machine.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from connectors.source import Cursor
from glue.errors import ServiceError
from glue.identity import source_lease
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock
from glue.kafka.topic_log import TopicLog
from glue.privacy.fingerprint import fingerprint as keyed
from glue.settings import get_settings

_HASH_BYTES = 8  # of 60,000 remembered records, two of one run collide once in ten billion runs
_REMEMBERED = 60_000  # 8 bytes each in base64: 640 kB, below the broker's megabyte for one message


@dataclass
class Seen:
    """Fingerprints of records that were sent, the newest last; the oldest are forgotten."""

    _order: dict[bytes, None] = field(default_factory=dict)

    @staticmethod
    def _hash(fingerprint: str) -> bytes:
        return keyed(fingerprint.encode())[:_HASH_BYTES]

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
            ServiceError: the bytes are not a checkpoint.
        """
        try:
            document: dict[str, Any] = json.loads(data)
            return cls(dict(document["cursor"]), Seen.load(document["seen"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(
                f"topic {checkpoints_topic()}", f"a checkpoint cannot be read ({type(error).__name__})",
                "write a tombstone for its key; the source then starts from the beginning",
            ) from error  # fmt: skip


def checkpoints_topic() -> str:
    """The compacted topic of the checkpoints: the setting ``MXCTL_CHECKPOINTS_TOPIC``."""
    return get_settings().checkpoints_topic


def lease(kafka: KafkaConfig, name: str, wait: float) -> Lock:
    """One run of source ``name`` at a time: a second one waits ``wait`` seconds for it.

    Two runs that ask in the same moment both get it; then the transactional id of the producer fences off the older
    one, which commits nothing more. A killed run holds it for six seconds, the broker's least.
    """
    what = f"source {name}"
    return Lock(kafka, source_lease(name), checkpoints_topic(), what=what, wait=wait, ttl=6, exclusive=False)


def read_checkpoint(kafka: KafkaConfig, key: str, timeout: float = 90.0) -> Checkpoint:
    """The newest committed checkpoint under ``key``; an empty one where there is none.

    Waits for transactions that are open in the topic: those of a killed run end by themselves within a minute, and
    what is behind them cannot be seen before.

    Raises:
        ServiceError: it is not a checkpoint, or the topic does not exist.
        ServiceUnavailableError: Kafka does not answer, or a transaction stays open.
    """
    newest = TopicLog(kafka, checkpoints_topic()).newest(key, timeout)
    return Checkpoint.load(newest) if newest else Checkpoint()
