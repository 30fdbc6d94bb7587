"""Canaries into Kafka, and out of the stores again that remove what is deleted."""

from __future__ import annotations

import time
from collections.abc import Iterable

from glue.avro import encoder_for_subject
from glue.canary.flight import Flight
from glue.canary.paths import HEADER, Path
from glue.kafka import produce
from glue.kafka.config import KafkaConfig
from glue.privacy.atrest import at_rest_of
from glue.registry import registry_client
from glue.settings import Settings
from glue.tracing import HEADER as TRACE_HEADER
from glue.tracing import traces

_PATIENCE = 10.0


class Sender:
    """A producer of canaries of ``paths``.

    Raises:
        ConfigError: there is no key file.
        ServiceUnavailableError: the registry does not answer.
        ServiceError: a subject is not registered.
    """

    def __init__(self, settings: Settings, paths: Iterable[Path] = ()) -> None:
        with registry_client(settings, timeout=5, retries=0) as registry:
            self._encoders = {path.topic: encoder_for_subject(registry, f"{path.topic}-value") for path in paths}
        self._at_rest = at_rest_of(settings)
        self._kafka = produce.Sender(KafkaConfig.of(settings), {"client.id": "mxctl-canary"}, _PATIENCE)

    def send(self, flight: Flight) -> None:
        """Send its record to the raw topic.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        encode, value = self._encoders[flight.path.topic], flight.record.model_dump()
        if self._at_rest is not None:
            value = self._at_rest.encrypt(flight.path.topic, flight.key, value, encode.schema)
        headers: list[tuple[str, bytes | None]] = [(HEADER, flight.unique.encode())]
        spans = traces("millionx-canary", f"canary {flight.path.source}")
        if spans is not None:
            spans.begin()
            headers.append((TRACE_HEADER, spans.start()))
        flight.sent = time.monotonic()
        try:
            self._kafka.send([produce.ProducerRecord(flight.path.topic, flight.key.encode(), encode(value), headers)])
        finally:
            if spans is not None:
                spans.end(records=1)

    def take_back(self, places: Iterable[tuple[str, str]]) -> None:
        """Let sinks remove these records (topic and key) from their stores: a tombstone behind each on its topic.

        Raises:
            ServiceUnavailableError: Kafka does not answer; the next canary tries again.
        """
        self._kafka.send([produce.ProducerRecord(topic, key.encode(), None, [(HEADER, b"")]) for topic, key in places])
