"""From records to what Weaviate shall do: the id, the vector and the properties of an object, or its deletion."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from glue.connect_python.sinks.weaviate_config import WeaviateSinkConfig
from glue.errors import DataError
from glue.stores.weaviate.client import document_id
from glue.transforms.contract import Record


@dataclass(slots=True)
class Write:
    """One object to put (``properties`` is a dict) or to delete (None)."""

    record: Record
    collection: str
    id: UUID
    properties: dict[str, Any] | None
    vector: list[float] | dict[str, list[float]] | None


class Objects:
    """Makes writes of records by the connector's options."""

    def __init__(self, config: WeaviateSinkConfig) -> None:
        self._config = config
        self._id_field = config.document_id_field_name
        self._vector_field = config.vector_field_name if config.vector_strategy == "field" else None

    def write(self, record: Record) -> Write | None:
        """The write of a record; None for a tombstone that is to be skipped.

        Raises:
            DataError: the record has no id, no vector or no properties; the reason holds no value.
        """
        config = self._config
        collection = config.collection_mapping.replace("${topic}", record.topic)
        collection = collection[:1].upper() + collection[1:]  # as Weaviate itself does
        value = record.value
        if value is None:
            if not config.delete_enabled:
                return None
            return Write(record, collection, self._id(record, {}), None, None)
        if not isinstance(value, dict):
            raise DataError("value", f"a struct or a map is needed, this is {type(value).__name__}")
        identity = self._id(record, value)
        properties = {name: _property(v) for name, v in value.items() if v is not None}
        return Write(record, collection, identity, properties, self._vector(properties))

    def _id(self, record: Record, value: dict[str, Any]) -> UUID:
        strategy = self._config.document_id_strategy
        if strategy == "no":  # made of the position, so that a redelivery does not double the object
            return document_id(f"{record.topic}-{record.partition}-{record.offset}")
        name = record.key if strategy == "kafka" else value.get(self._id_field)
        if name is None:
            where = "key" if strategy == "kafka" else f"field {self._id_field}"
            raise DataError("id", f"the record has no {where}")
        return document_id(str(name))

    def _vector(self, properties: dict[str, Any]) -> list[float] | dict[str, list[float]] | None:
        if self._vector_field is None:
            return None
        found = properties.pop(self._vector_field, None)
        wanted = self._config.dimensions
        if found is None:
            raise DataError("vector", f"field {self._vector_field} is missing or null")
        if "" in wanted and not isinstance(found, dict):
            return self._checked(found, f"field {self._vector_field}", wanted[""])
        if not isinstance(found, dict) or not found:
            raise DataError("vector", f"field {self._vector_field} is not a map of named vectors")
        if "" not in wanted and (missing := sorted(self._config.required - found.keys())):
            raise DataError("vector", f"field {self._vector_field} has {sorted(found)}, and not {', '.join(missing)}")
        return {
            name: self._checked(one, f"{self._vector_field}.{name}", wanted.get(name, 0))
            for name, one in found.items()
            if "" in wanted or name in wanted  # of a model that is on its way out, no more
        }

    def _checked(self, vector: Any, where: str, wanted: int) -> list[float]:
        if not isinstance(vector, list) or not vector:
            raise DataError("vector", f"{where} is not a list of numbers")
        if wanted and len(vector) != wanted:
            raise DataError("vector", f"{where}: {len(vector)} dimensions where {wanted} are needed")
        try:
            finite = math.isfinite(sum(vector))  # an infinity or a NaN shows in the sum
        except (TypeError, ValueError, OverflowError):
            finite = False
        if not finite:
            raise DataError("vector", f"{where}: a component is not a finite number")
        return vector


def _property(value: Any) -> Any:
    """A value as the client can send it; the client knows text, numbers, booleans, times, lists and dicts of them."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(name): _property(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list) and value and isinstance(value[0], Decimal | bytes | dict):
        return [_property(inner) for inner in value]
    return value


def waves(writes: Iterable[Write]) -> Iterator[list[Write]]:
    """Cut the writes where an id comes again, so that within a wave the order does not matter."""
    wave: list[Write] = []
    seen: set[tuple[str, UUID]] = set()
    for write in writes:
        name = (write.collection, write.id)
        if name in seen:
            yield wave
            wave, seen = [], set()
        seen.add(name)
        wave.append(write)
    if wave:
        yield wave
