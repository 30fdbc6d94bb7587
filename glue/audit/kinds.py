"""Tables and collections as the audit sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glue.audit.collection_side import LAST_MS, CollectionSide, Stored
from glue.audit.compare import Suspects, compare_collection, compare_table
from glue.audit.deep import object_differences, row_differences
from glue.audit.facts import VectorFacts
from glue.audit.keys import Bools
from glue.audit.report import DIFFERENT, DOUBLED, MISSING, Difference
from glue.audit.sinks import Progress
from glue.audit.store import Stranger, Wanted
from glue.audit.table_side import Scope, StoredKey, TableSide
from glue.audit.topic_side import Collector, TopicSide
from glue.stores.weaviate.client import document_id

_CHUNK = 1000
_FOREVER = 1 << 62
_NO_RECORD = "no record on the topic has its key"


class TableKind:
    """A table. The window is one of record timestamps, and rows whose records the topic let go are left out."""

    upserts = False

    def __init__(self, name: str, topic: str, connector: str, place: str, table: TableSide) -> None:
        self.name, self.topic, self.connector, self.place = name, topic, connector, place
        self._table = table

    def collector(self, wanted: Wanted) -> Collector:
        """Only the records of the window; a tombstone takes no row away."""
        return Collector(ignore_tombstones=True, since=wanted.since, until=wanted.until or _FOREVER)

    def in_window(self, side: TopicSide, wanted: Wanted) -> Bools:
        """All: others were not collected."""
        return np.ones(len(side), np.bool_)

    def suspects(self, side: TopicSide, counted: Bools, wanted: Wanted, progress: Progress) -> Suspects:
        """By hash buckets."""
        return compare_table(side, counted, self._table, Scope(side.ends, wanted.since, wanted.until), progress)

    def verdicts(self, side: TopicSide, rows: list[int]) -> Iterator[tuple[int, str, str]]:
        """Asks for the keys again, in no matter which window."""
        for at in range(0, len(rows), _CHUNK):
            keys = {side.key(row): row for row in rows[at : at + _CHUNK]}
            stored = self._table.count(keys)
            yield from ((row, MISSING, "no row has its key") for key, row in keys.items() if key not in stored)

    def unknown(self, side: TopicSide, extra: dict[str, StoredKey]) -> Iterator[Stranger]:
        """Those the topic does not hold."""
        yield from (Stranger(key, at, _NO_RECORD) for key, at in extra.items() if side.find(key) is None)

    def doubled(self, side: TopicSide, doubled: dict[str, StoredKey]) -> Iterator[Difference]:
        """More than one row of a key; says whether the topic has it more than once too."""
        for key, at in sorted(doubled.items()):
            row = side.find(key)
            records = int(side.records[row]) if row is not None else 0
            why = f"{at.rows} rows, {records} record{'' if records == 1 else 's'} on the topic"
            yield Difference(DOUBLED, key, at.partition, at.offset, max(at.time, 0), why)

    def deep(self, pairs: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
        """Columns against fields."""
        rows = self._table.rows([key for key, _ in pairs]) if pairs else {}
        for key, value in pairs:
            if key in rows and (found := row_differences(value, rows[key])):
                yield key, ", ".join(found)

    def still_open(self, values: dict[str, dict[str, Any]]) -> set[str]:
        """Keys without a row."""
        return values.keys() - self._table.count(values).keys()


class CollectionKind:
    """A collection. The window is one of ``collected_at``; objects of records that the topic let go are not judged."""

    upserts = True

    def __init__(
        self, name: str, topic: str, connector: str, place: str, store: CollectionSide, facts: VectorFacts
    ) -> None:
        self.name, self.topic, self.connector, self.place = name, topic, connector, place
        self._store, self._facts = store, facts

    def collector(self, wanted: Wanted) -> Collector:
        """All records: only the latest of a key says whether it is in the window."""
        return Collector(self._facts)

    def in_window(self, side: TopicSide, wanted: Wanted) -> Bools:
        """By collected_at; a record that does not say is inside."""
        inside: Bools = (side.moment >= wanted.since) & (side.moment < (wanted.until or _FOREVER))
        inside |= side.moment == 0
        return inside

    def suspects(self, side: TopicSide, counted: Bools, wanted: Wanted, progress: Progress) -> Suspects:
        """By windows of collected_at, from where the topic is whole."""
        whole = max([_first_moment(side, p) for p, (first, _) in side.ends.items() if first > 0], default=0)
        start = max(wanted.since, whole)
        found = compare_collection(
            side, counted, self._store, (start, wanted.until or LAST_MS), progress, every=wanted.deep
        )
        found.rows.update(int(row) for row in np.flatnonzero(counted & (side.moment < start)))
        if not (wanted.since or wanted.until):
            found.extra.update(dict.fromkeys(self._store.undated(), StoredKey(1, -1, -1, 0)))
        return found

    def verdicts(self, side: TopicSide, rows: list[int]) -> Iterator[tuple[int, str, str]]:
        """Fetches the objects by their ids."""
        for at in range(0, len(rows), _CHUNK):
            ids = {str(document_id(side.key(row))): row for row in rows[at : at + _CHUNK]}
            stored = self._store.fetch(ids)
            for name, row in ids.items():
                one = stored.get(name)
                if one is None:
                    yield row, MISSING, "no object has its id"
                elif side.moment[row] > 0 and (one.moment, one.measure) != (side.moment[row], side.measure[row]):
                    yield row, DIFFERENT, _older(one, int(side.moment[row]))

    def unknown(self, side: TopicSide, extra: dict[str, StoredKey]) -> Iterator[Stranger]:
        """Ids are one-way, so those of all keys of the topic are made; a tombstone's object should be gone."""
        left = dict(extra)
        for row in range(len(side)):
            if not left:
                return
            name = str(document_id(side.key(row)))
            if left.pop(name, None) is not None and not side.live[row]:
                where = StoredKey(1, int(side.partition[row]), int(side.offset[row]), int(side.time[row]))
                yield Stranger(name, where, "the topic says it is deleted", side.key(row))
        yield from (Stranger(name, at, _NO_RECORD) for name, at in left.items())

    def doubled(self, side: TopicSide, doubled: dict[str, StoredKey]) -> Iterator[Difference]:
        """None: an id is there once."""
        return iter(())

    def deep(self, pairs: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
        """Properties and vectors against fields."""
        values = {str(document_id(key)): (key, value) for key, value in pairs}
        for name, one in self._store.fetch(values, whole=True).items():
            key, value = values[name]
            if found := object_differences(value, one):
                yield key, ", ".join(found)

    def still_open(self, values: dict[str, dict[str, Any]]) -> set[str]:
        """Keys without an object, or with one that differs in any property."""
        stored = self._store.fetch(str(document_id(key)) for key in values)
        whole = dict(self.deep([(k, v) for k, v in values.items() if str(document_id(k)) in stored]))
        return {key for key in values if str(document_id(key)) not in stored or key in whole}


def _older(one: Stored, moment: int) -> str:
    return "an older state is stored" if one.moment < moment else "collected_at or engagement differs"


def _first_moment(side: TopicSide, partition: int) -> int:
    """The moment of the oldest record still in a partition that has lost its beginning."""
    rows = np.flatnonzero((side.partition == partition) & (side.moment > 0))
    return int(side.moment[rows[np.argmin(side.offset[rows])]]) if len(rows) else 0
