"""Converters against subjects: Avro needs a subject, and a topic with a subject is not read as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from glue.pipeline.parts import Connector as Part
from glue.pipeline.routes import Pipeline
from glue.topology.model import Declared, Problem

_WITH_REGISTRY = ("AvroConverter", "ProtobufConverter", "JsonSchemaConverter")
_BYTES = ("ByteArrayConverter",)


def values(declared: Declared) -> Iterator[Problem]:
    """The value converter of each sink fits the subjects of its topics."""
    return _role(declared, "value")


def keys(declared: Declared) -> Iterator[Problem]:
    """The key converter of each sink fits: a key without a subject is not Avro."""
    return _role(declared, "key")


def _role(declared: Declared, role: str) -> Iterator[Problem]:
    key = f"{role}.converter"
    for part in Pipeline.of(declared).connectors.values():
        if not part.sink:
            continue
        connector = declared.connectors[part.name]
        file = declared.file("connector", connector.name)
        converter = connector.config.get(key, "")
        short = converter.rpartition(".")[2]
        if not converter:
            message = "is not set, so the worker's own default decides"
            yield Problem(file, f"config.{key}", message, "name the converter; workers differ", warning=True)
            continue
        if short in _WITH_REGISTRY and not connector.config.get(f"{key}.schema.registry.url"):
            fix = 'set it, e.g. "${env:SCHEMA_REGISTRY_URL}"'
            yield Problem(file, f"config.{key}.schema.registry.url", f"is missing, and {short} needs it", fix)
        yield from _topics(declared, part, role, short)


def _topics(declared: Declared, part: Part, role: str, short: str) -> Iterator[Problem]:
    file = declared.file("connector", part.name)
    for topic in part.reads:
        subject = f"{topic}-{role}"
        if topic not in declared.topics:
            continue
        if short in _WITH_REGISTRY and subject not in declared.subjects:
            fix = f"declare {subject} in subjects.json, or use another converter"
            message = f"{short} reads {topic}, which has no subject {subject}"
            yield Problem(file, f"config.{role}.converter", message, fix)
        if short not in (*_WITH_REGISTRY, *_BYTES) and subject in declared.subjects:
            fix = "use io.confluent.connect.avro.AvroConverter"
            yield Problem(file, f"config.{role}.converter", f"{short} reads {topic}, which is Avro ({subject})", fix)
