"""Small questions to Kafka: how many records a topic holds, where it ends."""

from __future__ import annotations

from confluent_kafka import KafkaException, TopicPartition

from glue.clients.kafka import consumer, must_listen
from glue.errors import ServiceUnavailableError

TIMEOUT = 15
_QUIET = {"log_level": 2, "socket.timeout.ms": 10_000}


def watermarks(bootstrap: str, topics: list[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """First and next offset of each partition of the topics; topics that are not there are left out."""
    must_listen(bootstrap)
    reader = consumer(bootstrap, "mxctl", _QUIET)
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


def record_count(bootstrap: str, topic: str) -> int:
    """Records a topic holds at most (compaction and transaction marks may make it fewer)."""
    return sum(high - low for low, high in watermarks(bootstrap, [topic]).values())


def kafka_unavailable(what: str, error: KafkaException) -> ServiceUnavailableError:
    """Kafka's exception as this project's error."""
    return ServiceUnavailableError(
        what, f"Kafka: {error.args[0].str()}", "is the broker up? mxctl local status; or name another with MXCTL_KAFKA"
    )
