"""The schemas of a connection by number, each with its conversions and its form as an Avro schema.

An Avro converter drops what Connect's schemas have no place for: privacy tags, constraints, documentation. A transform
that decides by them, as ScrubPII does by ``confluent:tags``, gets them back from the ``.avsc`` file that declares a
record of the same name, field by field. A record that no file declares stays without, and transforms that guard privacy
take that as "personal".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glue.connect_python.avro_schemas import from_avro, to_avro
from glue.connect_python.schema import Convert, Schema, same
from glue.connect_python.wire import Op
from glue.errors import ConfigError

_STRUCTURE = frozenset({"name", "type", "default", "fields", "items", "values", "namespace", "logicalType"})


class Annotations:
    """The declared records of a folder by full name.

    Args:
        folder: where the ``.avsc`` files are; None for none.

    Raises:
        ConfigError: the folder or a file in it cannot be read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        if folder is None:
            return
        if not folder.is_dir():
            raise ConfigError(f"schemas {folder}", "there is no such folder", "name the folder of the .avsc files")
        for file in sorted(folder.glob("*.avsc")):
            try:
                for record in _records(json.loads(file.read_text(encoding="utf-8")), ""):
                    self._records[record["name"]] = record
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise ConfigError(f"schema {file}", f"{type(error).__name__}: {error}") from error

    def annotate(self, avro: Any) -> Any:
        """The schema with the attributes of the declared records of the same names."""
        if isinstance(avro, list):
            return [self.annotate(member) for member in avro]
        if not isinstance(avro, dict):
            return avro
        if avro["type"] == "record":
            declared = {one["name"]: one for one in self._records.get(avro["name"], {}).get("fields", ())}
            fields = [_add(self._inside(field, "type"), declared.get(field["name"], {})) for field in avro["fields"]]
            return {**avro, "fields": fields}
        return self._inside(self._inside(avro, "items"), "values")

    def _inside(self, avro: dict[str, Any], part: str) -> dict[str, Any]:
        return {**avro, part: self.annotate(avro[part])} if part in avro else avro


def _add(field: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in declared.items() if key not in _STRUCTURE}, **field}


def _records(avro: Any, namespace: str) -> Iterator[dict[str, Any]]:
    """The records in a schema, outer ones first, each with its full name."""
    if isinstance(avro, list):
        for member in avro:
            yield from _records(member, namespace)
    elif isinstance(avro, dict):
        if avro.get("type") == "record":
            namespace = avro.get("namespace", namespace)
            name = avro["name"] if "." in avro["name"] or not namespace else f"{namespace}.{avro['name']}"
            yield {**avro, "name": name}
            for field in avro["fields"]:
                yield from _records(field["type"], namespace)
        else:
            for part in ("type", "items", "values"):
                yield from _records(avro.get(part), namespace)


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

    def seen(self, fields: Collection[str]) -> Known:
        """The same for who looks at these fields of a record alone: no others are converted."""
        if self.schema is None or self.schema.type != "STRUCT":
            return self
        decode, encode = self.schema.plan_of(fields)
        return replace(self, decode=decode or same, encode=encode or same)


class SchemaTable:
    """The schemas of one connection: positive numbers are the worker's, negative ones ours, 0 means no schema."""

    def __init__(self) -> None:
        self.annotations = Annotations()
        self._known = {0: Known(0, None, None, same, same)}
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
