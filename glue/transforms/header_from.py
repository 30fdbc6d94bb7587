"""HeaderFrom: fields of a value become headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from glue.avro_types import BySchema, to_json
from glue.privacy.tags import refuse_personal
from glue.transforms.contract import Record, Transform, TransformConfig


class HeaderFromConfig(TransformConfig):
    fields: list[str] = Field(min_length=1, description="Fields of the value.")
    headers: list[str] = Field(min_length=1, description="Header of each field, in the same order.")
    operation: Literal["copy", "move"] = Field("copy", description="Whether the field stays (copy) or goes (move).")

    @model_validator(mode="after")
    def _pairs(self) -> HeaderFromConfig:
        if len(self.fields) != len(self.headers):
            raise ValueError("fields and headers differ in number")
        return self


class HeaderFrom(Transform[HeaderFromConfig]):
    """Copy or move fields into headers, as text. Tags do not guard headers: a personal field is refused."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._pairs = list(zip(self.config.fields, self.config.headers, strict=True))
        self._moves = self.config.operation == "move"
        self._derived = BySchema(self._schema)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is None:
            return record
        if record.schema is not None:
            record.schema = self._derived(record.schema)
        for field, header in self._pairs:
            if field in value:
                content = value.pop(field) if self._moves else value[field]
                record.headers.append((header, None if content is None else _text(content).encode()))
        return record

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._derived(schema)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        names = frozenset(self.config.fields)
        refuse_personal("HeaderFrom", schema, names)
        if not self._moves:
            return schema
        return {**schema, "fields": [field for field in schema["fields"] if field["name"] not in names]}


def _text(content: Any) -> str:
    if isinstance(content, bool):
        return str(content).lower()
    return str(to_json(content))
