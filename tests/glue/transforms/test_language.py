from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import ConfigError
from glue.transforms import language as module
from glue.transforms.contract import Record
from glue.transforms.language import CompiledWords, FilterLanguage, guess

SCORES = {"ta": 1, "koto": 1, "osadharon": 1, "the": -1, "abcdefghijkl": 5}
PIECES = st.sampled_from(
    [*SCORES, "Koto", "THE", "abcdefghijklm", "দাম", "\u0980", "\u09ff", "अ", "é", "a", " ", "-", "\0"]
)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("এই জামাটার দাম কত?", "bn"),
        ("এই জুতা ta koto taka", "bn"),
        ("ei juta ta koto taka bhai", "bn-Latn"),
        ("how much is this product please", "en"),
        ("iPhone 15", "en"),
        ("01712 !!", None),
        ("a b I", None),
        ("b জ c", "bn"),
        ("", None),
    ],
)
def test_guess(text: str, language: str | None) -> None:
    assert guess(text) == language


@pytest.mark.skipif(CompiledWords is None, reason="built without a compiler")
@given(st.lists(PIECES | st.characters(exclude_categories=())).map("".join))
def test_words_are_counted_the_same_compiled_or_not(text: str) -> None:
    assert CompiledWords(SCORES).count(text) == module._Words(SCORES).count(text)


@pytest.mark.skipif(CompiledWords is None, reason="built without a compiler")
@pytest.mark.parametrize("word", ["a", "abcdefghijklm", "Ta", "দাম", "a-b"])
def test_a_word_that_cannot_be_counted_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        CompiledWords({word: 1})


def test_filter(post: Callable[..., Record]) -> None:
    keep = FilterLanguage()
    keep.configure({"languages": "bn, bn-Latn"})
    assert keep.apply(post(content="দাম কত ভাই")) is not None
    assert keep.apply(post(content="how much is this please")) is None
    assert keep.apply(post(content="how much is this please", language="bn")) is not None
    assert keep.apply(post(content="123 456")) is not None
    strict = FilterLanguage()
    strict.configure({"languages": "bn", "unknown": "false"})
    assert strict.apply(post(content="123 456")) is None


def test_languages_must_be_given() -> None:
    with pytest.raises(ConfigError, match="languages"):
        FilterLanguage().configure({})
