"""Connect schemas as Avro schemas and back, with the attributes Confluent's AvroData uses for what Avro lacks."""

from __future__ import annotations

from typing import Any

from glue.connect_python.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema
from glue.errors import ConfigError

_PRIMITIVES = {
    "BOOLEAN": "boolean",
    "INT8": "int",
    "INT16": "int",
    "INT32": "int",
    "INT64": "long",
    "FLOAT32": "float",
    "FLOAT64": "double",
    "STRING": "string",
    "BYTES": "bytes",
}
_FROM_PRIMITIVE = {
    "boolean": "BOOLEAN",
    "int": "INT32",
    "long": "INT64",
    "float": "FLOAT32",
    "double": "FLOAT64",
    "string": "STRING",
    "bytes": "BYTES",
    "enum": "STRING",
    "fixed": "BYTES",
}
_LOGICAL = {"date": DATE, "time-millis": TIME, "timestamp-millis": TIMESTAMP}
_LOGICAL_NAME = {name: avro for avro, name in _LOGICAL.items()}
_PRECISION = "connect.decimal.precision"
_DEFAULT_PRECISION = 64
_NAMELESS = "io.confluent.connect.avro.ConnectDefault"  # with its namespace, or it would take that of what holds it


def to_avro(schema: Schema) -> Any:
    """The Avro schema of a Connect schema; an optional one is a union with null."""
    return _to_avro(schema, {})


def _to_avro(schema: Schema, named: dict[str, Schema], of_field: bool = False) -> Any:
    avro = _bare(schema, named)
    if schema.default is not None and not of_field:  # Avro has defaults of fields alone
        avro = {**(avro if isinstance(avro, dict) else {"type": avro}), "connect.default": schema.default}
    if not schema.optional:
        return avro
    return [avro, "null"] if schema.default is not None else ["null", avro]


def _bare(schema: Schema, named: dict[str, Schema]) -> Any:
    if schema.type == "STRUCT":
        name = schema.name or _NAMELESS
        if named.get(name) is schema:
            return name
        while name in named:  # Avro wants one definition a name; Connect does not mind several
            name += "_"
        named[name] = schema
        avro: dict[str, Any] = {"type": "record", "name": name}
        avro["fields"] = [_field(name, inner, named) for name, inner in schema.fields]
    elif schema.type == "ARRAY":
        avro = {"type": "array", "items": _to_avro(schema.element, named)}
    elif schema.type == "MAP":
        key, value = schema.entry
        if key.type == "STRING" and key.name is None and not key.optional:
            avro = {"type": "map", "values": _to_avro(value, named)}
        else:
            pair = Schema("STRUCT", name=f"{schema.name or 'Connect'}MapEntry", detail=[("key", key), ("value", value)])
            avro = {"type": "array", "items": _bare(pair, named), "connect.type": "map"}
    else:
        avro = {"type": _PRIMITIVES[schema.type]}
        if schema.type in ("INT8", "INT16"):
            avro["connect.type"] = schema.type.lower()
        if schema.name in _LOGICAL_NAME:
            avro["logicalType"] = _LOGICAL_NAME[schema.name]
        elif schema.name == DECIMAL and 0 <= int(schema.parameters.get("scale", 0)) <= _DEFAULT_PRECISION:
            avro |= {
                "logicalType": "decimal",
                "precision": int(schema.parameters.get(_PRECISION, _DEFAULT_PRECISION)),
                "scale": int(schema.parameters.get("scale", 0)),
            }
    return _attributes(schema, avro)


def _attributes(schema: Schema, avro: dict[str, Any]) -> Any:
    if schema.name is not None and "logicalType" not in avro:
        avro["connect.name"] = schema.name
    for key, value in (("connect.version", schema.version), ("doc", schema.doc)):
        if value is not None:
            avro[key] = value
    said = ("scale", _PRECISION) if avro.get("logicalType") == "decimal" else ()
    parameters = {key: value for key, value in schema.parameters.items() if key not in said}
    if parameters:
        avro["connect.parameters"] = parameters
    return avro["type"] if len(avro) == 1 else avro


def _field(name: str, schema: Schema, named: dict[str, Schema]) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "type": _to_avro(schema, named, of_field=True)}
    if schema.default is not None:
        field["default"] = schema.encode(schema.default)
        field["connect.default"] = schema.default
    elif schema.optional:
        field["default"] = None
    if schema.doc is not None:
        field["doc"] = schema.doc
    return field


def from_avro(avro: Any, named: dict[str, Any] | None = None, namespace: str = "") -> Schema:
    """The Connect schema of an Avro schema.

    Raises:
        ConfigError: it holds a union other than with null, or a name that is not defined.
    """
    named = {} if named is None else named
    if isinstance(avro, list):
        members = [member for member in avro if member != "null"]
        if len(members) != 1 or len(avro) > 2:
            raise ConfigError("output schema", "Connect knows no union but that of one type with null")
        schema = from_avro(members[0], named, namespace)
        schema.optional = len(avro) == 2
        return schema
    if isinstance(avro, str):
        full = avro if "." in avro or not namespace else f"{namespace}.{avro}"
        if full in named:
            return from_avro(named[full], named, namespace)
        avro = {"type": avro}
    kind = avro["type"]
    if isinstance(kind, list | dict):
        return from_avro(kind, named, namespace)
    name = avro.get("connect.name")
    schema = Schema(_FROM_PRIMITIVE.get(kind, ""), name=name, version=avro.get("connect.version"), doc=avro.get("doc"))
    schema.parameters = dict(avro.get("connect.parameters", {}))
    if kind == "record":
        _record(schema, avro, named, namespace)
    elif kind == "array" and avro.get("connect.type") == "map":
        entry = from_avro(avro["items"], named, namespace)
        schema.type, schema.detail = "MAP", tuple(inner for _, inner in entry.fields)
    elif kind == "array":
        schema.type, schema.detail = "ARRAY", from_avro(avro["items"], named, namespace)
    elif kind == "map":
        schema.type, schema.detail = "MAP", (Schema("STRING"), from_avro(avro["values"], named, namespace))
    elif not schema.type:
        raise ConfigError("output schema", f"Avro type {kind} is not defined")
    elif "connect.type" in avro:
        schema.type = avro["connect.type"].upper()
    _logical(schema, avro)
    schema.default = avro.get("connect.default")
    return schema


def _record(schema: Schema, avro: dict[str, Any], named: dict[str, Any], namespace: str) -> None:
    namespace = avro.get("namespace", namespace)
    full = f"{namespace}.{avro['name']}" if namespace and "." not in avro["name"] else avro["name"]
    namespace = full.rpartition(".")[0]
    named[full] = avro
    if full.rstrip("_") != _NAMELESS and schema.name is None:
        schema.name = full
    fields = []
    for one in avro["fields"]:
        inner = from_avro(one["type"], named, namespace)
        if "connect.default" in one:
            inner.default = one["connect.default"]
        elif one.get("default") is not None:
            inner.default = inner.decode(_default_on_wire(inner, one["default"]))
        fields.append((one["name"], inner))
    schema.type, schema.detail = "STRUCT", fields


def _default_on_wire(schema: Schema, default: Any) -> Any:
    """An Avro default as our wire has values: bytes are text of code points 0–255 in Avro's JSON."""
    if schema.type == "BYTES" and isinstance(default, str):
        raw = default.encode("latin-1")
        if schema.name != DECIMAL:
            return raw
        return f"{int.from_bytes(raw, 'big', signed=True)}E-{schema.parameters.get('scale', '0')}"
    if schema.type == "STRUCT":
        return [_default_on_wire(inner, default[name]) for name, inner in schema.fields]
    return default


def _logical(schema: Schema, avro: dict[str, Any]) -> None:
    logical = avro.get("logicalType")
    if logical == "decimal" and schema.type == "BYTES":
        schema.name = DECIMAL
        schema.parameters = {"scale": str(avro.get("scale", 0)), _PRECISION: str(avro["precision"])} | schema.parameters
        if int(avro["precision"]) == _DEFAULT_PRECISION:
            del schema.parameters[_PRECISION]
    elif logical in _LOGICAL:
        schema.name = _LOGICAL[logical]
