"""The search is linear in the text, whatever it is made of: counted in steps of the interpreter, not in time."""

from __future__ import annotations

import random
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from glue.privacy.recognisers import EXCESS, find

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
from pii_set import HOSTILE, repeated

LONG = 20_000


def seconds(text: str) -> float:
    return min(_once(text) for _ in range(3))


def _once(text: str) -> float:
    started = time.process_time()
    find(text)
    return time.process_time() - started


def calls(text: str) -> int:
    """How often the search called a function, of Python or of C."""
    count = 0

    def on_event(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(on_event)
    try:
        find(text)
    finally:
        sys.setprofile(None)
    return count


def mixtures() -> list[tuple[str, ...]]:
    chance = random.Random(7)
    return [(piece,) for piece in HOSTILE] + [tuple(chance.sample(HOSTILE, chance.randrange(2, 5))) for _ in range(24)]


@pytest.mark.parametrize("pieces", mixtures(), ids=repr)
def test_work_grows_no_faster_than_the_text(pieces: tuple[str, ...]) -> None:
    half, whole = repeated(pieces, LONG // 2), repeated(pieces, LONG)
    find(whole)  # tables that fill when a character is first met
    assert calls(whole) <= 2.5 * calls(half) + 200
    assert seconds(whole) <= 4 * seconds(half) + 0.05  # a pattern's own steps; quadratic ones take seconds here


@pytest.mark.parametrize("pieces", mixtures(), ids=repr)
def test_finds_of_hostile_texts_are_in_order_and_inside(pieces: tuple[str, ...]) -> None:
    text = repeated(pieces, 3000)
    spans = find(text)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


def test_what_is_longer_than_any_platform_takes_is_not_published_unread() -> None:
    text = "ok " * 40_000 + "01712345678"
    assert find(text)[-1].end == len(text)
    assert find(text)[-1].entity == EXCESS


def test_words_that_lead_to_a_kind_without_end_are_not_published_unread() -> None:
    text = "Rahim bhai " * 2000
    assert find(text)[-1].end == len(text)
