"""CSV is opened in spreadsheets, and people wrote its texts: no cell is a formula, and nothing else is altered."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.stores.rows import Rows

STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
LEADS = st.sampled_from(["", *STARTS, " =", " \t+", "\u00a0@", "\u3000-", "'", "a", "৫"])
TEXTS = st.builds(str.__add__, LEADS, st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.decimals(-9999, 9999, places=2))


def cells(*values: Any) -> list[str]:
    """One row as a reader of CSV gets it."""
    text = Rows([f"C{n}" for n in range(len(values) + 1)], [(*values, "end")]).render("csv")
    (_, row) = csv.reader(io.StringIO(text, newline=""))
    assert row.pop() == "end"
    return row


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_no_text_is_a_formula_and_any_other_is_as_it_was(texts: list[str]) -> None:
    for text, cell in zip(texts, cells(*texts), strict=True):
        assert cell in (text, f"'{text}")
        try:
            float(cell)
        except ValueError:
            assert not cell.lstrip().startswith(tuple(STARTS)) and not cell.startswith(("\t", "\r", "\n"))
        if text[:1].isalnum():
            assert cell == text


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_numbers_stay(numbers: list[Any]) -> None:
    assert cells(*numbers) == [str(int(n)) if isinstance(n, Decimal) and n.as_tuple().exponent == 0 else str(n)
                               for n in numbers]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(A1)", "@SUM(1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\n=1", "\uff1d1+1"]
)
def test_formulas_are_texts_in_heads_too_and_exact_in_json(text: str) -> None:
    rows = Rows([text], [(text,)])
    assert list(csv.reader(io.StringIO(rows.render("csv"), newline=""))) == [[f"'{text}"]] * 2
    assert json.loads(rows.render("json")) == [{text: text}]


def test_what_only_looks_like_one_stays() -> None:
    values = ("-1.50", "+8801712345678", "-5e3", Decimal("-1.50"), dt.date(2026, 1, 2), b"\x0d=", None, "50% - off")
    assert cells(*values) == ["-1.50", "+8801712345678", "-5e3", "-1.50", "2026-01-02", "0d3d", "", "50% - off"]
