"""What a sink topic holds: one scan into compact arrays, the latest record of every key; and records read again."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glue.audit.keys import U64, Bools, pack, text_of
from glue.avro import Decoder
from glue.avro_codec import parsed, resolved
from glue.kafka import reads
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import watermarks
from glue.stores.contract import COLLECTED_AT
from glue.stores.weaviate.client import milliseconds

_HEADER = struct.Struct(">bI")
_SHIFT = 48  # bits of an offset in a code of partition and offset
Ends = dict[int, tuple[int, int]]  # partition -> (first offset, offset after the last)
ReadFacts = Callable[[bytes], tuple[int, int]]  # value -> (time in ms, measure), e.g. (collected_at, engagement)


@dataclass
class TopicSnapshot:
    """The keys of a topic in ascending order, one row a key; 50 bytes each.

    Attributes:
        offset, partition: of the latest record. time: its timestamp, milliseconds since the epoch.
        live: False where the latest record is a tombstone (or, for a store that ignores them, where all are).
        records: how many records have the key.
        moment, measure: what ``facts`` says of the value, else 0.
        odd: keys that are no UUID; ``names`` has their text by (high, low).
    """

    high: U64
    low: U64
    offset: NDArray[np.int64]
    partition: NDArray[np.int32]
    time: NDArray[np.int64]
    live: Bools
    records: NDArray[np.int64]
    moment: NDArray[np.int64]
    measure: NDArray[np.int64]
    odd: Bools
    ends: Ends
    names: dict[tuple[int, int], str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.high)

    def key(self, at: int) -> str:
        """The key in row ``at``."""
        halves = int(self.high[at]), int(self.low[at])
        return self.names[halves] if self.odd[at] else text_of(*halves)

    def find(self, key: str) -> int | None:
        """The row of a key."""
        high, low, _ = pack([key.encode()])
        begin, end = np.searchsorted(self.high, [high[0], high[0]], "left")[0], len(self)
        for at in range(int(begin), end):
            if self.high[at] != high[0]:
                return None
            if self.low[at] == low[0]:
                return at
        return None

    def rows(self, prefix: str) -> range:
        """The rows of the keys that start with these hexadecimal digits."""
        shift = 64 - 4 * len(prefix)
        first = int(prefix, 16) << shift
        begin = np.searchsorted(self.high, np.uint64(first), "left")
        end = np.searchsorted(self.high, np.uint64(first + (1 << shift) - 1), "right")
        return range(int(begin), int(end))


def topic_ends(kafka: KafkaConfig, topic: str) -> Ends:
    """Where each partition begins and ends now.

    Raises:
        UsageError: the topic does not exist.
        ServiceUnavailableError: Kafka does not answer.
    """
    found = watermarks(kafka, [topic], missing="mxctl apply creates it")
    return {number: ends for (_, number), ends in found.items()}


def read(kafka: KafkaConfig, topic: str, ends: Ends) -> Iterator[list[Any]]:
    """As :func:`glue.kafka.reads.read`, of one topic."""
    return reads.read(kafka, {(topic, number): found for number, found in ends.items()})


class Collector:
    """Takes batches of messages, and makes a :class:`TopicSnapshot` of them.

    Args:
        facts: read from each value; a value it cannot read counts as (0, 0).
        ignore_tombstones: for stores that keep what a tombstone would delete.
        since, until: bounds of the records' timestamps in ms; others are passed over.
    """

    def __init__(
        self, facts: ReadFacts | None = None, *, ignore_tombstones: bool = False, since: int = 0, until: int = 1 << 62
    ) -> None:
        self._facts, self._ignore, self._since, self._until = facts, ignore_tombstones, since, until
        self._parts: list[tuple[Any, ...]] = []
        self._names: dict[tuple[int, int], str] = {}
        self.count = 0

    def add(self, batch: list[Any]) -> None:
        """One batch, in the order of its partitions."""
        if self._ignore:
            batch = [m for m in batch if m.value() is not None]
        if self._since or self._until < 1 << 62:
            batch = [m for m in batch if self._since <= m.timestamp()[1] < self._until]
        if not batch:
            return
        keys = [m.key() or f"no key: {m.partition()}/{m.offset()}".encode() for m in batch]
        high, low, odd = pack(keys)
        for at in np.flatnonzero(odd):
            self._names[int(high[at]), int(low[at])] = keys[at].decode("utf-8", "replace")
        live = np.fromiter((m.value() is not None for m in batch), np.bool_, len(batch))
        facts = np.zeros((len(batch), 2), np.int64)
        if self._facts is not None:
            facts[live] = [self._facts(m.value()) for m in batch if m.value() is not None]
        offset = np.fromiter((m.offset() for m in batch), np.int64, len(batch))
        partition = np.fromiter((m.partition() for m in batch), np.int32, len(batch))
        times = np.fromiter((m.timestamp()[1] for m in batch), np.int64, len(batch))
        self._parts.append((high, low, offset, partition, times, live, odd, facts[:, 0].copy(), facts[:, 1].copy()))
        self.count += len(batch)

    def snapshot(self, ends: Ends) -> TopicSnapshot:
        """Everything added so far, sorted by key, only the latest record of each."""
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)] if self._parts else _NOTHING
        self._parts.clear()
        high, low = columns[0], columns[1]
        order = np.lexsort((columns[2], low, high))
        high, low = high[order], low[order]
        begins = np.ones(len(high), np.bool_)
        begins[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        starts = np.flatnonzero(begins)
        records = np.diff(np.append(starts, len(high)))
        last = order[starts + records - 1]
        _, _, offset, partition, times, live, odd, moment, measure = (column[last] for column in columns)
        keys = high[starts], low[starts]
        return TopicSnapshot(*keys, offset, partition, times, live, records, moment, measure, odd, ends, self._names)


_KINDS = (np.uint64, np.uint64, np.int64, np.int32, np.int64, np.bool_, np.bool_, np.int64, np.int64)
_NOTHING: list[Any] = [np.empty(0, kind) for kind in _KINDS]


def originals(kafka: KafkaConfig, topic: str, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """The records at (partition, offset), between the first and the last of each partition; absent if expired."""
    wanted = set(places)
    ends: Ends = {}
    for partition, offset in wanted:
        first, end = ends.get(partition, (offset, offset + 1))
        ends[partition] = min(first, offset), max(end, offset + 1)
    found: dict[tuple[int, int], Any] = {}
    for batch in read(kafka, topic, ends):
        found.update({place: m for m in batch if (place := (m.partition(), m.offset())) in wanted})
    return found


def latest(kafka: KafkaConfig, topic: str, snapshot: TopicSnapshot, counted: Bools) -> Iterator[list[tuple[int, Any]]]:
    """The scanned topic once more: (row of ``snapshot``, its latest record) of the ``counted`` rows, in batches."""
    codes = (snapshot.partition.astype(np.int64) << _SHIFT) | snapshot.offset
    rows = np.flatnonzero(counted)
    rows = rows[np.argsort(codes[rows])]
    codes = codes[rows]
    for batch in read(kafka, topic, snapshot.ends):
        asked = np.fromiter(((m.partition() << _SHIFT) | m.offset() for m in batch), np.int64, len(batch))
        at = np.searchsorted(codes, asked)
        hit = at < len(codes)
        hit[hit] = codes[at[hit]] == asked[hit]
        yield [(int(rows[at[n]]), batch[n]) for n in np.flatnonzero(hit)]


@lru_cache(4096)
def _ms(text: str) -> int:
    return milliseconds(text)


class Facts:
    """(collection time in ms, sum of the measures) of a record; (0, 0) for what cannot be read.

    Avro's schema resolution skips the other fields, the vector first of all.
    """

    def __init__(self, decode: Decoder, measures: Iterable[str]) -> None:
        self._decode, self._measures = decode, frozenset(measures)
        self._schemas: dict[int, tuple[Any, Any, list[str]]] = {}

    def __call__(self, value: bytes) -> tuple[int, int]:
        try:
            writer, reader, names = self._pair(_HEADER.unpack_from(value)[1])
            found = resolved(value, _HEADER.size, writer, reader)
            moment = found[COLLECTED_AT]
            ms = _ms(moment) if isinstance(moment, str) else int(moment.timestamp() * 1000)
            return ms, sum(int(found[name] or 0) for name in names)
        except (ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, AttributeError, struct.error):
            return 0, 0

    def _pair(self, schema_id: int) -> tuple[Any, Any, list[str]]:
        if schema_id not in self._schemas:
            codec, schema = self._decode.schema(schema_id)
            wanted = self._measures | {COLLECTED_AT}
            fields = [one for one in schema["fields"] if one["name"] in wanted]
            names = [one["name"] for one in fields if one["name"] != COLLECTED_AT]
            self._schemas[schema_id] = codec.parsed, parsed(schema | {"fields": fields}), names
        return self._schemas[schema_id]
