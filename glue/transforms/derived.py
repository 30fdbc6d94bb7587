"""The schema that leaves a transform, made once for each schema that enters it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glue.errors import DataError
from glue.privacy.tags import SAFE, tag_of

AvroSchema = dict[str, Any]
_MOST = 1000


class Derived:
    """Calls ``make`` once a schema and gives the same object again: others know a schema by its identity."""

    def __init__(self, make: Callable[[AvroSchema], AvroSchema]) -> None:
        self._make = make
        self._known: dict[int, tuple[AvroSchema, AvroSchema]] = {}

    def __call__(self, schema: AvroSchema) -> AvroSchema:
        found = self._known.get(id(schema))
        if found is None:
            if len(self._known) >= _MOST:  # something makes a schema a record
                self._known.clear()
            found = self._known[id(schema)] = (schema, self._make(schema))  # kept, so that its id stays its own
        return found[1]


def with_field(schema: AvroSchema, name: str, avro_type: Any) -> AvroSchema:
    """``schema`` with a public field of that type at its end, or in the place of the one that has its name."""
    added = {"name": name, "type": avro_type, "confluent:tags": ["PUBLIC"]}
    fields = [added if field["name"] == name else field for field in schema["fields"]]
    return {**schema, "fields": fields if added in fields else [*fields, added]}


def refuse_personal(transform: str, schema: AvroSchema, names: frozenset[str]) -> None:
    """Stop a transform that would take contents to where no tag guards them.

    Raises:
        DataError: one of the fields is tagged as personal.
    """
    unsafe = sorted(f["name"] for f in schema["fields"] if f["name"] in names and tag_of(f) not in SAFE)
    if unsafe:
        raise DataError(transform, f"fields {unsafe} hold personal data: scrub and hash first")
