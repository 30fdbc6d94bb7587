"""Finding what a topic and a store do not share: only the buckets, or the windows, that differ are looked into.

What a store can sum up by itself decides how: databases by hash buckets of keys (:class:`ByKey`), Weaviate by windows
of the collection time (:class:`ByTime`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np

from glue.audit.deep import differences
from glue.audit.keys import Bools, differing, sums_of
from glue.audit.report import DIFFERENT, DOUBLED, MISSING, Difference
from glue.audit.sinks import Origin, Progress
from glue.audit.topic import Collector, Facts, TopicSnapshot
from glue.avro import Decoder
from glue.stores.contract import KeyClient, Scope, Stamp, StoreClient, StoredKey, Target, TimeClient
from glue.stores.weaviate.client import LAST_MS

_DAY_MS = 86_400_000
_SMALL, _CHUNK, _BUCKETS = 500, 1000, 64
_FOREVER = 1 << 62
_HEX = frozenset("0123456789abcdef")
_NO_RECORD, _DELETED = "no record on the topic has its key", "the topic says it is deleted"
ClientT = TypeVar("ClientT", bound=StoreClient)


@dataclass
class Wanted:
    """What an audit looks at.

    Attributes:
        since, until: milliseconds, the first inclusive, the second exclusive; 0 for no bound.
        deep: compare every field too. letters: what is in dead letters.
    """

    since: int = 0
    until: int = 0
    deep: bool = False
    letters: dict[Origin, bytes | None] = field(default_factory=dict)


@dataclass
class Suspects:
    """What to look at again, one by one.

    Attributes:
        rows: of the topic, whose key the store seems not to hold as it should.
        extra: keys (databases) or object ids in the store that the topic seems not to have.
        doubled: keys with more than one row. stored: rows or objects seen in all.
        parts, read: buckets or windows compared, and how many of them were read key by key.
    """

    rows: set[int] = field(default_factory=set)
    extra: dict[str, StoredKey] = field(default_factory=dict)
    doubled: dict[str, StoredKey] = field(default_factory=dict)
    stored: int = 0
    parts: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class UnexpectedRow:
    """Something stored that should not be: its name in the store, its record key if that is known, and its place."""

    name: str
    at: StoredKey
    why: str
    key: str = ""


class Comparison(ABC, Generic[ClientT]):
    """One target against its topic.

    Args:
        shared: another topic fills the same place, so that what this topic does not hold is not judged.
    """

    def __init__(self, target: Target, client: ClientT, shared: bool = False) -> None:
        self.target, self.client, self._shared = target, client, shared

    @abstractmethod
    def collector(self, wanted: Wanted) -> Collector:
        """What takes the records that are looked at."""

    @abstractmethod
    def in_window(self, topic: TopicSnapshot, wanted: Wanted) -> Bools:
        """Which rows are inside since and until."""

    @abstractmethod
    def suspects(self, topic: TopicSnapshot, counted: Bools, wanted: Wanted, progress: Progress) -> Suspects:
        """What the store seems not to share with the ``counted`` rows."""

    @abstractmethod
    def verdicts(self, topic: TopicSnapshot, rows: list[int]) -> Iterator[tuple[int, str, str]]:
        """(row, MISSING or DIFFERENT, why) of those rows that the store does not hold as the topic does."""

    @abstractmethod
    def _unexpected(self, topic: TopicSnapshot, extra: dict[str, StoredKey]) -> Iterator[UnexpectedRow]: ...

    def unexpected(self, topic: TopicSnapshot, extra: dict[str, StoredKey]) -> Iterator[UnexpectedRow]:
        """What the store has and the topic has not, now."""
        return iter(()) if self._shared else self._unexpected(topic, extra)

    def doubled(self, topic: TopicSnapshot, doubled: dict[str, StoredKey]) -> Iterator[Difference]:
        """More than one row of a key; says whether the topic has it more than once too."""
        for key, at in sorted(doubled.items()):
            row = topic.find(key)
            records = int(topic.records[row]) if row is not None else 0
            why = f"{at.rows} rows, {records} record{'' if records == 1 else 's'} on the topic"
            yield Difference(DOUBLED, key, at.partition, at.offset, max(at.time, 0), why)

    def deep(self, pairs: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
        """(key, why) of those whose stored fields are not those of the value; absent ones are left out."""
        rows = self.client.rows(self.target, [key for key, _ in pairs]) if pairs else {}
        for key, value in pairs:
            if key in rows and (found := differences(value, rows[key], self.target.vector)):
                yield key, ", ".join(found)

    def still_open(self, values: dict[str, dict[str, Any]]) -> set[str]:
        """Those keys that are absent; in a store that replaces also those of which any field differs."""
        if not self.target.upserts:
            return values.keys() - self.client.count(self.target, values).keys()
        rows = self.client.rows(self.target, values)
        return {
            key for key, value in values.items() if key not in rows or differences(value, rows[key], self.target.vector)
        }


class ByKey(Comparison[KeyClient]):
    """Of a database. The window is one of record times, and rows whose records the topic let go are left out."""

    def collector(self, wanted: Wanted) -> Collector:
        """Only the records of the window; a tombstone takes no row away, unless the sink deletes."""
        ignored = not self.target.deletes
        return Collector(ignore_tombstones=ignored, since=wanted.since, until=wanted.until or _FOREVER)

    def in_window(self, topic: TopicSnapshot, wanted: Wanted) -> Bools:
        """All: others were not collected."""
        return np.ones(len(topic), np.bool_)

    def suspects(self, topic: TopicSnapshot, counted: Bools, wanted: Wanted, progress: Progress) -> Suspects:
        """By hash buckets. Keys that are no UUIDs have none: they are suspects from the start, and looked up."""
        scope = Scope(topic.ends, wanted.since, wanted.until)
        mine = sums_of(topic.high, topic.low, counted & ~topic.odd)
        theirs = self.client.buckets(self.target, scope)
        names = differing(mine, theirs)
        found = Suspects(stored=sum(one.rows for one in theirs.values()), parts=len(mine.keys() | theirs.keys()))
        found.rows.update(int(row) for row in np.flatnonzero(counted & topic.odd))
        found.read = len(names)
        for at in range(0, len(names), _BUCKETS):
            chunk = names[at : at + _BUCKETS]
            progress(f"{len(names)} of {found.parts} buckets differ; reading {at + len(chunk)}")
            stored = self.client.keys(self.target, chunk, scope)
            found.doubled.update({key: one for key, one in stored.items() if one.rows > 1})
            for name in chunk:
                for row in topic.rows(name) if _HEX.issuperset(name) and len(name) == 3 else ():
                    if stored.pop(topic.key(row), None) is None and counted[row]:
                        found.rows.add(row)
            found.extra.update(stored)
        return found

    def verdicts(self, topic: TopicSnapshot, rows: list[int]) -> Iterator[tuple[int, str, str]]:
        """Asks for the keys again, regardless of the window."""
        for at in range(0, len(rows), _CHUNK):
            keys = {topic.key(row): row for row in rows[at : at + _CHUNK]}
            stored = self.client.count(self.target, keys)
            yield from ((row, MISSING, "no row has its key") for key, row in keys.items() if key not in stored)

    def _unexpected(self, topic: TopicSnapshot, extra: dict[str, StoredKey]) -> Iterator[UnexpectedRow]:
        for key, at in extra.items():
            row = topic.find(key)
            if row is None:
                yield UnexpectedRow(key, at, _NO_RECORD)
            elif not topic.live[row]:
                yield UnexpectedRow(key, _place(topic, row), _DELETED, key)


class ByTime(Comparison[TimeClient]):
    """Of Weaviate. The window is one of the collection time; objects of records that the topic let go are not judged.

    Args:
        decode: reads the collection time and the measures of a record.
    """

    def __init__(self, target: Target, client: TimeClient, decode: Decoder, shared: bool = False) -> None:
        super().__init__(target, client, shared)
        self._decode = decode

    def collector(self, wanted: Wanted) -> Collector:
        """All records: only the latest of a key says whether it is in the window."""
        return Collector(Facts(self._decode, self.client.measures(self.target)))

    def in_window(self, topic: TopicSnapshot, wanted: Wanted) -> Bools:
        """By the collection time; a record that does not say is inside."""
        inside: Bools = (topic.moment >= wanted.since) & (topic.moment < (wanted.until or _FOREVER))
        inside |= topic.moment == 0
        return inside

    def suspects(self, topic: TopicSnapshot, counted: Bools, wanted: Wanted, progress: Progress) -> Suspects:
        """By windows, from where the topic is whole."""
        whole = max([_first_moment(topic, p) for p, (first, _) in topic.ends.items() if first > 0], default=0)
        start = max(wanted.since, whole)
        found = self._windows(topic, counted, (start, wanted.until or LAST_MS), progress, every=wanted.deep)
        found.rows.update(int(row) for row in np.flatnonzero(counted & (topic.moment < start)))
        if not (wanted.since or wanted.until):
            found.extra.update(dict.fromkeys(self.client.undated(self.target), StoredKey(1, time=0)))
        return found

    def _windows(
        self, topic: TopicSnapshot, counted: Bools, bounds: tuple[int, int], progress: Progress, *, every: bool
    ) -> Suspects:
        """Days first, then halves of those that differ, until a window is small enough to be read object by object.

        Args:
            bounds: milliseconds, the first inclusive, the second exclusive. Rows whose moment is outside are suspects
                from the start if it is unknown (0), and passed over otherwise.
            every: read the windows that agree too: a lost object and a stray one of the same day hide each other when
                their measure is the same.
        """
        found = Suspects()
        found.rows.update(int(row) for row in np.flatnonzero(counted & (topic.moment <= 0)))
        inside = np.flatnonzero(counted & (topic.moment > 0) & (topic.moment >= bounds[0]) & (topic.moment < bounds[1]))
        order = inside[np.argsort(topic.moment[inside], kind="stable")]
        moments, sums = topic.moment[order], np.concatenate(([0], np.cumsum(topic.measure[order])))
        days = np.unique(moments // _DAY_MS) * _DAY_MS
        edges = np.unique(np.concatenate((days, days + _DAY_MS, bounds)).clip(*bounds)).tolist()
        windows = [(int(first), int(end)) for first, end in pairwise(edges)]
        whole = set(windows)
        while windows:
            first, end = windows.pop()
            begin, stop = np.searchsorted(moments, [first, end])
            theirs = self.client.totals(self.target, first, end)
            found.parts += 1
            if (first, end) in whole:
                found.stored += theirs[0]
            if theirs == (int(stop - begin), int(sums[stop] - sums[begin])) and not (every and theirs[0]):
                continue
            if end - first > 1 and max(theirs[0], int(stop - begin)) > _SMALL:
                middle = (first + end) // 2
                windows += [(middle, end), (first, middle)]
                continue
            found.read += 1
            progress(f"{found.parts} windows compared, {found.read} read")
            self._read(topic, order[begin:stop].tolist(), self.client.window(self.target, first, end), found)
        return found

    def _read(self, topic: TopicSnapshot, rows: list[int], stored: dict[str, Stamp], found: Suspects) -> None:
        for row in rows:
            one = stored.pop(self.client.identity(topic.key(row)), None)
            if one is None or one.measure != topic.measure[row]:
                found.rows.add(row)
        found.extra.update({name: StoredKey(1, time=one.moment) for name, one in stored.items()})

    def verdicts(self, topic: TopicSnapshot, rows: list[int]) -> Iterator[tuple[int, str, str]]:
        """Fetches the objects by their ids."""
        for at in range(0, len(rows), _CHUNK):
            ids = {self.client.identity(topic.key(row)): row for row in rows[at : at + _CHUNK]}
            stored = self.client.stamps(self.target, ids)
            for name, row in ids.items():
                one = stored.get(name)
                if one is None:
                    yield row, MISSING, "no object has its id"
                elif topic.moment[row] > 0 and (one.moment, one.measure) != (topic.moment[row], topic.measure[row]):
                    older = one.moment < topic.moment[row]
                    yield row, DIFFERENT, "an older state is stored" if older else "collected_at or a number differs"

    def _unexpected(self, topic: TopicSnapshot, extra: dict[str, StoredKey]) -> Iterator[UnexpectedRow]:
        # Ids are one-way, so those of all keys of the topic are made; a tombstone's object should be gone.
        left = dict(extra)
        for row in range(len(topic)):
            if not left:
                return
            name = self.client.identity(topic.key(row))
            if left.pop(name, None) is not None and not topic.live[row]:
                yield UnexpectedRow(name, _place(topic, row), _DELETED, topic.key(row))
        yield from (UnexpectedRow(name, at, _NO_RECORD) for name, at in left.items())


def _place(topic: TopicSnapshot, row: int) -> StoredKey:
    return StoredKey(1, int(topic.partition[row]), int(topic.offset[row]), int(topic.time[row]))


def _first_moment(topic: TopicSnapshot, partition: int) -> int:
    """The moment of the oldest record still in a partition that has lost its beginning."""
    rows = np.flatnonzero((topic.partition == partition) & (topic.moment > 0))
    return int(topic.moment[rows[np.argmin(topic.offset[rows])]]) if len(rows) else 0


def comparison(target: Target, client: KeyClient | TimeClient, decode: Decoder, shared: bool) -> ByKey | ByTime:
    """The comparison that a store's client can do."""
    return ByKey(target, client, shared) if isinstance(client, KeyClient) else ByTime(target, client, decode, shared)
