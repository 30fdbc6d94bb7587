"""What Kafka reports on the declared topics and their readers: ends, positions, members; a handful of requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException

from glue.kafka import reads
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TIMEOUT, OffsetSpec, Range, TopicPartition, lag, offsets
from glue.pipeline.routes import Pipeline

_MARKERS = 3  # offsets that may be markers at the end of a partition: one, and those of transactions given up


@dataclass(frozen=True)
class Member:
    """One consumer of a group, and the partitions it was given."""

    client: str
    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True)
class Traffic:
    """One look at the cluster.

    Attributes:
        ends: first and next committed offset of each partition; transaction markers count as offsets.
        newest: milliseconds since the epoch of the newest record, by topic; topics without a record are missing.
        positions: committed offsets, by group.
        members: the readers by group; a group that does not exist has none.
        done: positions after which nothing but transaction markers lies.
    """

    ends: dict[TopicPartition, Range] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    positions: dict[str, dict[TopicPartition, int]] = field(default_factory=dict)
    members: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    done: frozenset[tuple[TopicPartition, int]] = frozenset()

    def records(self, topic: str) -> int | None:
        """Records a topic holds at most; None where there is no such topic."""
        mine = [high - low for (name, _), (low, high) in self.ends.items() if name == topic]
        return sum(mine) if mine else None

    def lag(self, group: str, topics: Collection[str]) -> int:
        """Offsets between what a group has committed and the ends of ``topics``; 0 where only markers are left."""
        return sum(self.lags(group, topics).values())

    def lags(self, group: str, topics: Collection[str]) -> dict[TopicPartition, int]:
        """The same by partition."""
        mine = self.positions.get(group, {})
        return {
            partition: 0 if (partition, mine.get(partition, ends[0])) in self.done else lag(ends, mine.get(partition))
            for partition, ends in self.ends.items()
            if partition[0] in topics
        }

    def almost_done(self) -> set[tuple[TopicPartition, int]]:
        """Positions so near to the end of their partition that there may be only markers between."""
        return {
            (partition, position)
            for positions in self.positions.values()
            for partition, position in positions.items()
            if 0 < self.ends.get(partition, (0, 0))[1] - position <= _MARKERS
        }


def really_done(
    kafka: KafkaConfig, positions: Iterable[tuple[TopicPartition, int]], patience: float = 4.0
) -> set[tuple[TopicPartition, int]]:
    """Those of ``positions`` after which no committed record lies.

    A transaction ends with a marker in each partition, which no reader ever gets to see and so does not commit either:
    to the offsets, whoever reads such a topic is one behind for ever.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    wanted = set(positions)
    nearest = dict(sorted(wanted, reverse=True))  # of several in a partition, the first
    newest: dict[TopicPartition, int] = {}

    def take(message: Any) -> None:
        newest[message.topic(), message.partition()] = message.offset()

    ended = reads.read_to_end(kafka, nearest, take, patience)
    return {
        (partition, position)
        for partition, position in wanted
        if partition in ended and newest.get(partition, -1) < position
    }


def read_traffic(admin: Any, pipeline: Pipeline, timeout: float = TIMEOUT) -> Traffic:
    """Look at every declared topic, chain and connector.

    Args:
        timeout: seconds for each request.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    groups = [part.group for part in pipeline.moving if part.group]
    with reads.must_answer("topics"):
        there = reads.partitions_of(admin, pipeline.topics, timeout)
        first = offsets(admin, there, OffsetSpec.earliest(), timeout)
        last = offsets(admin, there, OffsetSpec.latest(), timeout)
        newest: dict[str, int] = {}
        for (topic, _), found in offsets(admin, there, OffsetSpec.max_timestamp(), timeout).items():
            if found.timestamp > 0:
                newest[topic] = max(newest.get(topic, 0), found.timestamp)
    ends = {partition: (first[partition].offset, last[partition].offset) for partition in there}
    positions = {group: reads.group_offsets(admin, group, timeout) for group in groups}
    return Traffic(ends, newest, positions, _members(admin, groups, timeout))


def _members(admin: Any, groups: list[str], timeout: float) -> dict[str, tuple[Member, ...]]:
    found: dict[str, tuple[Member, ...]] = {}
    if not groups:
        return found
    for group, future in admin.describe_consumer_groups(groups, request_timeout=timeout).items():
        try:
            found[group] = tuple(
                Member(one.client_id, tuple((p.topic, p.partition) for p in one.assignment.topic_partitions))
                for one in reads.answer(future, timeout).members
            )
        except KafkaException as error:
            if error.args[0].retriable():
                raise reads.kafka_unavailable(f"group {group}", error) from None
    return found
