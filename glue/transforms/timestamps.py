"""InsertIngestionTime: when the pipeline saw a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from glue.avro_types import BySchema
from glue.transforms.contract import Record, Transform, TransformConfig


class IngestionTimeConfig(TransformConfig):
    field: str = Field("ingestion_time", description="Field to write.")
    overwrite: bool = Field(False, description="Whether a value that is there already is replaced.")


class InsertIngestionTime(Transform[IngestionTimeConfig]):
    """Write the present time (UTC) into a field, unless it is there already."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._derived = BySchema(self._schema)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is not None and (self.config.overwrite or value.get(self.config.field) is None):
            value[self.config.field] = datetime.now(UTC)
            if record.schema is not None:
                record.schema = self.output_schema(record.schema)
        return record

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._derived(schema)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        if any(field["name"] == self.config.field for field in schema["fields"]):
            return schema
        added = {"name": self.config.field, "type": {"type": "long", "logicalType": "timestamp-millis"}}
        return {**schema, "fields": [*schema["fields"], added]}
