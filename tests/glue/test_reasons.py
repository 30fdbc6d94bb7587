"""Reasons name the field and the rule, and hold nothing that was in the record."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from glue.errors import DataError
from glue.reasons import reason_of

SECRET = "rahim 01712345678"
RAW: dict[str, Any] = {"items": None, "price": SECRET, "note": 7, "customer": {"name": SECRET}, "state": SECRET}


class Model(BaseModel):
    price: float


def text(value: Any) -> str:
    return str(value.strip())


def count(value: str) -> int:
    if not value.isdigit():
        raise ValueError("no count in this text")
    return int(value)


def quoting(value: str) -> int:
    raise ValueError(f"no count in {value}")


def several(raw: dict[str, Any]) -> list[str]:
    return [line["sku"] for line in raw["items"]]


@pytest.mark.parametrize(
    ("parse", "reason"),
    [
        (lambda raw: raw["line_items"], "line_items is missing"),
        (lambda raw: raw["customer"]["phone"], "phone is missing"),
        (several, 'TypeError at [line["sku"] for line in raw["items"]]'),
        (lambda raw: Decimal(raw["price"]), 'InvalidOperation at Decimal(raw["price"])'),
        (lambda raw: float(raw["price"]), 'ValueError at float(raw["price"])'),
        (lambda raw: text(raw["note"]), 'AttributeError at text(raw["note"])'),
        (lambda raw: count(raw["price"]), 'no count in this text at count(raw["price"])'),
        (lambda raw: quoting(raw["price"]), 'ValueError at quoting(raw["price"])'),
        (lambda raw: {"paid": 1}[raw["state"]], 'KeyError at {"paid": 1}[raw["state"]]'),
        (lambda raw: Model.model_validate(raw), "price: Input should be a valid number"),
    ],
)
def test_a_reason_names_the_field_and_no_value(parse: Callable[[Any], Any], reason: str) -> None:
    with pytest.raises(Exception) as raised:
        parse(RAW)
    told = reason_of(raised.value)
    assert told.startswith(reason)
    assert SECRET not in told


def test_errors_of_the_project_tell_themselves() -> None:
    assert reason_of(DataError("Validate", "content: minLength 5")) == "Validate: content: minLength 5"


def test_an_error_that_was_never_raised_has_its_type() -> None:
    assert reason_of(ValueError(SECRET)) == "ValueError"


def test_code_without_source_has_its_type() -> None:
    code = compile('def parse(raw): return raw["price"] + 1', "<nowhere>", "exec")
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.raises(TypeError) as raised:
        names["parse"](RAW)
    assert reason_of(raised.value).startswith("TypeError")
    assert SECRET not in reason_of(raised.value)
