"""What is appended to topics from now on, for whoever watches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from glue.errors import ServiceUnavailableError
from glue.kafka import reads
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.reads import TIMEOUT, PartitionReader, TopicPartition


class TopicTail(PartitionReader):
    """Every committed record appended to ``topics`` after the tail was opened.

    Raises:
        ServiceUnavailableError: a topic is not there, or Kafka does not answer.
    """

    def __init__(self, kafka: KafkaConfig, topics: tuple[str, ...], timeout: float = TIMEOUT) -> None:
        # The ends are asked of an admin client: a consumer's own requests queue behind its waiting fetches.
        self._admin, self._timeout = kafka.admin(QUIET), timeout
        with reads.must_answer("Kafka"):
            self._partitions = reads.partitions_of(self._admin, topics, timeout)
            for topic in topics:
                if not any(topic == name for name, _ in self._partitions):
                    raise ServiceUnavailableError(f"topic {topic}", "it does not exist", "mxctl apply creates it")
            begins = self.ends()
        super().__init__(kafka, begins)

    def new(self, wait: float = 0.1) -> Iterator[Any]:
        """The records that have arrived; waits at most ``wait`` seconds for the first."""
        batch = self.poll(wait, most=1000)
        while batch:
            yield from batch
            batch = self.poll(0, most=1000)

    def ends(self) -> dict[TopicPartition, int]:
        """The end of every partition now, to be compared with what was read by :meth:`reached`."""
        latest = reads.OffsetSpec.latest()
        found = reads.offsets(self._admin, self._partitions, latest, self._timeout, committed=False)
        return {partition: one.offset for partition, one in found.items()}

    def reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether everything before ``ends`` was read."""
        return all(self.position[partition] >= end for partition, end in ends.items())
