"""A Connect schema on this side of the wire, and how its values look there and in Python.

The conversions of a schema are a pair of functions, built once.

In Python: a struct is a dict, Decimal a ``Decimal``, Timestamp a ``datetime`` with zone UTC, Date a ``date``, Time a
``time``, as fastavro gives them. A time that Python cannot hold (before year 1, after 9999) stays a number. On the
wire a struct is the list of its values in schema order, a Decimal its text, the times are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from glue.connect_python.wire import EPOCH, MILLISECOND, millis
from glue.errors import DataError

Convert = Callable[[Any], Any]
_EPOCH_DAY = EPOCH.date().toordinal()
_LAST_DAY = date.max.toordinal()
_DAY_MILLIS = 86_400_000
_EXACT = 4_000_000_000_000
_PLAIN_KEYS = frozenset({"STRING", "BOOLEAN", "INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64"})
DECIMAL, DATE, TIME, TIMESTAMP = (
    f"org.apache.kafka.connect.data.{name}" for name in ("Decimal", "Date", "Time", "Timestamp")
)


class Plan(NamedTuple):
    """Conversions from and to the wire; None where the value is the same on both sides."""

    decode: Convert | None = None
    encode: Convert | None = None


def map_is_pairs(key: Schema) -> bool:
    """Whether a map with such keys travels, and looks, as a list of pairs: such keys do not hash."""
    return key.type not in _PLAIN_KEYS or key.name is not None


def _encode_timestamp(value: Any) -> Any:
    return millis(value) if isinstance(value, datetime) else value


def _decode_timestamp(number: int) -> datetime | int:
    if -_EXACT < number < _EXACT:  # where a float holds a millisecond exactly enough; twice as fast
        return datetime.fromtimestamp(number / 1000, UTC)
    try:
        return EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        return number


def _decode_date(days: int) -> date | int:
    ordinal = _EPOCH_DAY + days
    return date.fromordinal(ordinal) if 1 <= ordinal <= _LAST_DAY else days


def _encode_date(value: Any) -> Any:
    return value.toordinal() - _EPOCH_DAY if isinstance(value, date) else value


def _decode_time(number: int) -> time | int:
    return (EPOCH + timedelta(milliseconds=number)).time() if 0 <= number < _DAY_MILLIS else number


def _encode_time(value: Any) -> Any:
    if not isinstance(value, time):
        return value
    return timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond) // (
        MILLISECOND
    )


def _encode_decimal(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value


_LOGICAL: dict[tuple[str, str], Plan] = {
    ("BYTES", DECIMAL): Plan(Decimal, _encode_decimal),
    ("INT64", TIMESTAMP): Plan(_decode_timestamp, _encode_timestamp),
    ("INT32", DATE): Plan(_decode_date, _encode_date),
    ("INT32", TIME): Plan(_decode_time, _encode_time),
}


def plan(schema: Schema) -> Plan:
    """The conversions of a schema."""
    if schema.type == "STRUCT":
        return _struct(schema)
    if schema.type == "ARRAY":
        return _array(schema.element.plan)
    if schema.type == "MAP":
        return _map(schema)
    return _LOGICAL.get((schema.type, schema.name or ""), Plan())


def _nullable(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _each(convert: Convert) -> Convert:
    return lambda values: [None if value is None else convert(value) for value in values]


def _array(element: Plan) -> Plan:
    return Plan(element.decode and _each(element.decode), element.encode and _each(element.encode))


def _map(schema: Schema) -> Plan:
    key, value = (part.plan for part in schema.entry)
    if map_is_pairs(schema.entry[0]):
        decoders = [_nullable(one.decode or same) for one in (key, value)]
        encoders = [_nullable(one.encode or same) for one in (key, value)]
        return Plan(
            lambda pairs: [(decoders[0](k), decoders[1](v)) for k, v in pairs],
            lambda pairs: [(encoders[0](k), encoders[1](v)) for k, v in pairs],
        )
    return Plan(value.decode and _values(value.decode), value.encode and _values(value.encode))


def same(value: Any) -> Any:
    """The conversion of what is on the wire as it is in Python."""
    return value


def _values(convert: Convert) -> Convert:
    return lambda mapping: {k: None if v is None else convert(v) for k, v in mapping.items()}


def _struct(schema: Schema, only: Collection[str] | None = None) -> Plan:
    names = [name for name, _ in schema.fields]
    plans = [field.plan if only is None or name in only else Plan() for name, field in schema.fields]
    decoders = [(name, one.decode) for name, one in zip(names, plans, strict=True) if one.decode]
    encoders = [(at, one.encode) for at, one in enumerate(plans) if one.encode]

    def decode(row: list[Any]) -> dict[str, Any]:
        value = dict(zip(names, row, strict=False))
        for name, convert in decoders:
            inner = value[name]
            if inner is not None:
                value[name] = convert(inner)
        return value

    pick: Callable[[Mapping[str, Any]], Any] = (
        itemgetter(*names) if len(names) > 1 else lambda value: tuple(value[name] for name in names)
    )
    known = frozenset(names)

    def encode(value: Any) -> Any:
        try:
            row = list(pick(value))
        except KeyError:
            row = _fill(schema, value)
        except TypeError:
            raise DataError(schema.name or "struct", f"expected a dict, got {type(value).__name__}") from None
        if len(value) != len(names) and not known.issuperset(value):
            extra = ", ".join(sorted(str(name) for name in value.keys() - known))
            raise DataError(schema.name or "struct", f"the schema has no field {extra}", "declare it in output_schema")
        for at, convert in encoders:
            if row[at] is not None:
                row[at] = convert(row[at])
        return row

    return Plan(decode, encode)


def _fill(schema: Schema, value: Mapping[str, Any]) -> list[Any]:
    """The fields' values, where some are missing: the default, else null, else an error."""
    row = []
    for name, one in schema.fields:
        if name in value:
            row.append(value[name])
        elif one.default is not None or one.optional:
            row.append(one.default)
        else:
            raise DataError(schema.name or "struct", f"field {name} is missing")
    return row


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

    def plan_of(self, only: Collection[str]) -> Plan:
        """Conversions of a STRUCT of which just these fields are looked at; the others stay as they are on the wire."""
        found = _struct(self, only)
        return Plan(_nullable(found.decode or same), found.encode)

    @cached_property
    def decode(self) -> Convert:
        """From the wire to Python; null stays None."""
        return _nullable(self.plan.decode) if self.plan.decode else same

    @cached_property
    def encode(self) -> Convert:
        """From Python to the wire."""
        return _nullable(self.plan.encode) if self.plan.encode else same

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
