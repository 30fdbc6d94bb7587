"""A vocabulary finds what a dictionary of its pieces would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.embedding import vocabulary
from glue.embedding.vocabulary import Vocabulary

pytestmark = pytest.mark.unit

_TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), unique=True, max_size=60)


def _of(pieces: list[str]) -> Vocabulary:
    parts = [one.encode() for one in pieces]
    return Vocabulary(b"".join(parts), np.cumsum([0, *map(len, parts)]).astype(np.uint32))


@given(pieces=_TEXTS, others=_TEXTS)
def test_it_finds_its_pieces_and_no_other_text(pieces: list[str], others: list[str]) -> None:
    numbers = {piece: number for number, piece in enumerate(pieces)}
    made = _of(pieces)
    asked = [*pieces, *others, *(one + other for one in pieces[:5] for other in others[:5])]
    assert made.find(asked) == {text: numbers[text] for text in asked if text in numbers}
    assert [made.piece(number) for number in range(len(made))] == pieces


def test_pieces_whose_sums_are_equal_by_chance_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_sums", lambda _, ends: np.zeros(len(ends) - 1, np.uint64))
    made = _of(["জুতা", "▁juta", "shoe"])
    assert made.find(["shoe", "boot", "জুতা"]) == {"shoe": 2, "জুতা": 0}


def test_a_lone_surrogate_is_no_piece() -> None:
    assert _of(["a", "b"]).find(["\ud83d", "b"]) == {"b": 1}
