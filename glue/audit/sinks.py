"""How far sinks have read, and what they refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from glue.audit.topic import TopicSnapshot, read, topic_ends
from glue.errors import UsageError
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.reads import group_offsets

_TOPIC, _PARTITION, _OFFSET = (f"__connect.errors.{name}" for name in ("topic", "partition", "offset"))
Origin = tuple[str, int, int]  # topic, partition, offset


def committed(kafka: KafkaConfig, connector: str, topic: str) -> dict[int, int]:
    """Offset of the next record by partition, as the connector's group committed; absent where it never did."""
    found = group_offsets(kafka.admin(QUIET), f"connect-{connector}")
    return {number: offset for (name, number), offset in found.items() if name == topic}


def refused(kafka: KafkaConfig, topics: Iterable[str]) -> dict[Origin, bytes | None]:
    """The records in dead letters, by their origin, with their keys."""
    found: dict[Origin, bytes | None] = {}
    for topic in topics:
        try:
            ends = topic_ends(kafka, topic)
        except UsageError:
            continue
        for batch in read(kafka, topic, ends):
            found.update(origin for message in batch if (origin := _origin(message)) is not None)
    return found


def _origin(message: Any) -> tuple[Origin, bytes | None] | None:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or []}
    try:
        return (headers[_TOPIC], int(headers[_PARTITION]), int(headers[_OFFSET])), message.key()
    except (KeyError, ValueError):
        return None  # a mark that a letter was dealt with, or a source's own


def dead_rows(letters: dict[Origin, bytes | None], topic: str, snapshot: TopicSnapshot) -> set[int]:
    """The rows of a topic whose latest record is in dead letters.

    The key is compared too: after a topic was recreated, its old letters name offsets that other records have now.
    """
    rows: set[int] = set()
    for (of, partition, offset), key in letters.items():
        row = snapshot.find(key.decode("utf-8", "replace")) if of == topic and key is not None else None
        if row is not None and (snapshot.partition[row], snapshot.offset[row]) == (partition, offset):
            rows.add(row)
    return rows


Progress = Callable[[str], None]
