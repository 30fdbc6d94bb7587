"""InsertField: where a record came from, or a fixed text, as fields of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, model_validator

from glue.avro_types import BySchema
from glue.transforms.contract import Record, Transform, TransformConfig

_TIME = {"type": "long", "logicalType": "timestamp-millis"}


class InsertFieldConfig(TransformConfig):
    topic_field: str = Field("", description="Field that gets the topic; empty for none, as below.")
    partition_field: str = Field("", description="Field that gets the partition.")
    offset_field: str = Field("", description="Field that gets the offset.")
    timestamp_field: str = Field("", description="Field that gets the record's time.")
    static_field: str = Field("", description="Field that gets static.value.")
    static_value: str = Field("", description="Text of static.field.")

    @model_validator(mode="after")
    def _something(self) -> InsertFieldConfig:
        if not any(value for name, value in self if name.endswith("_field")):
            raise ValueError("no field to insert")
        return self


class InsertField(Transform[InsertFieldConfig]):
    """Write topic, partition, offset, time or a fixed text into fields of the value."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        config = self.config
        known: list[tuple[str, Any, Callable[[Record], Any]]] = [
            (config.topic_field, "string", lambda record: record.topic),
            (config.partition_field, ["null", "int"], lambda record: record.partition),
            (config.offset_field, ["null", "long"], lambda record: record.offset),
            (config.timestamp_field, ["null", _TIME], _time),
            (config.static_field, "string", lambda record: config.static_value),
        ]
        self._inserts = [insert for insert in known if insert[0]]
        self._derived = BySchema(self._schema)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is not None:
            for name, _, content in self._inserts:
                value[name] = content(record)
            if record.schema is not None:
                record.schema = self._derived(record.schema)
        return record

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._derived(schema)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        for name, avro_type, _ in self._inserts:
            schema = with_field(schema, name, avro_type)
        return schema


def _time(record: Record) -> datetime | None:
    return None if record.timestamp is None else datetime.fromtimestamp(record.timestamp / 1000, UTC)


def with_field(schema: dict[str, Any], name: str, avro_type: Any) -> dict[str, Any]:
    """``schema`` with a public field of that type at its end, or in the place of the one that has its name."""
    added = {"name": name, "type": avro_type, "confluent:tags": ["PUBLIC"]}
    fields = [added if field["name"] == name else field for field in schema["fields"]]
    return {**schema, "fields": fields if added in fields else [*fields, added]}
