"""The live state: topics, subjects and connectors as the cluster has them now, read and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource, ConfigSource  # type: ignore[attr-defined]
from confluent_kafka.schema_registry.error import SchemaRegistryError

from glue.kafka.reads import TIMEOUT, kafka_unavailable
from glue.registry import registry_errors
from glue.topology.history import Memory
from glue.topology.model import Declared, Kind
from glue.topology.services import Services


@dataclass(frozen=True)
class LiveTopic:
    """A topic: ``overrides`` are set on the topic itself, ``effective`` is every value in force."""

    partitions: int
    replication_factor: int
    overrides: dict[str, str] = field(default_factory=dict)
    effective: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LiveSubject:
    """The latest version of a subject; ``level`` is in force, ``own_level`` is set on the subject itself."""

    schema_id: int
    version: int
    schema: Any
    level: str | None
    own_level: str | None = None


@dataclass(frozen=True)
class LiveConnector:
    """A connector: its config as it was put, and its status as Connect tells it."""

    config: dict[str, str]
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """State of the connector itself; its tasks may be in another."""
        return str(self.status.get("connector", {}).get("state", "UNKNOWN"))

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """``id``, ``state``, ``worker_id`` and, when failed, ``trace`` of each task."""
        return list(self.status.get("tasks", []))


@dataclass
class Live:
    """What there is. Configs and schemas are read for what is declared; names are complete."""

    topics: dict[str, LiveTopic] = field(default_factory=dict)
    subjects: dict[str, LiveSubject] = field(default_factory=dict)
    connectors: dict[str, LiveConnector] = field(default_factory=dict)
    subject_names: set[str] = field(default_factory=set)
    registry_level: str | None = None
    memory: Memory = field(default_factory=Memory)


def read_live(services: Services, declared: Declared, kinds: Iterable[Kind], *, remember: bool = True) -> Live:
    """The live counterpart of what is declared, of the given kinds, and what mxctl remembers.

    Raises:
        ServiceUnavailableError: Kafka, the registry or Connect does not answer.
    """
    live, wanted = Live(), set(kinds)
    if remember:
        live.memory = services.memory.read()
    if Kind.TOPIC in wanted:
        live.topics = read_topics(services.admin, declared.topics)
    if Kind.SUBJECT in wanted:
        live.registry_level, live.subject_names, live.subjects = read_subjects(services.registry, declared.subjects)
    if Kind.CONNECTOR in wanted:
        live.connectors = read_connectors(services)
    return live


def read_connectors(services: Services) -> dict[str, LiveConnector]:
    """Every connector with config and status, in one call."""
    return {
        name: LiveConnector(
            {k: str(v) for k, v in (body.get("info", {}).get("config") or {}).items() if v is not None},
            body.get("status") or {},
        )
        for name, body in services.connect.connectors().items()
    }


def read_topics(admin: Any, configs_of: Iterable[str]) -> dict[str, LiveTopic]:
    """Every topic's size, and the configs of the topics named."""
    try:
        metadata = admin.list_topics(timeout=TIMEOUT).topics
        sizes = {
            name: (len(topic.partitions), max((len(p.replicas) for p in topic.partitions.values()), default=0))
            for name, topic in metadata.items()
            if topic.error is None
        }
        wanted = [name for name in configs_of if name in sizes]
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in wanted]
        futures = admin.describe_configs(resources, request_timeout=TIMEOUT) if resources else {}
        configs = {resource.name: future.result(TIMEOUT) for resource, future in futures.items()}
    except KafkaException as error:
        raise kafka_unavailable("topics", error) from None
    topics = {}
    for name, (partitions, copies) in sizes.items():
        entries = {key: entry for key, entry in configs.get(name, {}).items() if entry.value is not None}
        own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        overrides = {k: str(e.value) for k, e in entries.items() if e.source == own and not e.is_sensitive}
        topics[name] = LiveTopic(partitions, copies, overrides, {k: str(e.value) for k, e in entries.items()})
    return topics


def read_subjects(registry: Any, wanted: Iterable[str]) -> tuple[str | None, set[str], dict[str, LiveSubject]]:
    """The registry's default level, every subject's name, and the latest version of the subjects named."""
    with registry_errors("subjects"):
        default = registry.get_compatibility()
        names = set(registry.get_subjects())
    registry.clear_latest_caches()

    def read(name: str) -> tuple[str, LiveSubject]:
        with registry_errors(f"subject {name}"):
            latest = registry.get_latest_version(name)
            schema = json.loads(latest.schema.schema_str or "null")
            own = _level(registry, name)
            return name, LiveSubject(latest.schema_id, latest.version, schema, own or default, own)

    with ThreadPoolExecutor(4) as pool:
        return default, names, dict(pool.map(read, sorted(names & set(wanted))))


def _level(registry: Any, name: str) -> str | None:
    """The level of the subject itself; None where it has none (Confluent answers 404, code 40408)."""
    try:
        return str(registry.get_compatibility(name))
    except SchemaRegistryError as error:
        if error.http_status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
