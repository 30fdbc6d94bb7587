"""Runs one sink for its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glue.connect_python import failures
from glue.connect_python.home import Home
from glue.connect_python.options import selected
from glue.connect_python.schemas import SchemaTable
from glue.connect_python.sink import Sink
from glue.connect_python.wire import Op
from glue.tracing import traces
from glue.transforms.contract import Record


class SinkHome(Home):
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
