"""Reading topics without joining a group: where they end, and what lies between two offsets.

Only committed records are read unless asked otherwise. A partition may end with what no reader gets to see (markers of
transactions, records of aborted ones, offsets that compaction has emptied): all of it is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, cast
from uuid import uuid4

import confluent_kafka
from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import OffsetSpec as _OffsetSpec  # type: ignore[attr-defined]

from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.identity import READERS
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.lock import members

TIMEOUT = 15.0
TopicPartition = tuple[str, int]  # topic, number of the partition
Range = tuple[int, int]  # first offset, offset after the last
OffsetSpec: Any = _OffsetSpec  # not typed
_BATCH, _GATHER = 10_000, 0.05  # large batches where there is much, since their readers compute on arrays
MAY = "give it the rights of its role: mxctl acls lists them"
# what a broker says while a partition gets its leader, or another one
_NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART)
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)


def answer(future: Any, timeout: float = TIMEOUT) -> Any:
    """What an admin's request with this timeout brought; waited for longer, so that Kafka's own reason is the error."""
    return future.result(timeout * 2)


def kafka_unavailable(what: str, error: KafkaException | KafkaError) -> ServiceUnavailableError:
    """Kafka's error as this project's."""
    reason = error.args[0] if isinstance(error, KafkaException) else error
    fix = "is the broker up? mxctl local status; or name another with MXCTL_KAFKA"
    return ServiceUnavailableError(what, f"Kafka: {reason.str()}", "mxctl apply" if reason.code() in _NO_TOPIC else fix)


@contextmanager
def must_answer(what: str) -> Iterator[None]:
    """Whatever Kafka raises inside is that it does not answer what is asked of it: :class:`ServiceUnavailableError`."""
    try:
        yield
    except KafkaException as error:
        raise kafka_unavailable(what, error) from None


def partitions_of(admin: Any, topics: Iterable[str], timeout: float = TIMEOUT) -> list[TopicPartition]:
    """The partitions of those topics that are there.

    Raises:
        ServiceError: this login may not see a topic; to its program it must not look as if there were none.
    """
    found, wanted = [], list(dict.fromkeys(topics))
    futures = admin.describe_topics(TopicCollection(wanted), request_timeout=timeout) if wanted else {}
    for topic, future in futures.items():
        try:
            found += [(topic, number) for number in sorted(one.id for one in answer(future, timeout).partitions)]
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise ServiceError(f"topic {topic}", "Kafka lets this login not see it", MAY) from None
            if error.args[0].code() not in _NO_TOPIC:
                raise
    return found


def offsets(
    admin: Any, partitions: Iterable[TopicPartition], what: Any, timeout: float = TIMEOUT, committed: bool = True
) -> dict[TopicPartition, Any]:
    """What ``what`` (an ``OffsetSpec``) asks of each partition: ``offset`` and ``timestamp``.

    A partition without a leader is asked again: it has just been made, or its broker has gone.
    """
    found: dict[TopicPartition, Any] = {}
    asked = {confluent_kafka.TopicPartition(*partition): what for partition in partitions}
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    ends = time.monotonic() + timeout
    while asked:
        for one, future in admin.list_offsets(asked, isolation_level=level, request_timeout=timeout).items():
            try:
                found[one.topic, one.partition] = answer(future, timeout)
            except KafkaException as error:
                if error.args[0].code() not in _NO_LEADER or time.monotonic() > ends:
                    raise
        asked = {one: what for one in asked if (one.topic, one.partition) not in found}
        if asked:
            time.sleep(0.2)
    return found


def watermarks(
    kafka: KafkaConfig, topics: Iterable[str], *, missing: str = "", committed: bool = True
) -> dict[TopicPartition, Range]:
    """First and next offset of each partition of the topics.

    Args:
        missing: what to do about a topic that is not there; without it, such a topic is left out.
        committed: False counts the records of open transactions too.

    Raises:
        UsageError: a topic is not there, and ``missing`` says what to do.
        ServiceUnavailableError: Kafka does not answer.
    """
    kafka.must_listen()
    admin, wanted = kafka.admin(QUIET), list(topics)
    with must_answer("offsets"):
        there = partitions_of(admin, wanted)
        for topic in wanted if missing else ():
            if not any(topic == name for name, _ in there):
                raise UsageError(f"topic {topic}", "it does not exist", missing)
        low = offsets(admin, there, OffsetSpec.earliest(), committed=committed)
        high = offsets(admin, there, OffsetSpec.latest(), committed=committed)
    return {partition: (low[partition].offset, high[partition].offset) for partition in there}


def record_count(kafka: KafkaConfig, topic: str) -> int:
    """Records a topic holds at most (compaction and transaction marks may make it fewer)."""
    return sum(high - low for low, high in watermarks(kafka, [topic]).values())


def group_offsets(admin: Any, group: str, timeout: float = TIMEOUT) -> dict[TopicPartition, int]:
    """The next offset that a consumer group has committed, by partition; empty where there is no such group.

    Its members are asked for first, which finds its coordinator: librdkafka 2.16 crashes the process when the broker
    that it asks for offsets is not, or not yet, that one. Source: confluentinc/librdkafka, issue 5040.

    Raises:
        ServiceUnavailableError: Kafka does not answer, or this principal may not look.
    """
    try:
        members(admin, group)
        futures = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=timeout)
        (found,) = (answer(future, timeout).topic_partitions for future in futures.values())
    except KafkaException as error:
        if error.args[0].retriable():
            raise kafka_unavailable(f"group {group}", error) from None
        return {}
    return {(one.topic, one.partition): one.offset for one in found if one.offset >= 0}


def lag(ends: Range, committed: int | None) -> int:
    """Records between what was committed (None: nothing yet) and the end of a partition."""
    low, high = ends
    return max(0, high - max(low, low if committed is None else committed))


class PartitionReader:
    """Reads partitions from given offsets on. Use it as a context manager.

    Args:
        wait_ms: for which the broker keeps a question open while there is nothing new. A record is answered at once,
            an end is seen only by an answer without one: who follows and needs no end may ask seldom.

    Attributes:
        position: next offset of each partition. ended: those whose end was reached once.
    """

    def __init__(
        self, kafka: KafkaConfig, begins: Mapping[TopicPartition, int], *, committed: bool = True, wait_ms: int = 100
    ) -> None:
        self.position, self.ended = dict(begins), set[TopicPartition]()
        level = "read_committed" if committed else "read_uncommitted"
        own: dict[str, object] = {"isolation.level": level, "enable.partition.eof": True, "client.id": "mxctl"}
        own["fetch.wait.max.ms"] = wait_ms
        self._consumer = kafka.consumer(f"{READERS}{uuid4()}", {**QUIET, **own})
        self._consumer.assign([confluent_kafka.TopicPartition(*one, begin) for one, begin in begins.items()])

    def poll(self, wait: float = 0.1, gather: float = 0.0, most: int = _BATCH) -> list[Any]:
        """What has arrived; waits ``wait`` seconds for the first, and ``gather`` for more.

        Raises:
            ServiceUnavailableError: Kafka refused.
        """
        deadline = time.monotonic() + wait
        found: list[Any] = []
        while arrived := cast(list[Any], self._consumer.consume(1, max(0.0, deadline - time.monotonic()))):
            is_news = False
            more: list[Any] = self._consumer.consume(most - 1, gather)
            for message in (*arrived, *more):
                partition, error = (message.topic(), message.partition()), message.error()
                if error is None:
                    self.position[partition] = message.offset() + 1
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # its offset also passes over transaction markers
                    is_news |= partition not in self.ended or self.position[partition] != message.offset()
                    self.position[partition] = message.offset()
                    self.ended.add(partition)
                elif not error.retriable() and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # of no group
                    raise kafka_unavailable(f"topic {message.topic()}" if message.topic() else "records", error)
            if found or is_news:
                break
        return found

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def read(
    kafka: KafkaConfig,
    ranges: Mapping[TopicPartition, Range],
    *,
    committed: bool = True,
    patience: float = 30.0,
    wait_for_open: bool = False,
) -> Iterator[list[Any]]:
    """The messages in ``ranges`` as far as they are there, in batches; each partition in its order.

    Args:
        patience: seconds without anything new after which Kafka has stopped answering.
        wait_for_open: wait for transactions that are open within the ranges; those of a program that was killed end
            by themselves, and what is behind them cannot be seen before.

    Raises:
        ServiceUnavailableError: Kafka stopped answering, or a transaction stays open.
    """
    left = {partition: end for partition, (begin, end) in ranges.items() if begin < end}
    if not left:
        return
    with PartitionReader(kafka, {one: ranges[one][0] for one in left}, committed=committed) as reader:
        heard = time.monotonic()
        while left:
            before = len(reader.ended), sum(reader.position.values())
            batch = reader.poll(gather=0.0 if wait_for_open else _GATHER)
            ended = () if wait_for_open else reader.ended
            still = {one: end for one, end in left.items() if reader.position[one] < end and one not in ended}
            batch = [one for one in batch if one.offset() < ranges[one.topic(), one.partition()][1]]
            if batch:
                yield batch
            left = still
            if before != (len(reader.ended), sum(reader.position.values())):
                heard = time.monotonic()
            elif time.monotonic() - heard > patience:
                topic, is_open = next(iter(left))[0], left.keys() <= reader.ended
                why = "its end cannot be read: a transaction stays open" if is_open else "no answer in time"
                fix = "try again in a minute" if is_open else "mxctl local status; mxctl doctor"
                raise ServiceUnavailableError(f"topic {topic}", why, fix)


def read_topics(kafka: KafkaConfig, topics: Iterable[str], committed: bool = True) -> Iterator[tuple[str, Any]]:
    """Each message of ``topics`` up to the end of this moment, in the order of topic, partition and offset.

    Raises:
        UsageError: a topic does not exist.
        ServiceUnavailableError: Kafka does not answer.
    """
    for topic in topics:
        ranges = watermarks(kafka, [topic], missing="mxctl topics get names those there are", committed=committed)
        found = [message for batch in read(kafka, ranges, committed=committed) for message in batch]
        found.sort(key=lambda message: (message.partition(), message.offset()))
        yield from ((topic, message) for message in found)


def read_to_end(
    kafka: KafkaConfig, begins: Mapping[TopicPartition, int], take: Callable[[Any], None], patience: float
) -> dict[TopicPartition, int]:
    """Hand every message from the given offsets to the end of its partition to ``take``, for ``patience`` seconds.

    Returns:
        The offset after what was read, by partition; one of which nothing came in time is missing.

    Raises:
        ServiceUnavailableError: Kafka refused.
    """
    if not begins:
        return {}
    deadline = time.monotonic() + patience
    with PartitionReader(kafka, begins) as reader:
        while len(reader.ended) < len(begins) and time.monotonic() < deadline:
            for message in reader.poll(most=500):
                take(message)
        return {one: at for one, at in reader.position.items() if one in reader.ended or at > begins[one]}
