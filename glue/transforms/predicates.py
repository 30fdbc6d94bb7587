"""Connect's stock predicates, under their own names, and one for numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from glue.errors import ConfigError
from glue.transforms.contract import Predicate, Record, TransformConfig


class PatternConfig(TransformConfig):
    pattern: str = Field(description="Regular expression that the whole topic name must match.")


class TopicNameMatches(Predicate[PatternConfig]):
    """True for records of topics whose name matches ``pattern``."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        try:
            self._matches = re.compile(self.config.pattern).fullmatch
        except re.error as error:
            raise ConfigError("predicate TopicNameMatches", f"pattern: {error}", "correct the expression") from error

    def test(self, record: Record) -> bool:
        return self._matches(record.topic) is not None


class HeaderConfig(TransformConfig):
    name: str = Field(description="Name of the header.")


class HasHeaderKey(Predicate[HeaderConfig]):
    """True for records with at least one header of that ``name``."""

    def test(self, record: Record) -> bool:
        return any(name == self.config.name for name, _ in record.headers)


class NoConfig(TransformConfig):
    """No settings."""


class RecordIsTombstone(Predicate[NoConfig]):
    """True for records without a value."""

    def test(self, record: Record) -> bool:
        return record.value is None


class FieldConfig(TransformConfig):
    field: str = Field(description="Name of a field that holds a number.")


class FieldIsZero(Predicate[FieldConfig]):
    """True for records whose number in ``field`` is 0; Connect has no such predicate."""

    def test(self, record: Record) -> bool:
        return record.value is not None and record.value.get(self.config.field) == 0
