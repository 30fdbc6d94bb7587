"""Cast: fields change their type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field, model_validator

from glue.avro_types import BySchema, branches, to_json
from glue.errors import DataError
from glue.privacy.tags import refuse_personal, tag_of
from glue.transforms.contract import Record, Transform, TransformConfig

_TRUE, _FALSE = "true", "false"


def _number(content: Any) -> Any:
    if isinstance(content, datetime):
        return round(content.timestamp() * 1000)
    return content.strip() if isinstance(content, str) else content


def _int(bits: int) -> Callable[[Any], int]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def cast(content: Any) -> int:
        number = _number(content)
        whole = int(number)
        if not low <= whole <= high:
            raise ValueError("out of range")
        return whole

    return cast


def _boolean(content: Any) -> bool:
    if isinstance(content, str):
        if content.strip().lower() not in (_TRUE, _FALSE):
            raise ValueError("neither true nor false")
        return content.strip().lower() == _TRUE
    return bool(content)


def _string(content: Any) -> str:
    return str(content).lower() if isinstance(content, bool) else str(to_json(content))


_CASTS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "int8": ("int", _int(8)),
    "int16": ("int", _int(16)),
    "int32": ("int", _int(32)),
    "int64": ("long", _int(64)),
    "float32": ("float", lambda content: float(_number(content))),
    "float64": ("double", lambda content: float(_number(content))),
    "boolean": ("boolean", _boolean),
    "string": ("string", _string),
}
_PLAIN = (str, int, float, bool, Decimal, datetime)


class CastConfig(TransformConfig):
    spec: list[str] = Field(min_length=1, description=f"Pairs field:type; types are {', '.join(_CASTS)}.")

    @model_validator(mode="after")
    def _pairs(self) -> CastConfig:
        if wrong := [pair for pair in self.spec if pair.count(":") != 1 or pair.split(":")[1] not in _CASTS]:
            raise ValueError(f"not field:type: {', '.join(wrong)}")
        return self


class Cast(Transform[CastConfig]):
    """Turn fields into another type; null stays null.

    A personal field is refused: as a number it could not be scrubbed any more.
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._casts = {name: _CASTS[kind] for name, kind in (pair.split(":") for pair in self.config.spec)}
        self._derived = BySchema(self._schema)

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is None:
            return record
        if record.schema is not None:
            record.schema = self._derived(record.schema)
        for name, (_, cast) in self._casts.items():
            if (content := value.get(name)) is not None:
                try:
                    if not isinstance(content, _PLAIN):
                        raise TypeError
                    value[name] = cast(content)
                except (ValueError, TypeError, ArithmeticError):
                    raise DataError("Cast", f"{name} cannot be cast as {self.config.spec}") from None
        return record

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._derived(schema)

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        refuse_personal("Cast", schema, frozenset(self._casts))
        return {**schema, "fields": [self._field(field) for field in schema["fields"]]}

    def _field(self, field: dict[str, Any]) -> dict[str, Any]:
        if field["name"] not in self._casts:
            return field
        new, _ = self._casts[field["name"]]
        nullable = isinstance(field["type"], list) and len(branches(field["type"])) < len(field["type"])
        made = {"name": field["name"], "type": ["null", new] if nullable else new, "confluent:tags": [tag_of(field)]}
        return made | ({"default": None} if nullable else {})
