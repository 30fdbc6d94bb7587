"""Topics: create, grow, set and unset configs, delete."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from glue.errors import ServiceError, ServiceUnavailableError
from glue.kafka.reads import TIMEOUT, kafka_unavailable, record_count
from glue.topology.change import Undo, impossible
from glue.topology.diff import Action, Change
from glue.topology.live import Live
from glue.topology.model import Declared
from glue.topology.services import Services


def check(change: Change, *, allow_recreate: bool) -> None:
    """Refuse what must be asked for by name.

    Raises:
        ServiceError: the topic would have to be recreated and that is not allowed.
    """
    if change.action == Action.RECREATE and not allow_recreate:
        raise ServiceError(
            change.label,
            "; ".join(change.cost),
            "declare at least as many partitions as there are, or pass --allow-recreate and lose its records",
        )


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Write one change of a topic."""
    admin, name = services.admin, change.name
    try:
        if change.action in (Action.DELETE, Action.RECREATE):
            _result(admin.delete_topics([name], operation_timeout=TIMEOUT))
            _until(lambda: name not in admin.list_topics(timeout=TIMEOUT).topics, f"topic {name} to go")
        if change.action in (Action.CREATE, Action.RECREATE):
            want = declared.topics[name]
            topic = NewTopic(name, want.partitions, want.replication_factor, config=want.config)
            _result(admin.create_topics([topic], operation_timeout=TIMEOUT))
            _until(lambda: _has_leaders(admin, name, want.partitions), f"topic {name} to get its leaders")
        elif change.action == Action.UPDATE:
            return _update(admin, declared, live, change)
    except KafkaException as error:
        if error.args[0].retriable():
            raise kafka_unavailable(change.label, error) from None
        raise ServiceError(change.label, f"Kafka refused: {error.args[0].str()}") from None
    if change.action == Action.CREATE:
        return Undo(
            f"delete topic {name} again, if nothing has been written to it", lambda: _delete_empty(services, name)
        )
    return impossible(f"topic {name} was deleted; its records are gone")


def _update(admin: Any, declared: Declared, live: Live, change: Change) -> Undo:
    name, want = change.name, declared.topics[change.name]
    grown = any(field.path == "partitions" for field in change.fields)
    if grown:
        _result(admin.create_partitions([NewPartitions(name, want.partitions)]))
    keys = [field.path.removeprefix("config.") for field in change.fields if field.path.startswith("config.")]
    before = {key: live.topics[name].overrides.get(key) for key in keys}
    _set_configs(admin, name, {key: want.config.get(key) for key in keys})
    if grown:
        return impossible(f"topic {name} has more partitions now; Kafka can not take them away")
    return Undo(f"put back the configs of topic {name}", lambda: _set_configs(admin, name, before))


def _set_configs(admin: Any, name: str, values: Mapping[str, str | None]) -> None:
    entries = [
        ConfigEntry(
            key, value, incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
        )
        for key, value in values.items()
    ]
    if entries:
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        _result(admin.incremental_alter_configs([resource]))


def _delete_empty(services: Services, name: str) -> None:
    if count := record_count(services.kafka, name):
        raise ServiceError(f"topic {name}", f"{count} records have been written to it since, so it stays")
    _result(services.admin.delete_topics([name], operation_timeout=TIMEOUT))


def _result(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        future.result(TIMEOUT * 2)


def _has_leaders(admin: Any, name: str, partitions: int) -> bool:
    topic = admin.list_topics(timeout=TIMEOUT).topics.get(name)
    return bool(topic and len(topic.partitions) == partitions and all(p.leader >= 0 for p in topic.partitions.values()))


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceUnavailableError(f"waiting for {what}", f"not within {TIMEOUT} s", "mxctl doctor")
        time.sleep(0.1)
