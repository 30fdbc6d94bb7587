"""MaskField: fields keep their place and lose their contents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from glue.avro_types import BySchema
from glue.errors import DataError
from glue.transforms.contract import Record, Transform, TransformConfig

_EMPTY: dict[type, Any] = {
    str: "",
    bool: False,
    int: 0,
    float: 0.0,
    bytes: b"",
    Decimal: Decimal(0),
    datetime: datetime.fromtimestamp(0, UTC),
}


class MaskFieldConfig(TransformConfig):
    fields: list[str] = Field(min_length=1, description="Fields to mask.")
    replacement: str = Field("", description="Replacement for texts; other types become empty or zero.")


class MaskField(Transform[MaskFieldConfig]):
    """Replace the contents of fields by an empty value of their type; null stays null."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._derived = BySchema(self._schema)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is not None:
            for name in self.config.fields:
                if (content := value.get(name)) is not None:
                    value[name] = self._masked(name, content)
            if record.schema is not None:
                record.schema = self._derived(record.schema)
        return record

    def _masked(self, name: str, content: Any) -> Any:
        if isinstance(content, str):
            return self.config.replacement
        if isinstance(content, list):
            return []
        if type(content) not in _EMPTY:
            raise DataError("MaskField", f"{name} is of a type without an empty value")
        return _EMPTY[type(content)]

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._derived(schema)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        masked = frozenset(self.config.fields)
        fields = [f | {"confluent:tags": ["SCRUBBED"]} if f["name"] in masked else f for f in schema["fields"]]
        return {**schema, "fields": fields}
