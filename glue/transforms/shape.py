"""What the transforms that give a record its final form share: the target schema, and a guard before it."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from glue.avro import load_schema
from glue.errors import ConfigError, DataError
from glue.identity import rekeyed
from glue.privacy.tags import personal_fields
from glue.settings import get_settings
from glue.transforms.contract import Record, Transform, TransformConfig

try:
    from glue.avro_native import iso as iso
except ImportError:  # installed where no compiler was

    def iso(when: datetime) -> str:
        """ISO 8601 in UTC with milliseconds and a Z, as Weaviate's date type reads it (RFC 3339)."""
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def load_output(schema_file: str) -> dict[str, Any]:
    """The schema of a sink topic, from the folder of schemas.

    Raises:
        ConfigError: it is missing or malformed, or tags a field as personal.
    """
    schema = load_schema(get_settings().schemas_dir / schema_file)
    if unsafe := personal_fields(schema):
        raise ConfigError(f"schema {schema_file}", f"fields {unsafe} are not safe", "tag or remove them")
    return schema


class ShapeConfig(TransformConfig):
    rekey: str = Field(
        "", description="Kind of thing that the record becomes: its key is derived from this and the old key."
    )


class Shape(Transform[ShapeConfig]):
    """Base of transforms that build the value of a sink topic from a record that is free of personal data.

    A record whose schema still tags something as personal is refused: a chain that forgot to scrub or to hash stops
    here and not in a warehouse. A new key is declared (``rekey``), never computed here: whoever follows a record
    through the pipeline reads it from the chain's file.
    """

    config_class = ShapeConfig
    schema_file: ClassVar[str]

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._output = load_output(self.schema_file)
        self._checked: dict[str, Any] | None = None

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is None:
            return record
        if record.schema is None or record.schema is not self._checked:
            unsafe = personal_fields(record.schema)
            if unsafe:
                raise DataError(type(self).__name__, f"fields {unsafe} still hold personal data: scrub and hash first")
            self._checked = record.schema
        if record.key is None:
            raise DataError(type(self).__name__, "the record has no key")
        if not _UUID.match(record.key):  # it would go on to a sink as it is
            raise DataError(type(self).__name__, "the record's key is no UUID, so it may be anything")
        if self.config.rekey:
            record.key = rekeyed([self.config.rekey], record.key)
        try:
            record.value = self.build(record, value)
        except KeyError as error:
            raise DataError(type(self).__name__, f"the field {error.args[0]} is missing") from None
        record.schema = self._output
        return record

    @abstractmethod
    def build(self, record: Record, value: dict[str, Any]) -> dict[str, Any]:
        """The new value; the key of ``record`` is that of the result already. A KeyError names a missing field."""

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._output


def millis(when: datetime) -> int:
    """Milliseconds since the epoch."""
    return round(when.timestamp() * 1000)
