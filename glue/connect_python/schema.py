"""A Connect schema on this side of the wire, with its conversions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from glue.connect_python.plans import Convert, Plan, plan


def _same(value: Any) -> Any:
    return value


@dataclass(eq=False)
class Schema:
    """A Connect schema.

    Attributes:
        type: Connect's name of the type (``STRUCT``, ``INT64`` …).
        detail: the fields as (name, schema) of a STRUCT, the element of an ARRAY, (key, value) of a MAP, else None.
        default: as it is in Python; None where there is none.
    """

    type: str
    optional: bool = False
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    detail: Any = None
    default: Any = None

    @property
    def fields(self) -> list[tuple[str, Schema]]:
        """Name and schema of each field of a STRUCT."""
        return list(self.detail)

    @property
    def element(self) -> Schema:
        """The schema of the elements of an ARRAY."""
        found: Schema = self.detail
        return found

    @property
    def entry(self) -> tuple[Schema, Schema]:
        """The schemas of key and value of a MAP."""
        key, value = self.detail
        return key, value

    @cached_property
    def plan(self) -> Plan:
        """Conversions of values that are not null."""
        return plan(self)

    @cached_property
    def decode(self) -> Convert:
        """From the wire to Python; null stays None."""
        convert = self.plan.decode
        return (lambda value: None if value is None else convert(value)) if convert else _same

    @cached_property
    def encode(self) -> Convert:
        """From Python to the wire."""
        convert = self.plan.encode
        return (lambda value: None if value is None else convert(value)) if convert else _same

    @classmethod
    def parse(cls, message: list[Any]) -> Schema:
        """Read the form on the wire: type, optional, name, version, doc, parameters, detail, default."""
        kind, optional, name, version, doc, parameters, detail, default = message
        if kind == "STRUCT":
            detail = [(field_name, cls.parse(inner)) for field_name, inner in detail]
        elif kind == "ARRAY":
            detail = cls.parse(detail)
        elif kind == "MAP":
            detail = (cls.parse(detail[0]), cls.parse(detail[1]))
        schema = cls(kind, optional, name, version, doc, parameters, detail)
        schema.default = schema.decode(default)
        return schema

    def unparse(self) -> list[Any]:
        """The form on the wire, as :meth:`parse` reads it."""
        detail: Any = None
        if self.type == "STRUCT":
            detail = [[name, inner.unparse()] for name, inner in self.fields]
        elif self.type == "ARRAY":
            detail = self.element.unparse()
        elif self.type == "MAP":
            detail = [part.unparse() for part in self.entry]
        default = self.encode(self.default)
        return [self.type, self.optional, self.name, self.version, self.doc, self.parameters, detail, default]
