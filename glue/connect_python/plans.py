"""How values of one Connect schema look on the wire and in Python: a pair of functions, built once a schema.

In Python: a struct is a dict, Decimal a ``Decimal``, Timestamp a ``datetime`` with zone UTC, Date a ``date``, Time a
``time``, as fastavro gives them. A time that Python can not hold (before year 1, after 9999) stays a number. On the
wire a struct is the list of its values in schema order, a Decimal its text, the times are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.connect_python.wire import EPOCH, MILLISECOND, millis
from glue.errors import DataError

if TYPE_CHECKING:
    from glue.connect_python.schema import Schema

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
    return Plan(element.decode and _each(element.decode), _encode_array(element.encode))


def _encode_array(convert: Convert | None) -> Convert | None:
    return convert and _each(convert)


def _map(schema: Schema) -> Plan:
    key, value = (part.plan for part in schema.entry)
    if map_is_pairs(schema.entry[0]):
        decoders = [_nullable(one.decode or _same) for one in (key, value)]
        encoders = [_nullable(one.encode or _same) for one in (key, value)]
        return Plan(
            lambda pairs: [(decoders[0](k), decoders[1](v)) for k, v in pairs],
            lambda pairs: [(encoders[0](k), encoders[1](v)) for k, v in pairs],
        )
    return Plan(value.decode and _values(value.decode), value.encode and _values(value.encode))


def _same(value: Any) -> Any:
    return value


def _values(convert: Convert) -> Convert:
    return lambda mapping: {k: None if v is None else convert(v) for k, v in mapping.items()}


def _struct(schema: Schema) -> Plan:
    names = [name for name, _ in schema.fields]
    plans = [field.plan for _, field in schema.fields]
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
            row = pick(value)
        except KeyError:
            row = _fill(schema, value)
        except TypeError:
            raise DataError(schema.name or "struct", f"expected a dict, got {type(value).__name__}") from None
        if len(value) != len(names) and not known.issuperset(value):
            extra = ", ".join(sorted(str(name) for name in value.keys() - known))
            raise DataError(schema.name or "struct", f"the schema has no field {extra}", "declare it in output_schema")
        if encoders:
            row = list(row)
            for at, convert in encoders:
                if row[at] is not None:
                    row[at] = convert(row[at])
        return row

    return Plan(decode, encode)


def _fill(schema: Schema, value: Mapping[str, Any]) -> list[Any]:
    """The fields' values, where some are missing: the default, else null, else an error."""
    row = []
    for name, field in schema.fields:
        if name in value:
            row.append(value[name])
        elif field.default is not None or field.optional:
            row.append(field.default)
        else:
            raise DataError(schema.name or "struct", f"field {name} is missing")
    return row
