"""The schemas of a connection by number, each with its conversions and its form as an Avro schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glue.connect_python.annotations import Annotations
from glue.connect_python.avro_schemas import from_avro, to_avro
from glue.connect_python.plans import Convert
from glue.connect_python.schema import Schema
from glue.connect_python.wire import Op


def _same(value: Any) -> Any:
    return value


@dataclass(eq=False)
class Known:
    """A schema that has a number, with what each record needs of it.

    Attributes:
        avro: the same as an Avro schema (parsed JSON), which is how transforms know schemas; None at number 0, which
            stands for no schema: such values are plain data.
    """

    number: int
    schema: Schema | None
    avro: Any
    decode: Convert
    encode: Convert


class SchemaTable:
    """The schemas of one connection: positive numbers are the worker's, negative ones ours, 0 is no schema."""

    def __init__(self) -> None:
        self.annotations = Annotations()
        self._known = {0: Known(0, None, None, _same, _same)}
        self._ours: dict[str, Known] = {}  # by their text
        self.unsent: list[list[Any]] = []  # SCHEMA messages that must go before the next reply

    def __getitem__(self, number: int) -> Known:
        return self._known[number]

    def receive(self, message: list[Any]) -> None:
        """Take a SCHEMA message of the worker."""
        _, number, description = message
        schema = Schema.parse(description)
        avro = self.annotations.annotate(to_avro(schema))
        self._known[number] = Known(number, schema, avro, schema.decode, schema.encode)

    def add(self, avro: Any, like: Known) -> Known:
        """The schema that a transform made of ``like``; if it is a new one it is sent before the next reply."""
        if avro is None:
            return self._known[0]
        if avro == like.avro:
            return like
        schema = from_avro(avro)
        described = schema.unparse()
        if like.schema is not None and described == like.schema.unparse():
            return like
        known = self._ours.get(repr(described))
        if known is None:
            known = Known(-len(self._ours) - 1, schema, avro, schema.decode, schema.encode)
            self._known[known.number] = self._ours[repr(described)] = known
            self.unsent.append([Op.SCHEMA, known.number, described])
        return known

    def take_unsent(self) -> list[list[Any]]:
        """The SCHEMA messages that are due, which are then taken as sent."""
        taken, self.unsent = self.unsent, []
        return taken
