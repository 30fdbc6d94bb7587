from __future__ import annotations

from collections.abc import Callable

import pytest

from glue.errors import ConfigError
from glue.transforms.contract import Record
from glue.transforms.language import FilterLanguage, guess


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
