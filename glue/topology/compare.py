"""When two config values mean the same: as Kafka's ConfigDef would read them, not as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from glue.secrets import has_reference, is_masked, is_secret_key, shown
from glue.topology.defaults import KeyDef
from glue.topology.model import split_list

_NUMBERS = ("INT", "LONG", "SHORT", "DOUBLE")


@dataclass(frozen=True)
class FieldChange:
    """One field before and after; None where it is absent. Texts are safe to print."""

    path: str
    before: str | None
    after: str | None


def same_value(key: str, left: str, right: str, definition: KeyDef | None = None) -> bool:
    """Whether two values of ``key`` mean the same.

    ConfigDef trims every value, reads numbers and booleans by type, splits lists at commas, and takes a class by full
    name or by alias. A value that a server masked equals any secret: nobody can tell, so it is not called a change.
    """
    a, b = left.strip(), right.strip()
    if a == b:
        return True
    if (is_masked(a) or is_masked(b)) and (
        is_secret_key(key) or has_reference(a) or has_reference(b) or (definition and definition.type == "PASSWORD")
    ):
        return True
    kind = definition.type if definition else ""
    if kind == "BOOLEAN":
        return a.lower() == b.lower()
    if kind in _NUMBERS:
        return _number(a) is not None and _number(a) == _number(b)
    if kind == "LIST":
        return split_list(a) == split_list(b)
    if kind == "CLASS" and ("." in a) != ("." in b):
        return alias(a) == alias(b)
    return False


def alias(name: str) -> str:
    """The short name under which Connect also knows a plugin: no package, no role at the end (its PluginUtils)."""
    short = name.rpartition(".")[2]
    for role in ("Connector", "Converter"):
        if short.endswith(role) and short != role:
            return short.removesuffix(role)
    return short


def config_changes(
    live: Mapping[str, str], declared: Mapping[str, str], definitions: Mapping[str, KeyDef], ignore: frozenset[str]
) -> list[FieldChange]:
    """Fields that differ in meaning. An absent key equals its default; ``ignore`` are keys that the server adds."""
    changes = []
    for key in sorted(live.keys() | declared.keys()):
        if key in ignore:
            continue
        definition = definitions.get(key)
        before, after = live.get(key), declared.get(key)
        default = definition.default if definition else None
        if before is None or after is None:
            present = after if before is None else before
            assert present is not None  # noqa: S101 - the key is in one of them
            if default is not None and same_value(key, present, default, definition):
                continue
        elif same_value(key, before, after, definition):
            continue
        secret = (key,) if definition and definition.type == "PASSWORD" else ()
        changes.append(
            FieldChange(
                key,
                None if before is None else shown(key, before, secret),
                None if after is None else shown(key, after, secret),
            )
        )
    return changes


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
