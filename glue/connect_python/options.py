"""A config class as Connect's ConfigDef: names, types, defaults, documentation, and what is wrong with given values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from glue.errors import ConfigError
from glue.transforms.contract import TransformConfig


def problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Option and what is wrong with it, without the value, which may be a secret."""
    for problem in error.errors(include_input=False, include_url=False):
        yield str(problem["loc"][0]) if problem["loc"] else "", problem["msg"]


def _bare(annotation: Any) -> Any:
    """The annotation without ``| None``."""
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else str
    return annotation


def _connect_type(annotation: Any) -> str:
    bare = _bare(annotation)
    origin = get_origin(bare) or bare
    for connect, kinds in (
        ("BOOLEAN", (bool,)),
        ("LONG", (int,)),
        ("DOUBLE", (float,)),
        ("LIST", (list, tuple, set, frozenset)),
        ("PASSWORD", (SecretStr,)),
    ):
        if origin in kinds:
            return connect
    return "STRING"


def _default(info: FieldInfo) -> str | None:
    """The default as a Connect configuration writes it."""
    value: Any = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(map(str, value))
    return str(value.value if isinstance(value, Enum) else value)


def _documentation(info: FieldInfo) -> str:
    text = info.description or ""
    bare = _bare(info.annotation)
    choices = get_args(bare) if get_origin(bare) is Literal else ()
    return f"{text} One of: {', '.join(map(str, choices))}.".strip() if choices else text


def describe(config_class: type[TransformConfig], props: Mapping[str, str]) -> list[list[Any]]:
    """[name, type, default, required, importance, documentation, errors] of each option.

    What is wrong with no option in particular is reported at the first one.
    """
    wrong: dict[str, list[str]] = {}
    try:
        config_class.model_validate(select(config_class, props, wrong))
    except ValidationError as error:
        for name, problem in problems(error):
            wrong.setdefault(name, []).append(problem)
    options: list[list[Any]] = []
    for field_name, info in config_class.model_fields.items():
        name = info.alias or field_name
        required = info.is_required()
        importance = (info.json_schema_extra or {}) if isinstance(info.json_schema_extra, dict) else {}
        errors = wrong.pop(name, []) + wrong.pop(field_name, [])
        options.append(
            [
                name,
                _connect_type(info.annotation),
                _default(info),
                required,
                str(importance.get("importance", "high" if required else "medium")).upper(),
                _documentation(info),
                errors,
            ]
        )
    rest = [f"{name}: {text}" if name else text for name, texts in wrong.items() for text in texts]
    if rest and options:
        options[0][-1].extend(rest)
    return options


def select(
    config_class: type[TransformConfig], props: Mapping[str, str], unknown: dict[str, list[str]]
) -> dict[str, str]:
    """Those of a connector's options that are the class's own; Connect's and other people's are left out.

    An unknown name that begins as one of ours does (``weaviate.…``) is a misspelling, and is put into ``unknown``.
    """
    ours = {info.alias or name for name, info in config_class.model_fields.items()}
    families = {name.split(".")[0] for name in ours if "." in name} - _CONNECTS_OWN
    for name in props:
        if name not in ours and name.split(".")[0] in families:
            unknown.setdefault(name, []).append("there is no such option")
    return {name: value for name, value in props.items() if name in ours and value is not None}


def selected(config_class: type[TransformConfig], props: Mapping[str, str], what: str) -> dict[str, str]:
    """As :func:`select`, but a misspelt option raises :class:`ConfigError`."""
    unknown: dict[str, list[str]] = {}
    chosen = select(config_class, props, unknown)
    if unknown:
        raise ConfigError(what, f"there is no option {', '.join(sorted(unknown))}", "correct or remove it")
    return chosen


# first words of Connect's own options, which do not suggest that a name is a misspelt option of ours
_CONNECTS_OWN = frozenset(
    {"name", "connector", "tasks", "topics", "key", "value", "header", "config", "errors", "transforms", "predicates"}
    | {"offsets", "consumer", "producer", "admin", "python", "exactly", "transaction"}
)
