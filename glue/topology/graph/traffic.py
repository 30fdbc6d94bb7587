"""What Kafka tells of the declared topics and of who reads them: ends, positions, members; a handful of requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec as _OffsetSpec  # type: ignore[attr-defined]

from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TIMEOUT, kafka_unavailable, read_to_end
from glue.pipeline.routes import Pipeline

Place = tuple[str, int]
OffsetSpec: Any = _OffsetSpec  # not typed
_MARKERS = 3  # offsets that may be markers at the end of a partition: one, and those of transactions given up


@dataclass(frozen=True)
class Member:
    """One consumer of a group, and the partitions it was given."""

    client: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Traffic:
    """One look at the cluster.

    Attributes:
        ends: first and next committed offset of each partition; transaction markers count as offsets.
        newest: milliseconds since the epoch of the newest record, by topic; topics without a record are missing.
        positions: committed offsets, by group.
        members: who reads, by group; a group that is not there has none.
        done: positions after which nothing but transaction markers lies.
    """

    ends: dict[Place, tuple[int, int]] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    positions: dict[str, dict[Place, int]] = field(default_factory=dict)
    members: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    done: frozenset[tuple[Place, int]] = frozenset()

    def records(self, topic: str) -> int | None:
        """Records a topic holds at most; None where there is no such topic."""
        mine = [high - low for (name, _), (low, high) in self.ends.items() if name == topic]
        return sum(mine) if mine else None

    def lag(self, group: str, topics: Collection[str]) -> int:
        """Offsets between what a group has committed and the ends of ``topics``; 0 where only markers are left."""
        return sum(self.lags(group, topics).values())

    def lags(self, group: str, topics: Collection[str]) -> dict[Place, int]:
        """The same by partition."""
        mine = self.positions.get(group, {})
        return {
            place: 0 if (place, mine.get(place, low)) in self.done else max(0, high - max(low, mine.get(place, low)))
            for place, (low, high) in self.ends.items()
            if place[0] in topics
        }

    def almost_done(self) -> set[tuple[Place, int]]:
        """Positions so near to the end of their partition that there may be only markers between."""
        return {
            (place, position)
            for positions in self.positions.values()
            for place, position in positions.items()
            if 0 < self.ends.get(place, (0, 0))[1] - position <= _MARKERS
        }


def really_done(
    kafka: KafkaConfig, positions: Iterable[tuple[Place, int]], patience: float = 4.0
) -> set[tuple[Place, int]]:
    """Those of ``positions`` after which no committed record lies.

    A transaction ends with a marker in each partition, which no reader ever gets to see and so does not commit either:
    to the offsets, whoever reads such a topic is one behind for ever.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    wanted = set(positions)
    nearest: dict[Place, int] = {}
    for place, position in wanted:
        nearest[place] = min(position, nearest.get(place, position))
    newest: dict[Place, int] = {}

    def take(message: Any) -> None:
        newest[message.topic(), message.partition()] = message.offset()

    ended = read_to_end(kafka, nearest, take, patience)
    return {(place, position) for place, position in wanted if place in ended and newest.get(place, -1) < position}


def read_traffic(admin: Any, pipeline: Pipeline, timeout: float = TIMEOUT) -> Traffic:
    """Look at every declared topic, chain and connector.

    Args:
        timeout: seconds for each request.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    groups = [part.group for part in pipeline.moving if part.group]
    try:
        known = admin.list_topics(timeout=timeout).topics
        places = [
            TopicPartition(topic, number)
            for topic in pipeline.topics
            if topic in known and known[topic].error is None
            for number in known[topic].partitions
        ]
        first = _offsets(admin, places, OffsetSpec.earliest(), timeout)
        last = _offsets(admin, places, OffsetSpec.latest(), timeout)
        newest: dict[str, int] = {}
        for (topic, _), found in _offsets(admin, places, OffsetSpec.max_timestamp(), timeout).items():
            if found.timestamp > 0:
                newest[topic] = max(newest.get(topic, 0), found.timestamp)
    except KafkaException as error:
        raise kafka_unavailable("topics", error) from None
    ends = {place: (first[place].offset, last[place].offset) for place in first.keys() & last.keys()}
    return Traffic(ends, newest, _positions(admin, groups, timeout), _members(admin, groups, timeout))


def _offsets(admin: Any, places: list[TopicPartition], what: Any, timeout: float) -> dict[Place, Any]:
    if not places:
        return {}
    futures = admin.list_offsets(
        dict.fromkeys(places, what), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=timeout
    )
    return {(place.topic, place.partition): future.result(timeout) for place, future in futures.items()}


def _positions(admin: Any, groups: list[str], timeout: float) -> dict[str, dict[Place, int]]:
    found: dict[str, dict[Place, int]] = {}
    for group in groups:
        try:
            futures = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=timeout)
            for future in futures.values():
                parts = future.result(timeout).topic_partitions
                found[group] = {(p.topic, p.partition): p.offset for p in parts if p.offset >= 0}
        except KafkaException as error:
            if error.args[0].retriable():
                raise kafka_unavailable(f"group {group}", error) from None
    return found


def _members(admin: Any, groups: list[str], timeout: float) -> dict[str, tuple[Member, ...]]:
    found: dict[str, tuple[Member, ...]] = {}
    if not groups:
        return found
    for group, future in admin.describe_consumer_groups(groups, request_timeout=timeout).items():
        try:
            found[group] = tuple(
                Member(one.client_id, tuple((p.topic, p.partition) for p in one.assignment.topic_partitions))
                for one in future.result(timeout).members
            )
        except KafkaException as error:
            if error.args[0].retriable():
                raise kafka_unavailable(f"group {group}", error) from None
    return found
