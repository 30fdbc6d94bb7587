"""One shared look at Kafka, Connect and the registry, however many pages watch; nobody watching, nothing is asked."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from glue.connect import ConnectClient
from glue.deadletters.read import Letter
from glue.errors import MillionXError
from glue.kafka.reads import TopicPartition
from glue.pipeline.routes import Pipeline
from glue.registry import registry_client, subject_names
from glue.rights.requests import Request, Requests
from glue.settings import Settings
from glue.topology.graph.traffic import Traffic, read_traffic, really_done
from glue.topology.kinds.connector import LiveConnector, read_connectors
from glue.topology.load import load
from glue.topology.model import Declared
from glue.topology.services import Services
from glue.ui.letters import Letters
from glue.ui.rates import Rates
from glue.ui.reading import Reading

EVERY = 2.0  # seconds between two looks while somebody watches
_REGISTRY_EVERY = 10.0
_TIMEOUT = 4.0  # seconds for one request
_WAIT = 1.5  # seconds that a page waits for a fresh look before it gets the last one
KAFKA, CONNECT, REGISTRY = "Kafka", "Kafka Connect", "Schema Registry"


@dataclass(frozen=True)
class Snapshot:
    """All that is known at one moment.

    Attributes:
        traffic, connectors, subjects: None where the service does not answer.
        errors: why, by service; services that answer are missing.
        letters: dead letters by topic, the newest first.
        requests: of persons and shops, those that are not done, or leave something to a person.
        cut: dead-letter topics of which only the latest letters were read.
    """

    declared: Declared
    rates: Rates
    traffic: Traffic | None = None
    connectors: dict[str, LiveConnector] | None = None
    subjects: set[str] | None = None
    letters: dict[str, list[Letter]] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    cut: frozenset[str] = frozenset()
    errors: dict[str, str] = field(default_factory=dict)

    @cached_property
    def open(self) -> dict[tuple[str, str], list[Letter]]:
        """Open letters by topic and by who set them aside, the newest first."""
        found: dict[tuple[str, str], list[Letter]] = {}
        for topic, letters in self.letters.items():
            for letter in letters:
                if not letter.done:
                    found.setdefault((topic, letter.header("connector.name")), []).append(letter)
        return found


class Collector:
    """Looks when it is asked, at most every ``EVERY`` seconds; each service in a thread of its own.

    So a service that hangs holds up neither the page nor the others.

    Raises:
        ConfigError: the declared files cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.services = Services(settings)
        self.services.connect = ConnectClient.of(settings, timeout=_TIMEOUT, patience=0, retries=0)
        self.services.registry = registry_client(settings, timeout=_TIMEOUT, retries=0)
        self._letters = Letters(self.services.kafka)
        self._requests: tuple[Any, tuple[Request, ...]] = None, ()
        self._rates = Rates()
        self._last: tuple[Any, Snapshot] | None = None
        self._looked = -100.0
        self._near: set[tuple[TopicPartition, int]] = set()
        self._done: set[tuple[TopicPartition, int]] = set()
        self._behind: set[tuple[TopicPartition, int]] = set()
        self._lock = threading.Lock()
        self._stamp = self._files_stamp()
        self._declared = load(settings)
        self._pool = ThreadPoolExecutor(3, "look")
        self.kafka = Reading(KAFKA, self._read_kafka, EVERY)
        self.connect = Reading(CONNECT, lambda: read_connectors(self.services), EVERY)
        self.registry = Reading(REGISTRY, self._read_registry, _REGISTRY_EVERY)

    def look(self) -> Snapshot:
        """What is known now; waits a moment for services that were not asked for a while."""
        readings = (self.kafka, self.connect, self.registry)
        wait([run for one in readings if (run := one.refresh(self._pool)) is not None], _WAIT)
        errors = {one.name: one.error for one in readings if one.error}
        declared = self.declared()
        key = ([one.count for one in readings], errors, id(declared))
        with self._lock:
            if self._last is None or self._last[0] != key:
                self._last = key, self._snapshot(declared, errors)
            return self._last[1]

    def _snapshot(self, declared: Declared, errors: dict[str, str]) -> Snapshot:
        seen = self.kafka.value
        return Snapshot(
            declared=declared,
            rates=self._rates,
            traffic=seen[0] if seen else None,
            connectors=self.connect.value,
            subjects=self.registry.value,
            letters=seen[1] if seen else {},
            requests=self._requests[1],
            cut=frozenset(self._letters.cut),
            errors=errors,
        )

    def declared(self) -> Declared:
        """The declared topology, read again when a file changed; what was, while it cannot be read."""
        with self._lock:
            stamp = self._files_stamp()
            if stamp != self._stamp:
                self._stamp = stamp
                with contextlib.suppress(MillionXError):  # `mxctl validate` reports it
                    self._declared = load(self.settings)
            return self._declared

    def close(self) -> None:
        """Ask nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _files_stamp(self) -> float:
        return max((file.stat().st_mtime for file in self.settings.config_dir.rglob("*.json")), default=0.0)

    def _read_kafka(self) -> tuple[Traffic, dict[str, list[Letter]]]:
        pipeline = Pipeline.of(self.declared())
        traffic = self._without_markers(read_traffic(self.services.admin, pipeline, _TIMEOUT))
        self._rates.add(time.monotonic(), traffic)
        ends = {partition: end for partition, end in traffic.ends.items() if partition[0] in pipeline.dead_letters}
        if self._requests[0] != (end := traffic.ends.get((self.settings.requests_topic, 0))):
            found = Requests(self.services.kafka, None).all().values() if end else ()
            self._requests = end, tuple(one for one in found if not one.done or one.by_hand)
        return traffic, self._letters.refresh(ends)

    def _without_markers(self, traffic: Traffic) -> Traffic:
        """Lags that are only transaction markers taken away; looked into once each, and only what does not move."""
        near, now = traffic.almost_done(), time.monotonic()
        still = near & self._near if now - self._looked < 5 * EVERY else near
        self._looked = now
        self._near, self._done = near, self._done & near
        if new := still - self._done - self._behind:
            done = really_done(self.services.kafka, new)
            self._done |= done
            self._behind = (self._behind & near) | (new - done)
        return replace(traffic, done=frozenset(self._done))

    def _read_registry(self) -> set[str]:
        return subject_names(self.services.registry)
