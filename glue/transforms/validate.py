"""Validate: a record must satisfy the constraints that its Avro schema declares."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from glue.avro_types import BySchema
from glue.errors import DataError
from glue.transforms.constraints import Constraints
from glue.transforms.contract import Record, Transform, TransformConfig


class ValidateConfig(TransformConfig):
    allow_tombstones: bool = Field(False, description="Whether a record without a value passes.")


class Validate(Transform[ValidateConfig]):
    """Refuse records without a value, and records that break the ``constraints`` of their schema."""

    def configure(self, props: Any) -> None:
        super().configure(props)
        self._constraints = BySchema(Constraints)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is None:
            if self.config.allow_tombstones:
                return record
            raise DataError("Validate", "the record has no value")
        schema = record.schema
        if schema is None:
            raise DataError("Validate", "the record has no schema, so nothing says what is valid")
        problem = self._constraints(schema).broken(value)
        if problem:
            raise DataError("Validate", problem)
        return record
