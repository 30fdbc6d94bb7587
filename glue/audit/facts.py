"""Reading just what is compared from a value: Avro's schema resolution skips the rest, the vector first of all."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import fastavro
from fastavro.schema import parse_schema

from glue.audit.collection_side import milliseconds
from glue.avro import Decoder

_HEADER = struct.Struct(">bI")
_WANTED = ("collected_at", "engagement")


@lru_cache(4096)
def _ms(text: str) -> int:
    found = datetime.fromisoformat(text)
    return milliseconds(found if found.tzinfo else found.replace(tzinfo=UTC))


class VectorFacts:
    """(collected_at in ms, engagement) of a record on ``sink.weaviate.vectors``; (0, 0) for what can not be read."""

    def __init__(self, decode: Decoder) -> None:
        self._decode = decode
        self._schemas: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: bytes) -> tuple[int, int]:
        try:
            writer, reader = self._pair(_HEADER.unpack_from(value)[1])
            found: Any = fastavro.schemaless_reader(io.BytesIO(value[_HEADER.size :]), writer, reader)
            return _ms(found["collected_at"]), int(found["engagement"])
        except (ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, struct.error):
            return 0, 0

    def _pair(self, schema_id: int) -> tuple[Any, Any]:
        if schema_id not in self._schemas:
            parsed, schema = self._decode.schema(schema_id)
            fields = [field for field in schema["fields"] if field["name"] in _WANTED]
            self._schemas[schema_id] = parsed, parse_schema(schema | {"fields": fields})
        return self._schemas[schema_id]
