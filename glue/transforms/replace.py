"""ReplaceField: fields are left out or get another name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from glue.avro_types import BySchema
from glue.errors import DataError
from glue.transforms.contract import Record, Transform, TransformConfig


class ReplaceFieldConfig(TransformConfig):
    exclude: list[str] = Field([], description="Fields to leave out.")
    include: list[str] = Field([], description="Fields to keep; empty keeps all.")
    renames: list[str] = Field([], description="Pairs old:new.")

    @model_validator(mode="after")
    def _pairs(self) -> ReplaceFieldConfig:
        if any(pair.count(":") != 1 or not all(pair.split(":")) for pair in self.renames):
            raise ValueError("renames are pairs old:new")
        return self


class ReplaceField(Transform[ReplaceFieldConfig]):
    """Leave fields out, or rename them; their tags go with them."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._names = dict(pair.split(":") for pair in self.config.renames)
        self._include, self._exclude = frozenset(self.config.include), frozenset(self.config.exclude)
        self._derived = BySchema(self._schema)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is not None:
            if record.schema is not None:
                record.schema = self._derived(record.schema)
            names = self._names
            record.value = {names.get(name, name): content for name, content in value.items() if self._keeps(name)}
        return record

    def _keeps(self, name: str) -> bool:
        return name not in self._exclude and (not self._include or name in self._include)

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._derived(schema)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        kept = [field for field in schema["fields"] if self._keeps(field["name"])]
        fields = [field | {"name": self._names.get(field["name"], field["name"])} for field in kept]
        if len({field["name"] for field in fields}) < len(fields):
            raise DataError("ReplaceField", "a new name is that of another field")
        return {**schema, "fields": fields}
