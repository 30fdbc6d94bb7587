"""Small questions to Kafka: how many records a topic holds, where it ends, what lies at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from glue.errors import ServiceUnavailableError
from glue.kafka.config import QUIET, KafkaConfig

TIMEOUT = 15


def watermarks(kafka: KafkaConfig, topics: list[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """First and next offset of each partition of the topics; topics that are not there are left out."""
    kafka.must_listen()
    reader = kafka.consumer("mxctl", QUIET)
    try:
        known = reader.list_topics(timeout=TIMEOUT).topics
        return {
            (topic, partition): reader.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT)
            for topic in topics
            if topic in known and known[topic].error is None
            for partition in known[topic].partitions
        }
    except KafkaException as error:
        raise kafka_unavailable("offsets", error) from None
    finally:
        reader.close()


def record_count(kafka: KafkaConfig, topic: str) -> int:
    """Records a topic holds at most (compaction and transaction marks may make it fewer)."""
    return sum(high - low for low, high in watermarks(kafka, [topic]).values())


def read_to_end(
    kafka: KafkaConfig, begins: Mapping[tuple[str, int], int], take: Callable[[Any], None], patience: float
) -> dict[tuple[str, int], int]:
    """Hand every committed message from the given offsets to the end of its partition to ``take``.

    Args:
        patience: seconds in all.

    Returns:
        The offset after what was read, by partition, transaction markers passed over; one of which nothing came in
        time is missing.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    after: dict[tuple[str, int], int] = {}
    if not begins:
        return after
    reader = kafka.consumer(f"mxctl-{uuid4()}", {**QUIET, "enable.partition.eof": True})
    try:
        reader.assign([TopicPartition(topic, number, begin) for (topic, number), begin in begins.items()])
        left, deadline = set(begins), time.monotonic() + patience
        while left and time.monotonic() < deadline:
            for message in _messages(reader):
                place, error = (message.topic(), message.partition()), message.error()
                if error is None:
                    take(message)
                    after[place] = message.offset() + 1
                elif error.code() == KafkaError._PARTITION_EOF:
                    after[place] = message.offset()
                    left.discard(place)
                elif not error.retriable():
                    raise KafkaException(error)
        return after
    except KafkaException as error:
        raise kafka_unavailable("records", error) from None
    finally:
        reader.close()


def _messages(reader: Any) -> list[Any]:
    return list(reader.consume(500, 0.1))


def kafka_unavailable(what: str, error: KafkaException) -> ServiceUnavailableError:
    """Kafka's exception as this project's error."""
    return ServiceUnavailableError(
        what, f"Kafka: {error.args[0].str()}", "is the broker up? mxctl local status; or name another with MXCTL_KAFKA"
    )
