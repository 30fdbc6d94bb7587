"""Validate: a record must satisfy the constraints that its Avro schema declares."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from glue.errors import DataError
from glue.transforms.constraints import Constraints
from glue.transforms.contract import Record, Transform, TransformConfig


class ValidateConfig(TransformConfig):
    allow_tombstones: bool = Field(False, description="Whether a record without a value passes.")


class Validate(Transform[ValidateConfig]):
    """Refuse records without a value, and records that break the ``constraints`` of their schema."""

    def configure(self, props: Any) -> None:
        super().configure(props)
        self._compiled: dict[int, tuple[dict[str, Any], Constraints]] = {}

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is None:
            if self.config.allow_tombstones:
                return record
            raise DataError("Validate", "the record has no value")
        schema = record.schema
        if schema is None:
            raise DataError("Validate", "the record has no schema, so nothing says what is valid")
        found = self._compiled.get(id(schema))
        if found is None:  # the schema is kept beside its checks, so that its id is not given to another one
            found = self._compiled[id(schema)] = (schema, Constraints(schema))
        problem = found[1].broken(value)
        if problem:
            raise DataError("Validate", problem)
        return record
