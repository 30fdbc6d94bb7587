"""What the runs of a source have done since its first: a run of seconds is gone before Prometheus could ask it.

Kept in the topic of the checkpoints under a key of their own, so that runs on any machine, cron jobs among them, add to
the same totals. A run that is killed has added nothing; what it sent stays sent.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, fields

from connectors.checkpoint import checkpoints_topic
from glue.errors import MillionXError
from glue.kafka.config import KafkaConfig
from glue.kafka.topic_log import TopicLog

log = logging.getLogger(__name__)
_SUFFIX = "/totals"
_TIMEOUT = 30.0


def totals_key(source: str) -> str:
    """Key of the totals of ``source``."""
    return source + _SUFFIX


def source_of(key: bytes | None) -> str | None:
    """The source whose totals a record of the topic holds; None for another record."""
    text = (key or b"").decode("utf-8", "replace")
    return text.removesuffix(_SUFFIX) if text.endswith(_SUFFIX) else None


@dataclass
class Totals:
    """Counts of all runs together. Times are seconds since the epoch, 0 for never."""

    runs: dict[str, int] = field(default_factory=dict)  # by outcome
    attempts: dict[str, int] = field(default_factory=dict)  # calls to the vendor, by outcome
    records: dict[str, int] = field(default_factory=dict)  # acknowledged by Kafka, by topic
    dead_letters: int = 0
    repeated: int = 0
    seconds: float = 0.0
    last_run: float = 0.0
    last_success: float = 0.0
    newest_record: float = 0.0

    def __add__(self, other: Totals) -> Totals:
        """Both together; the later of two times."""
        merged = Totals(last_run=max(self.last_run, other.last_run))
        merged.last_success = max(self.last_success, other.last_success)
        merged.newest_record = max(self.newest_record, other.newest_record)
        for name in ("runs", "attempts", "records"):
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(merged, name, {key: mine.get(key, 0) + theirs.get(key, 0) for key in {**mine, **theirs}})
        merged.dead_letters = self.dead_letters + other.dead_letters
        merged.repeated = self.repeated + other.repeated
        merged.seconds = self.seconds + other.seconds
        return merged

    def dump(self) -> bytes:
        """JSON for the topic."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes | None) -> Totals:
        """The opposite of ``dump``; what cannot be read counts as nothing, for it is no more than statistics."""
        try:
            document = json.loads(data or b"{}")
            return cls(**{one.name: document[one.name] for one in fields(cls) if one.name in document})
        except (ValueError, TypeError):
            return cls()


def add_totals(kafka: KafkaConfig, source: str, run: Totals) -> None:
    """Add one run to the totals of ``source``, which must hold its lease; a failure is logged."""
    try:
        key = totals_key(source)
        topic = TopicLog(kafka, checkpoints_topic())
        topic.append(key, (Totals.load(topic.newest(key, _TIMEOUT)) + run).dump())
    except MillionXError as error:
        log.warning("source %s: this run is missing in the metrics: %s", source, error)
