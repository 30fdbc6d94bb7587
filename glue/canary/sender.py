"""Canaries into Kafka, and those in Weaviate out of it again."""

from __future__ import annotations

from glue.avro import encoder_for_subject
from glue.canary.flight import Flight
from glue.canary.paths import HEADER, PATHS, SINK
from glue.clients.kafka import producer
from glue.clients.registry import registry_client
from glue.errors import ServiceUnavailableError
from glue.settings import Settings

_VECTORS = next(stage.place for stage in PATHS["post"].stages if stage.name == SINK)
_FLUSH = 10.0


class Sender:
    """A producer of canaries; what goes wrong with one is told by the call that sent it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = producer(settings.kafka, {"client.id": "mxctl-canary", "message.timeout.ms": 10_000})

    def send(self, flight: Flight) -> None:
        """Send its record to the raw topic.

        Raises:
            ServiceUnavailableError: Kafka or the registry does not answer.
            ServiceError: the subject is not registered.
        """
        with registry_client(self._settings.registry, timeout=5, retries=0) as registry:
            value = encoder_for_subject(registry, f"{flight.path.topic}-value")(flight.record.model_dump())
        self._produce(flight.path.topic, flight.key, value, flight.unique)

    def take_back(self, keys: list[str]) -> None:
        """Let the sink delete these posts from Weaviate: a tombstone behind each record on its topic.

        Raises:
            ServiceUnavailableError: Kafka does not answer; the next canary tries again.
        """
        for key in keys:
            self._produce(_VECTORS, key, None, "")

    def _produce(self, topic: str, key: str, value: bytes | None, unique: str) -> None:
        failed: list[str] = []
        self._producer.produce(
            topic,
            value,
            key,
            headers=[(HEADER, unique.encode())],
            on_delivery=lambda error, _: failed.append(error.str()) if error else None,
        )
        left = self._producer.flush(_FLUSH)
        if failed or left:
            why = failed[0] if failed else f"no answer within {_FLUSH:.0f} s"
            raise ServiceUnavailableError("Kafka", why, "mxctl local status; mxctl doctor")
