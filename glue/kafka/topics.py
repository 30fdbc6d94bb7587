"""Topics as Kafka has them: looked at, made, altered, deleted; each call returns once every broker would say so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
)

from glue.errors import ServiceError, ServiceUnavailableError
from glue.kafka.reads import MAY, TIMEOUT, answer, kafka_unavailable, must_answer


@dataclass(frozen=True)
class LiveTopic:
    """A topic: ``overrides`` are set on the topic itself, ``effective`` is every value in force."""

    partitions: int
    replication_factor: int
    overrides: dict[str, str] = field(default_factory=dict)
    effective: dict[str, str] = field(default_factory=dict)


@contextmanager
def kafka_errors(what: str) -> Iterator[None]:
    """Kafka's refusals and silences as this project's errors.

    Raises:
        ServiceUnavailableError: Kafka does not answer, or cannot now.
        ServiceError: it refused.
    """
    try:
        yield
    except KafkaException as error:
        if error.args[0].retriable():
            raise kafka_unavailable(what, error) from None
        if error.args[0].name().endswith("AUTHORIZATION_FAILED"):  # its text may hold the whole request
            raise ServiceError(what, "Kafka lets this login not do it", MAY) from None
        raise ServiceError(what, f"Kafka refused: {error.args[0].str()}") from None


def read_topics(admin: Any, configs_of: Iterable[str]) -> dict[str, LiveTopic]:
    """Every topic's size, and the configs of the topics named.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    with must_answer("topics"):
        metadata = admin.list_topics(timeout=TIMEOUT).topics
        sizes = {
            name: (len(topic.partitions), max((len(p.replicas) for p in topic.partitions.values()), default=0))
            for name, topic in metadata.items()
            if topic.error is None
        }
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in configs_of if name in sizes]
        futures = admin.describe_configs(resources, request_timeout=TIMEOUT) if resources else {}
        configs = {resource.name: answer(future) for resource, future in futures.items()}
    topics = {}
    for name, (partitions, copies) in sizes.items():
        entries = {key: entry for key, entry in configs.get(name, {}).items() if entry.value is not None}
        own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        overrides = {k: str(e.value) for k, e in entries.items() if e.source == own and not e.is_sensitive}
        topics[name] = LiveTopic(partitions, copies, overrides, {k: str(e.value) for k, e in entries.items()})
    return topics


def topic_ids(admin: Any, names: Iterable[str]) -> dict[str, str]:
    """The id of each topic that is there; one that was deleted and created again has another.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    wanted, found = list(names), {}
    futures = admin.describe_topics(TopicCollection(wanted), request_timeout=TIMEOUT) if wanted else {}
    for name, future in futures.items():
        try:
            found[name] = str(answer(future).topic_id)
        except KafkaException as error:
            if error.args[0].retriable():
                raise kafka_unavailable(f"topic {name}", error) from None
    return found


def create_topic(admin: Any, name: str, partitions: int, copies: int, config: Mapping[str, str]) -> None:
    """Create a topic and wait until each partition has a leader; ``copies`` -1 leaves their number to the broker."""
    with kafka_errors(f"topic {name}"):
        topic = NewTopic(name, partitions, copies, config=dict(config))
        _result(admin.create_topics([topic], operation_timeout=TIMEOUT))
        wait_until(lambda: _has_leaders(admin, name, partitions), f"waiting for topic {name} to get its leaders")


def delete_topic(admin: Any, name: str) -> None:
    """Delete a topic with its records and wait until it is gone."""
    with kafka_errors(f"topic {name}"):
        _result(admin.delete_topics([name], operation_timeout=TIMEOUT))
        wait_until(lambda: name not in admin.list_topics(timeout=TIMEOUT).topics, f"waiting for topic {name} to go")


def delete_records(admin: Any, up_to: Mapping[tuple[str, int], int]) -> None:
    """Delete the records of each topic's partition up to this offset, with the one that is there."""
    wanted = [TopicPartition(name, number, offset + 1) for (name, number), offset in up_to.items()]
    if wanted:
        with kafka_errors("delete records"):
            _result(admin.delete_records(wanted))


def add_partitions(admin: Any, name: str, total: int) -> None:
    """Grow a topic to ``total`` partitions."""
    with kafka_errors(f"topic {name}"):
        _result(admin.create_partitions([NewPartitions(name, total)]))


def set_configs(admin: Any, name: str, values: Mapping[str, str | None]) -> None:
    """Set configs of a topic; None goes back to the broker's default. Others stay as they are."""
    kinds = {True: AlterConfigOpType.DELETE, False: AlterConfigOpType.SET}
    entries = [ConfigEntry(k, v, incremental_operation=kinds[v is None]) for k, v in values.items()]
    if entries:
        with kafka_errors(f"topic {name}"):
            resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
            _result(admin.incremental_alter_configs([resource]))


def _result(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        answer(future)


def _has_leaders(admin: Any, name: str, partitions: int) -> bool:
    topic = admin.list_topics(timeout=TIMEOUT).topics.get(name)
    return bool(topic and len(topic.partitions) == partitions and all(p.leader >= 0 for p in topic.partitions.values()))


def wait_until(condition: Callable[[], bool], what: str, not_yet: str = "not") -> None:
    """Ask until it is so: the controller has taken a change, the broker that is asked learns of it a moment later.

    Raises:
        ServiceUnavailableError: it is not so within ``TIMEOUT`` seconds.
    """
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceUnavailableError(what, f"{not_yet} within {TIMEOUT} s", "mxctl doctor")
        time.sleep(0.1)
