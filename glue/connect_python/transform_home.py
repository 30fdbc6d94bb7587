"""Runs one transform, or one predicate, of a connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glue.connect_python.home import Home
from glue.connect_python.schemas import Known, SchemaTable
from glue.connect_python.wire import Op
from glue.errors import DataError
from glue.transforms.contract import Predicate, Record, Transform

_CONNECTS_OWN = frozenset({"type", "class", "predicate", "negate", "plugin.version"})
_DROPPED = [Op.OK]
_KEEP = 1000


def own_options(props: Mapping[str, str]) -> dict[str, str]:
    """What is left when Connect's options of a transform and those of the bridge are taken away."""
    return {name: value for name, value in props.items() if name not in _CONNECTS_OWN and name[:7] != "python."}


class TransformHome(Home):
    """Answers APPLY and STOP of one transform."""

    unforeseen = Op.DATA

    def __init__(self, plugin: Transform[Any], schemas: SchemaTable, error_text: bool) -> None:
        self._transform = plugin
        self._schemas = schemas
        self._lanes: dict[int, tuple[Known, Known]] = {}  # number of a schema -> that schema, that of what comes out
        self._others: dict[tuple[int, int], Known] = {}  # a schema and the id of one that the transform set instead
        self._kept: list[Any] = []
        self.handlers = {Op.APPLY: self._apply, Op.STOP: self._stop}

    def configure(self, props: Mapping[str, str]) -> None:
        self._transform.configure(own_options(props))

    def _apply(self, message: list[Any]) -> list[Any]:
        _, topic, partition, offset, key, number, wire, headers, timestamp = message
        known, output = self._lanes.get(number) or self._lane(number)
        names = [(name, data) for name, data in headers] if headers else []
        record = Record(topic, key, known.decode(wire), known.avro, names, timestamp, partition, offset)
        result = self._transform.apply(record)
        if result is None:
            return _DROPPED
        if result.value is None:
            reply = [Op.OK, number if wire is None else 0, None]
        else:
            if result.schema is not known.avro:
                output = self._other(known, result.schema)
            reply = [Op.OK, output.number, output.encode(result.value)]
        if (
            result.topic != topic
            or result.key != key
            or result.timestamp != timestamp
            or result.partition != partition
            or headers
            or result.headers
        ):
            reply.append(_changes(message, result))
        return reply

    def _lane(self, number: int) -> tuple[Known, Known]:
        """Made once a schema, which is when the transform is asked what its output looks like."""
        known = output = self._schemas[number]
        if known.avro is not None:
            output = self._schemas.add(self._transform.output_schema(known.avro), known)
        self._lanes[number] = known, output
        return known, output

    def _other(self, known: Known, avro: Any) -> Known:
        key = known.number, id(avro)
        found = self._others.get(key)
        if found is None:
            if len(self._kept) > _KEEP:  # it makes a schema a record
                self._others.clear()
                self._kept.clear()
            found = self._others[key] = self._schemas.add(avro, known)
            self._kept.append(avro)  # or its id could become another schema's
        return found

    def _stop(self, message: list[Any]) -> list[Any]:
        self._transform.close()
        return [Op.OK]


def _changes(message: list[Any], result: Record) -> dict[str, Any]:
    """What else than the value is different now."""
    _, topic, partition, _, key, _, _, headers, timestamp = message
    if not isinstance(result.key, str | None):
        raise DataError("key", f"a transform may set text or None, not {type(result.key).__name__}")
    before = {"topic": topic, "partition": partition, "key": key, "timestamp": timestamp, "headers": headers}
    after = {
        "topic": result.topic,
        "partition": result.partition,
        "key": result.key,
        "timestamp": result.timestamp,
        "headers": [[name, data] for name, data in result.headers],
    }
    return {name: value for name, value in after.items() if value != before[name]}


class PredicateHome(Home):
    """Answers TEST and STOP of one predicate."""

    unforeseen = Op.DATA

    def __init__(self, plugin: Predicate[Any], schemas: SchemaTable, error_text: bool) -> None:
        self._predicate = plugin
        self._schemas = schemas
        self.handlers = {Op.TEST: self._test, Op.STOP: self._stop}

    def configure(self, props: Mapping[str, str]) -> None:
        self._predicate.configure(own_options(props))

    def _test(self, message: list[Any]) -> list[Any]:
        _, topic, partition, offset, key, number, value, headers, timestamp = message
        schema = self._schemas[number]
        names = [(name, data) for name, data in headers]
        record = Record(topic, key, schema.decode(value), schema.avro, names, timestamp, partition, offset)
        return [Op.OK, bool(self._predicate.test(record))]

    def _stop(self, message: list[Any]) -> list[Any]:
        self._predicate.close()
        return [Op.OK]
