"""Checks of a value, compiled once from the ``constraints`` of its Avro schema.

Avro itself already guarantees types and presence of what was decoded; constraints say the rest: ``minLength``,
``maxLength``, ``length`` (strings and arrays; of a map, of each value), ``minimum``, ``maximum``,
``exclusiveMinimum``, ``exclusiveMaximum``,
``enum``, ``pattern``. They mean what JSON Schema means by them; NaN satisfies no bound. null is always accepted, as the
type decides whether it may be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from glue.errors import ConfigError

Check = Callable[[Any], bool]


def _bound(limit: Any) -> Any:
    return limit if isinstance(limit, int) else Decimal(str(limit))


def _check(name: str, limit: Any) -> Check:
    if name == "minLength":
        return lambda value: len(value) >= limit
    if name == "maxLength":
        return lambda value: len(value) <= limit
    if name == "length":
        return lambda value: (
            all(len(one) == limit for one in value.values()) if isinstance(value, dict) else len(value) == limit
        )
    if name == "enum":
        allowed = frozenset(limit)
        return lambda value: value in allowed
    if name == "pattern":
        search = re.compile(limit).search
        return lambda value: search(value) is not None
    bound = _bound(limit)
    checks: dict[str, Check] = {
        "minimum": lambda value: value >= bound,
        "maximum": lambda value: value <= bound,
        "exclusiveMinimum": lambda value: value > bound,
        "exclusiveMaximum": lambda value: value < bound,
    }
    if name not in checks:
        raise ConfigError(f"constraint {name}", "not one that Validate knows", "use JSON Schema's name of it")
    return checks[name]


class Constraints:
    """All checks of one record schema, in the order of its fields."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._checks: list[tuple[str, str, Check]] = [
            (field["name"], f"{name} {limit}", _check(name, limit))
            for field in schema.get("fields", ())
            for name, limit in (field.get("constraints") or {}).items()
        ]

    def broken(self, value: dict[str, Any]) -> str:
        """What is wrong with ``value``, without its contents: ``likes: minimum 0; …``; empty when all holds."""
        for name, _, check in self._checks:
            found = value.get(name)
            if found is not None and not check(found):
                return self._all(value)
        return ""

    def _all(self, value: dict[str, Any]) -> str:
        return "; ".join(
            f"{name}: {rule}"
            for name, rule, check in self._checks
            if value.get(name) is not None and not check(value[name])
        )
