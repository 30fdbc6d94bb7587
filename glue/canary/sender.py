"""Canaries into Kafka, and those in Weaviate out of it again."""

from __future__ import annotations

import time
from collections.abc import Iterable

from glue.avro import encoder_for_subject
from glue.canary.flight import Flight
from glue.canary.paths import HEADER, PATHS, SINK, Path
from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import Settings
from glue.tracing import HEADER as TRACE_HEADER
from glue.tracing import traces

_VECTORS = next(stage.place for stage in PATHS["post"].stages if stage.name == SINK)
_FLUSH = 10.0
_Headers = list[tuple[str, str | bytes | None]]


class Sender:
    """A producer of canaries of ``paths``.

    Raises:
        ServiceUnavailableError: the registry does not answer.
        ServiceError: a subject is not registered.
    """

    def __init__(self, settings: Settings, paths: Iterable[Path] = ()) -> None:
        with registry_client(settings.registry, timeout=5, retries=0) as registry:
            self._encoders = {path.topic: encoder_for_subject(registry, f"{path.topic}-value") for path in paths}
        self._producer = KafkaConfig.of(settings).producer({"client.id": "mxctl-canary", "message.timeout.ms": 10_000})

    def send(self, flight: Flight) -> None:
        """Send its record to the raw topic.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        value = self._encoders[flight.path.topic](flight.record.model_dump())
        headers: _Headers = [(HEADER, flight.unique)]
        spans = traces("millionx-canary", f"canary {flight.path.name}")
        if spans is not None:
            spans.begin()
            headers.append((TRACE_HEADER, spans.start()))
        flight.sent = time.monotonic()
        try:
            self._produce(flight.path.topic, flight.key, value, headers)
        finally:
            if spans is not None:
                spans.end(records=1)

    def take_back(self, keys: list[str]) -> None:
        """Let the sink delete these posts from Weaviate: a tombstone behind each record on its topic.

        Raises:
            ServiceUnavailableError: Kafka does not answer; the next canary tries again.
        """
        for key in keys:
            self._produce(_VECTORS, key, None, [(HEADER, "")])

    def _produce(self, topic: str, key: str, value: bytes | None, headers: _Headers) -> None:
        failed: list[str] = []
        self._producer.produce(
            topic,
            value,
            key,
            headers=headers,
            on_delivery=lambda error, _: failed.append(error.str()) if error else None,
        )
        left = self._producer.flush(_FLUSH)
        if failed or left:
            why = failed[0] if failed else f"no answer within {_FLUSH:.0f} s"
            raise ServiceUnavailableError("Kafka", why, "mxctl local status; mxctl doctor")
