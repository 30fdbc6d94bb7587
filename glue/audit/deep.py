"""Comparing whole records to what is stored: every property of an object, every column of a row."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from glue.audit.collection_side import Stored

_VECTOR = "vector"
_NEAR = 0.999
_MS = timedelta(milliseconds=1)


def object_differences(value: dict[str, Any], stored: Stored) -> list[str]:
    """What is not the same in an object, in words that hold no values: ``hashtags is gone``, ``vector has 3 …``."""
    found = []
    for name, wanted in value.items():
        if name == _VECTOR:
            continue
        have = stored.properties.get(name)
        if isinstance(have, datetime) and isinstance(wanted, str):
            wanted = datetime.fromisoformat(wanted)
        if not _same(wanted, have):
            found.append(f"{name} is gone" if have in (None, [], "") else f"{name} differs")
    wanted_vector = value.get(_VECTOR) or []
    vector = stored.vector or []
    if len(vector) != len(wanted_vector):
        found.append(f"vector has {len(vector)} components, not {len(wanted_vector)}")
    elif _cosine(wanted_vector, vector) < _NEAR:
        found.append("vector differs")
    return found


def row_differences(value: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """What is not the same in a row: fields against the columns of their names."""
    found = []
    for name, wanted in value.items():
        if name.lower() not in row:
            found.append(f"column {name} is not there")
        elif not _same(wanted, row[name.lower()]):
            found.append(f"{name} is gone" if row[name.lower()] is None else f"{name} differs")
    return found


def wrong_vector(value: dict[str, Any], schema: dict[str, Any]) -> str:
    """Why no store can take a vector: its length is not the one that the schema demands; else empty."""
    for field in schema.get("fields", []):
        if field["name"] == _VECTOR and (length := field.get("constraints", {}).get("length")):
            have = len(value.get(_VECTOR) or [])
            return f"its vector has {have} components, not {length}" if have != length else ""
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
