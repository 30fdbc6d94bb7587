"""The audit of one store: scan, compare, then look at each suspect again before it is called a difference."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from glue.audit.compare import Suspects
from glue.audit.keys import Bools
from glue.audit.originals import latest
from glue.audit.report import DIFFERENT, EXTRA, Difference, StoreReport
from glue.audit.sinks import Place, Progress, committed, dead_rows
from glue.audit.table_side import StoredKey
from glue.audit.topic_side import Collector, TopicSide, read, topic_ends
from glue.avro import Decoder
from glue.errors import DataError
from glue.kafka.config import KafkaConfig

_CHUNK = 1000
_NEVER = 1 << 62


@dataclass
class Wanted:
    """What an audit looks at.

    Attributes:
        since, until: milliseconds, the first inclusive, the second exclusive; 0 for no bound.
        deep: compare every field too. letters: what lies in dead letters.
    """

    since: int = 0
    until: int = 0
    deep: bool = False
    letters: dict[Place, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something stored that should not be: its name in the store, its record key if that is known, and its place."""

    name: str
    at: StoredKey
    why: str
    key: str = ""


class Kind(Protocol):
    """What differs between tables and collections."""

    name: str
    topic: str
    place: str
    connector: str

    def collector(self, wanted: Wanted) -> Collector: ...

    def in_window(self, side: TopicSide, wanted: Wanted) -> Bools:
        """Which rows are inside since and until."""
        ...

    def suspects(self, side: TopicSide, counted: Bools, wanted: Wanted, progress: Progress) -> Suspects: ...

    def verdicts(self, side: TopicSide, rows: list[int]) -> Iterator[tuple[int, str, str]]:
        """(row, MISSING or DIFFERENT, why) of those rows that the store does not hold as the topic does."""
        ...

    def unknown(self, side: TopicSide, extra: dict[str, StoredKey]) -> Iterator[Stranger]:
        """What the store has and the topic has not, now."""
        ...

    def doubled(self, side: TopicSide, doubled: dict[str, StoredKey]) -> Iterator[Difference]: ...

    def deep(self, pairs: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
        """(key, why) of those whose stored fields are not those of the value; absent ones are left out."""
        ...


def audit_store(kind: Kind, kafka: KafkaConfig, decode: Decoder, wanted: Wanted, progress: Progress) -> StoreReport:
    """Compare one store to its topic.

    Raises:
        ServiceUnavailableError, ServiceError: Kafka, the registry or the store does not answer, or refuses.
    """
    begun = time.monotonic()
    report = StoreReport(kind.name, kind.topic, kind.place, deep=wanted.deep)
    side = scan(kind, kafka, wanted, progress)
    counted = side.live & kind.in_window(side, wanted)
    dead = sorted(dead_rows(wanted.letters, kind.topic, side))
    report.dead = int(np.count_nonzero(counted[dead])) if dead else 0
    counted[dead] = False
    report.on_topic = int(np.count_nonzero(counted))
    progress(f"{report.on_topic} keys on the topic; comparing")
    suspects = kind.suspects(side, counted, wanted, progress)
    report.stored, report.parts, report.read = suspects.stored, suspects.parts, suspects.read

    found = {row: (what, why) for row, what, why in kind.verdicts(side, sorted(suspects.rows))}
    if wanted.deep:
        for row, why in _deep(kind, kafka, decode, side, counted, progress):
            found.setdefault(row, (DIFFERENT, why))
    strangers = list(kind.unknown(side, suspects.extra))
    if found or strangers:
        _settle(kind, kafka, side, wanted, found, strangers, report)
    report.differences += kind.doubled(side, suspects.doubled)
    report.seconds = round(time.monotonic() - begun, 2)
    return report


def _settle(
    kind: Kind,
    kafka: KafkaConfig,
    side: TopicSide,
    wanted: Wanted,
    found: dict[int, tuple[str, str]],
    strangers: list[Stranger],
    report: StoreReport,
) -> None:
    """Put what was found in the report, except what is on its way: newer on the topic, or not yet come to the sink."""
    newer = _appended(kind, kafka, side, wanted)
    done = committed(kafka, kind.connector, kind.topic)
    for row, (what, why) in sorted(found.items()):
        partition, offset = int(side.partition[row]), int(side.offset[row])
        if newer.find(side.key(row)) is not None or offset >= done.get(partition, _NEVER):
            report.pending += 1
        else:
            report.differences.append(Difference(what, side.key(row), partition, offset, int(side.time[row]), why))
    still = {one.name for one in kind.unknown(newer, {one.name: one.at for one in strangers})}
    for one in strangers:
        if one.key and one.at.offset >= done.get(one.at.partition, _NEVER):
            report.pending += 1  # a tombstone
        elif one.name in still:
            place = (one.at.partition, one.at.offset, max(one.at.time, 0))
            report.differences.append(Difference(EXTRA, one.key or one.name, *place, one.why))


def scan(kind: Kind, kafka: KafkaConfig, wanted: Wanted, progress: Progress) -> TopicSide:
    """The topic up to now."""
    ends, collector = topic_ends(kafka, kind.topic), kind.collector(wanted)
    size = sum(end - first for first, end in ends.values())
    for batch in read(kafka, kind.topic, ends):
        collector.add(batch)
        progress(f"read {collector.count} of at most {size} records")
    return collector.side(ends)


def _appended(kind: Kind, kafka: KafkaConfig, side: TopicSide, wanted: Wanted) -> TopicSide:
    """What came to the topic since ``side`` was scanned."""
    now = topic_ends(kafka, kind.topic)
    ends = {number: (side.ends.get(number, (0, 0))[1], end) for number, (_, end) in now.items()}
    collector = kind.collector(wanted)
    for batch in read(kafka, kind.topic, ends):
        collector.add(batch)
    return collector.side(ends)


def _deep(
    kind: Kind, kafka: KafkaConfig, decode: Decoder, side: TopicSide, counted: Bools, progress: Progress
) -> Iterable[tuple[int, str]]:
    done = 0
    for batch in latest(kafka, kind.topic, side, counted):
        for at in range(0, len(batch), _CHUNK):
            rows: dict[str, int] = {}
            pairs = []
            for row, message in batch[at : at + _CHUNK]:
                try:
                    value = decode(message.value())[0]
                except DataError:
                    yield row, "its record can not be decoded"
                    continue
                rows[side.key(row)] = row
                pairs.append((side.key(row), value))
            yield from ((rows[key], why) for key, why in kind.deep(pairs))
            done += len(pairs)
            progress(f"{done} records compared field by field")
