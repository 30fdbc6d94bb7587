"""Reads what is appended to topics from a moment on, without joining a group."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from confluent_kafka import KafkaError, Message, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig


class TopicTail:
    """Every committed record appended to ``topics`` after the tail was opened. Use it as a context manager."""

    def __init__(self, kafka: KafkaConfig, topics: tuple[str, ...], timeout: float = 15.0) -> None:
        # The ends are asked of an admin client: a consumer's own requests queue behind its waiting fetches.
        self._admin = kafka.admin()
        self._timeout = timeout
        known = self._admin.list_topics(timeout=timeout).topics
        for topic in topics:
            if topic not in known:
                raise ServiceUnavailableError(f"topic {topic}", "it does not exist", "mxctl apply creates it")
        self._at = {(topic, number): 0 for topic in topics for number in known[topic].partitions}
        self._at = self.ends()
        self._consumer = kafka.consumer(f"mxctl-tail-{uuid4()}", {"enable.partition.eof": True})
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in self._at.items()])

    def new(self, wait: float = 0.1) -> Iterator[Message]:
        """The records that have arrived; waits at most ``wait`` seconds for the first."""
        batch: list[Any] = self._consumer.consume(1000, wait)
        while batch:
            for message in batch:
                place, error = (message.topic(), message.partition()), message.error()
                if error is None:
                    self._at[place] = message.offset() + 1
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # its offset also passes over transaction markers
                    self._at[place] = message.offset()
            batch = self._consumer.consume(1000, 0)

    def ends(self) -> dict[tuple[str, int], int]:
        """The end of every partition now, to be compared with what was read by :meth:`reached`."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(
            {TopicPartition(*place): latest for place in self._at}, request_timeout=self._timeout
        )
        return {(partition.topic, partition.partition): future.result().offset for partition, future in asked.items()}

    def reached(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether everything before ``ends`` was read."""
        return all(self._at[place] >= end for place, end in ends.items())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._consumer.close()
