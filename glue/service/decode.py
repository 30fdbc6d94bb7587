"""From Kafka messages to records."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from glue.avro import FRAMING, Decoder
from glue.avro_codec import Codec
from glue.avro_types import AvroSchema, BySchema
from glue.errors import ConfigError, DataError, ServiceError, ServiceUnavailableError
from glue.privacy.declared import schema_of, stricter
from glue.registry import SchemaRegistryClient, registry_errors
from glue.transforms.chain import Failure
from glue.transforms.contract import Record

_OUTAGE_SECONDS = 0.5
DECODER = "glue.avro:Decoder"


class TopicReader:
    """Reads values as the latest schema of their topic's subject, so that a chain sees one version of it.

    Old and new versions may be in flight together: what an older one lacks is its default, what a newer one adds is
    left out. A topic without a subject is read as it was written. What the project's own files call personal is so in
    the schema that is given, whatever the registry calls it.
    """

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self.decode = Decoder(registry)
        self._known: dict[str, tuple[int | None, BySchema[AvroSchema]]] = {}
        self._as_latest: dict[tuple[str, bytes], tuple[Codec, AvroSchema]] = {}  # by topic and framing: nearly all
        self._outage: ServiceUnavailableError | None = None
        self._down_since = 0.0

    def __call__(self, topic: str, data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """The value and its schema.

        Raises:
            DataError: not framed Avro, or of a schema that cannot be read as the latest.
            ServiceUnavailableError: the registry does not answer.
        """
        whose = topic, data[:FRAMING]
        if whose in self._as_latest:
            codec, schema = self._as_latest[whose]
            try:
                return codec.read(data, FRAMING), schema
            except Exception:
                del self._as_latest[whose]  # the decoder says what is wrong with it
        known = self._known.get(topic)
        if known is None:
            known = self._known[topic] = self._latest(f"{topic}-value"), BySchema(_with_own_tags(topic))
        latest, tagged = known
        value, schema = self.decode(data, latest)
        codec, written = self.decode.schema(int.from_bytes(data[1:FRAMING]))
        schema, is_latest = tagged(schema), written is schema
        if is_latest:
            self._as_latest[whose] = codec, schema
        return value, schema

    def _latest(self, subject: str) -> int | None:
        if self._outage is not None and time.monotonic() - self._down_since < _OUTAGE_SECONDS:
            raise self._outage.with_traceback(None)  # a batch does not wait for a timeout a record
        try:
            with registry_errors(f"subject {subject}"):
                return self._registry.get_latest_version(subject).schema_id
        except ServiceError:
            return None
        except ServiceUnavailableError as error:
            self._outage, self._down_since = error, time.monotonic()
            raise


def _with_own_tags(topic: str) -> Callable[[AvroSchema], AvroSchema]:
    try:
        own = schema_of(topic)
    except ConfigError:
        return lambda schema: schema  # no file speaks of it
    return lambda schema: stricter(schema, own)


def to_record(message: Any, read: TopicReader) -> Record:
    """The record in a message.

    Raises:
        DataError: the key is not UTF-8 or the value is not framed Avro.
        ServiceUnavailableError: its schema is not known and the registry does not answer.
    """
    topic, raw_key, raw_value = message.topic(), message.key(), message.value()
    try:
        key = None if raw_key is None else raw_key.decode()
    except UnicodeDecodeError:
        raise DataError("key", "is not UTF-8 text") from None
    value, schema = (None, None) if raw_value is None else read(topic, raw_value)
    return Record(
        topic,
        key,
        value,
        schema,
        message.headers() or [],
        message.timestamp()[1],
        message.partition(),
        message.offset(),
    )


def to_records(messages: Sequence[Any], read: TopicReader) -> list[Record | Failure]:
    """As ``to_record`` for many; a failure stands for a message that could not be read."""
    records: list[Record | Failure] = []
    for message in messages:
        try:
            records.append(to_record(message, read))
        except Exception as error:
            records.append(Failure(error, "VALUE_CONVERTER", DECODER))
    return records
