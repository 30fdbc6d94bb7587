"""Comparing whole records to what is stored: every property of an object, every column of a row."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from glue.stores.weaviate.client import MODELS, VARIANT

_NEAR = 0.999
_MS = timedelta(milliseconds=1)


def differences(value: dict[str, Any], row: dict[str, Any], vector: str = "") -> list[str]:
    """What is not the same in a row or object, in words that hold no values: ``hashtags is gone``, ``vector has 3 …``.

    Args:
        row: by names in lower case. vector: name of the field that is one, or a map of named ones; vectors
            are the same if they point alike. Of named ones those are compared that both know: which models there are
            may change while the record stays, and is counted for itself.
    """
    found = []
    for name, wanted in value.items():
        if vector and name in (MODELS, VARIANT):
            continue
        have = row.get(name.lower())
        if name == vector:
            found += _vector_differences(name, wanted, have)
            continue
        if isinstance(have, datetime) and isinstance(wanted, str):
            wanted = datetime.fromisoformat(wanted)
        if not _same(wanted, have):
            gone = have in (None, [], "")
            found.append(
                f"{name} is not there" if name.lower() not in row else f"{name} {'is gone' if gone else 'differs'}"
            )
    return found


def _vector_differences(name: str, wanted: Any, have: Any) -> list[str]:
    if isinstance(wanted, dict):
        stored = have if isinstance(have, dict) else {}
        names = sorted(wanted.keys() & stored.keys()) if stored else sorted(wanted)
        return [why for one in names for why in _vector_differences(f"{name}.{one}", wanted.get(one), stored.get(one))]
    if len(have or []) != len(wanted or []):
        return [f"{name} has {len(have or [])} components, not {len(wanted or [])}"]
    return [f"{name} differs"] if _cosine(wanted or [], have or []) < _NEAR else []


def wrong_length(value: dict[str, Any], schema: dict[str, Any]) -> str:
    """Why no store can take a list such as a vector: its length is not the one that the schema demands; else empty."""
    for field in schema.get("fields", []):
        name, length = field["name"], field.get("constraints", {}).get("length")
        have = value.get(name) or []
        parts = {f"{name}.{key}": one for key, one in have.items()} if isinstance(have, dict) else {name: have}
        for part, one in parts.items():
            if length and len(one) != length:
                return f"its {part} has {len(one)} components, not {length}"
    return ""


def _cosine(one: list[float], other: list[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    length = math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))
    return product / length if length else 1.0


def _same(wanted: Any, have: Any) -> bool:
    if wanted in (None, []) and have in (None, []):
        return True
    if wanted is None or have is None:
        return False
    if isinstance(wanted, datetime) and isinstance(have, datetime):
        return abs(_aware(wanted) - _aware(have)) < _MS
    if isinstance(wanted, date) and isinstance(have, date):
        return wanted == have
    if isinstance(wanted, bool) or isinstance(have, bool):
        return bool(wanted) == bool(have)
    if isinstance(wanted, int | float | Decimal) and isinstance(have, int | float | Decimal):
        return wanted == have or math.isclose(float(wanted), float(have), rel_tol=1e-9)
    if isinstance(wanted, list | dict) and isinstance(have, str):  # a VARIANT or ARRAY column comes as JSON
        try:
            return bool(json.loads(have) == wanted)
        except ValueError:
            return False
    return bool(wanted == have)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
