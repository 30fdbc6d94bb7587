"""The one way to Kafka: native records become validated, keyed Avro records or dead letters, each published once.

Producers, the webhook receiver and ``mxctl ingest`` all go through it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import ValidationError

from connectors.checkpoint import Checkpoint, Seen
from connectors.config import SourceConfig
from connectors.deadletters import dead_letter, raw_fingerprint
from connectors.models import SourceRecord
from connectors.producer import SourceProducer
from connectors.source import Cursor, Fields, Raw
from connectors.stats import Stats
from glue.errors import DataError
from glue.kafka.produce import ProducerRecord
from glue.reasons import broken_fields, reason_of

log = logging.getLogger(__name__)
OnRecord = Callable[[str, str, datetime], None]
OnDead = Callable[[Raw, str], None]
_TICK = timedelta(milliseconds=1)


class Parser(Protocol):
    """The half of a source that reads native records."""

    @property
    def model(self) -> type[SourceRecord]:
        """What its fields must fit."""

    @property
    def merchant(self) -> str:
        """Whose records it reads, where they do not say."""

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """As :meth:`connectors.source.Source.parse`."""


@dataclass(frozen=True)
class Bad:
    """A record on its way to dead letters: ``content`` is what is set aside, ``raw`` the native record it was in."""

    fingerprint: str
    content: Raw
    raw: Raw
    reason: str
    kind: str


class Publisher:
    """Delivers pages of native records of one source.

    Args:
        on_record: called with topic, key and collection time of each record after Kafka acknowledged it.
        on_dead: called with the native record and the reason of each dead letter, likewise.
    """

    def __init__(self, config: SourceConfig, parser: Parser, producer: SourceProducer, stats: Stats,
                 checkpoint: Checkpoint, checkpoint_key: str, on_record: OnRecord | None = None,
                 on_dead: OnDead | None = None) -> None:  # fmt: skip
        self.config = config
        self.parser = parser
        self.producer = producer
        self.stats = stats
        self.checkpoint = checkpoint
        self._key = checkpoint_key
        self._on_record = on_record
        self._on_dead = on_dead
        self.others: list[Seen] = []  # what other ways into the same topic have sent
        self.newest: datetime | None = None

    def knows(self, fingerprint: str) -> bool:
        """Whether it was sent before, by whomever."""
        return fingerprint in self.checkpoint.seen or any(fingerprint in seen for seen in self.others)

    def deliver(self, records: Iterable[Raw], cursor: Cursor | None, remember: Iterable[str] = ()) -> None:
        """Send what is new in ``records`` with the ``cursor`` that holds after them, as one transaction.

        ``remember`` are more fingerprints to store with them (ids of webhooks).

        Raises:
            FencedError, ServiceError, ServiceUnavailableError: as
                :meth:`connectors.producer.SourceProducer.commit`; nothing of the page was sent.
        """
        collected = datetime.now(UTC)
        fresh: dict[str, None] = {}
        stamps: dict[str, datetime] = {}
        sent: list[SourceRecord] = []
        messages: list[ProducerRecord] = []
        dead: list[Bad] = []
        for raw in records:
            for found in self._read(raw, collected):
                if found.fingerprint in fresh or self.knows(found.fingerprint):
                    self.stats.repeat()
                    continue
                fresh[found.fingerprint] = None
                if isinstance(found, Bad):
                    dead.append(found)
                    continue
                found = _after(found, stamps)
                try:
                    messages.append(self.producer.message(self.config.topic, found))
                    sent.append(found)
                except DataError as error:
                    dead.append(Bad(found.fingerprint, raw, raw, error.why, type(error).__name__))
        self._commit(messages, dead, [*fresh, *remember], cursor)
        self._count(sent, dead)

    def _read(self, raw: Raw, collected: datetime) -> Iterable[SourceRecord | Bad]:
        """Each record in ``raw``, good or bad."""
        try:
            for fields in self.parser.parse(raw, collected):
                try:
                    yield self.parser.model.model_validate(fields)
                except ValidationError as error:
                    # Without the time of reading, or the same bad record would be a new one in every run.
                    lasting = {name: value for name, value in fields.items() if name not in self.parser.model.when_read}
                    yield Bad(raw_fingerprint(lasting), fields, raw, broken_fields(error), "ValidationError")
        except DataError as error:
            yield Bad(raw_fingerprint(raw), raw, raw, error.why, "DataError")
        except Exception as error:  # whatever a malformed record does to its parser, its neighbours go on
            yield Bad(raw_fingerprint(raw), raw, raw, reason_of(error), type(error).__name__)

    def _commit(
        self, messages: list[ProducerRecord], dead: list[Bad], fingerprints: list[str], cursor: Cursor | None
    ) -> None:
        if not messages and not dead and cursor in (None, self.checkpoint.cursor):
            return
        merchant = self.parser.merchant if dead else ""
        letters = [dead_letter(self.config, bad.content, bad.reason, bad.kind, merchant) for bad in dead]
        after = Checkpoint(self.checkpoint.cursor if cursor is None else cursor, self.checkpoint.seen.copy())
        after.seen.add(fingerprints)
        self.producer.commit(messages + letters, (self._key, after.dump()))
        self.checkpoint = after

    def _count(self, sent: list[SourceRecord], dead: list[Bad]) -> None:
        newest = max((record.time for record in sent), default=None)
        if newest is not None:
            self.newest = max(newest, self.newest or newest)
            self.stats.sent(self.config.topic, len(sent), self.newest.timestamp())
        if dead:
            self.stats.dead(len(dead))
            log.warning("source %s: %d records to %s", self.config.name, len(dead), self.config.dead_letters)
        if self._on_record:
            for record in sent:
                self._on_record(self.config.topic, record.key, record.collected_at)
        if self._on_dead:
            for bad in dead:
                self._on_dead(bad.raw, bad.reason)


def _after(record: SourceRecord, stamps: dict[str, datetime]) -> SourceRecord:
    """``record``, collected after what came before it of the same thing: the order of arrival is that of its states."""
    before = stamps.get(record.subject)
    if before is not None and record.collected_at <= before:
        record = record.model_copy(update={"collected_at": before + _TICK})
    stamps[record.subject] = record.collected_at
    return record
