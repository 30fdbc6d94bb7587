"""Records of a topic read again by their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from glue.audit.keys import Bools
from glue.audit.topic_side import Ends, TopicSide, read
from glue.kafka.config import KafkaConfig

_SHIFT = 48


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


def latest(kafka: KafkaConfig, topic: str, side: TopicSide, counted: Bools) -> Iterator[list[tuple[int, Any]]]:
    """The scanned topic once more: (row of ``side``, its latest record) of the ``counted`` rows, in batches."""
    codes = (side.partition.astype(np.int64) << _SHIFT) | side.offset
    rows = np.flatnonzero(counted)
    rows = rows[np.argsort(codes[rows])]
    codes = codes[rows]
    for batch in read(kafka, topic, side.ends):
        asked = np.fromiter(((m.partition() << _SHIFT) | m.offset() for m in batch), np.int64, len(batch))
        at = np.searchsorted(codes, asked)
        hit = at < len(codes)
        hit[hit] = codes[at[hit]] == asked[hit]
        yield [(int(rows[at[n]]), batch[n]) for n in np.flatnonzero(hit)]
