"""What runs a plugin for Connect: one adapter a kind of plugin answers the requests of its task."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from glue.connect_python import failures
from glue.connect_python.options import selected
from glue.connect_python.schemas import Known, SchemaTable
from glue.connect_python.sink import Sink
from glue.connect_python.wire import Op
from glue.errors import DataError
from glue.tracing import traces
from glue.transforms.contract import Predicate, Record, Transform

Handler = Callable[[list[Any]], list[Any]]
_CONNECTS_OWN = frozenset({"type", "class", "predicate", "negate", "plugin.version"})
_DROPPED = [Op.OK]
_KEEP = 1000
_CLASS = r"\[\^?(?:(?!&&)[^\[\]\\]|\\[ds])+\]"
_PORTABLE = re.compile(
    rf"(?:{_CLASS}|\((?:\?[:!=]|(?!\?))|\\[ds.+?*()]|\{{[0-9]+(?:,[0-9]*)?\}}|[0-9A-Za-z ^$.?*+|):@_,#-])*", re.ASCII
)


def portable(form: str) -> bool:
    """Whether Java reads a pattern as Python does, on printable ASCII: of groups, look-ahead, repeats, and classes of
    characters without another one in them and without ``&&``, which mean something else there.
    """
    return _PORTABLE.fullmatch(form) is not None


class Adapter(ABC):
    """Answers the requests to one plugin."""

    unforeseen: ClassVar[Op]  # what an exception that says nothing of itself is taken for
    handlers: dict[int, Handler]

    @abstractmethod
    def __init__(self, plugin: Any, schemas: SchemaTable, error_text: bool) -> None: ...

    @abstractmethod
    def configure(self, props: Mapping[str, str]) -> None:
        """Give the plugin its own options out of all that Connect gives."""


class SinkAdapter(Adapter):
    """Answers PUT, FLUSH, OPEN, CLOSE and STOP of one sink."""

    unforeseen = Op.FATAL  # a sink that fails in a way nobody foresaw fails its task, as in Java

    def __init__(self, sink: Sink[Any], schemas: SchemaTable, error_text: bool) -> None:
        self._sink = sink
        self._schemas = schemas
        self._error_text = error_text
        name = type(sink).__name__
        self._traces = traces(f"millionx-sink-{name}", f"sink {name}")
        self.handlers = {
            Op.PUT: self._put,
            Op.FLUSH: self._flush,
            Op.OPEN: self._open,
            Op.CLOSE: self._close,
            Op.STOP: self._stop,
        }

    def configure(self, props: Mapping[str, str]) -> None:
        """Give the sink its own options."""
        self._sink.configure(selected(self._sink.config_class, props, f"sink {type(self._sink).__name__}"))

    def _put(self, message: list[Any]) -> list[Any]:
        rows = message[1]
        records = [self._record(row) for row in rows]
        refused: list[tuple[Record, Exception]] = []
        if self._traces is not None:
            self._traces.begin()
            for record in records:
                self._traces.passes(record.headers)
        self._sink.put(records, lambda record, error: refused.append((record, error)))
        if self._traces is not None:
            self._traces.end(f"{len(refused)} records refused" if refused else "")
        if not refused:
            return [Op.OK, []]
        index = {id(record): at for at, record in enumerate(records)}
        return [
            Op.OK,
            [
                [index[id(record)], failures.text(error, self._error_text), failures.frames(error.__traceback__)]
                for record, error in refused
            ],
        ]

    def _record(self, row: list[Any]) -> Record:
        topic, partition, offset, key_schema, key, value_schema, value, headers, timestamp = row
        schema = self._schemas[value_schema]
        return Record(
            topic,
            self._schemas[key_schema].decode(key),
            schema.decode(value),
            schema.avro,
            [(name, value) for name, value in headers] if headers else [],
            timestamp,
            partition,
            offset,
        )

    def _flush(self, message: list[Any]) -> list[Any]:
        self._sink.flush({(topic, partition): offset for topic, partition, offset in message[1]})
        return [Op.OK]

    def _open(self, message: list[Any]) -> list[Any]:
        self._sink.open([(topic, partition) for topic, partition in message[1]])
        return [Op.OK]

    def _close(self, message: list[Any]) -> list[Any]:
        self._sink.close([(topic, partition) for topic, partition in message[1]])
        return [Op.OK]

    def _stop(self, message: list[Any]) -> list[Any]:
        self._sink.stop()
        return [Op.OK]


def own_options(props: Mapping[str, str]) -> dict[str, str]:
    """What is left when Connect's options of a transform and those of the bridge are taken away."""
    return {name: value for name, value in props.items() if name not in _CONNECTS_OWN and name[:7] != "python."}


class TransformAdapter(Adapter):
    """Answers APPLY and STOP of one transform."""

    unforeseen = Op.DATA

    def __init__(self, plugin: Transform[Any], schemas: SchemaTable, error_text: bool) -> None:
        self._transform = plugin
        self._schemas = schemas
        # number of a schema -> that schema, that of what comes out, the fields looked at if the transform names them
        self._lanes: dict[int, tuple[Known, Known, Collection[str] | None]] = {}
        self._others: dict[tuple[int, int], Known] = {}  # a schema and the id of one that the transform set instead
        self._kept: list[Any] = []
        self.handlers = {Op.APPLY: self._apply, Op.PASSES: self._passes, Op.STOP: self._stop}

    def configure(self, props: Mapping[str, str]) -> None:
        self._transform.configure(own_options(props))

    def _apply(self, message: list[Any]) -> list[Any]:
        _, topic, partition, offset, key, number, wire, headers, timestamp = message
        known, output, fields = self._lanes.get(number) or self._lane(number)
        names = [(name, data) for name, data in headers] if headers else []
        record = Record(topic, key, known.decode(wire), known.avro, names, timestamp, partition, offset)
        result = self._transform.apply(record)
        if result is None:
            return _DROPPED
        changes = None
        if (
            result.topic != topic
            or result.key != key
            or result.timestamp != timestamp
            or result.partition != partition
            or headers
            or result.headers
        ):
            changes = _changes(message, result)
        if result.value is None:
            reply = [Op.OK, number if wire is None else 0, None]
        else:
            if result.schema is not known.avro:
                output = self._other(known, result.schema, fields)
            row = output.encode(result.value)
            # one that names its fields changes nothing in place that came over the wire, so equal is unchanged
            if fields is not None and not changes and output.number == number and row == wire:
                return [Op.OK, number]
            reply = [Op.OK, output.number, row]
        if changes:
            reply.append(changes)
        return reply

    def _passes(self, message: list[Any]) -> list[Any]:
        """What the worker may let pass by itself: nothing, or a list of [field, form or None]."""
        known = self._schemas[message[1]]
        passes = None if known.avro is None else self._transform.passes(known.avro)
        if passes is None:
            return [Op.OK, None]
        return [Op.OK, [[name, form if form and portable(form) else None] for name, form in passes.items()]]

    def _lane(self, number: int) -> tuple[Known, Known, Collection[str] | None]:
        """Made once a schema, which is when the transform is asked what its output looks like."""
        known = output = self._schemas[number]
        fields = None
        if known.avro is not None:
            output = self._schemas.add(self._transform.output_schema(known.avro), known)
            fields = self._transform.looks_at(known.avro)
            if fields is not None:
                known, output = known.seen(fields), output.seen(fields)
        self._lanes[number] = lane = known, output, fields
        return lane

    def _other(self, known: Known, avro: Any, fields: Collection[str] | None) -> Known:
        key = known.number, id(avro)
        found = self._others.get(key)
        if found is None:
            if len(self._kept) > _KEEP:  # it makes a schema a record
                self._others.clear()
                self._kept.clear()
            found = self._schemas.add(avro, known)
            if fields is not None:
                found = found.seen(fields)
            self._others[key] = found
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


class PredicateAdapter(Adapter):
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
