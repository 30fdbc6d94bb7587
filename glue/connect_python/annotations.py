"""What Connect's schemas can not carry: privacy tags, constraints and documentation, taken from Avro files.

An Avro converter drops attributes that Connect has no place for. A transform that decides by them, as ScrubPII does by
``confluent:tags``, gets them back from the ``.avsc`` file that declares a record of the same name, field by field.
A record that no file declares stays without, and transforms that guard privacy take that as "personal".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glue.errors import ConfigError

_STRUCTURE = frozenset({"name", "type", "default", "fields", "items", "values", "namespace", "logicalType"})


class Annotations:
    """The declared records of a folder by full name.

    Args:
        folder: where the ``.avsc`` files are; None for none.

    Raises:
        ConfigError: the folder or a file in it can not be read.
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
