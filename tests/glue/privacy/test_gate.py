"""The first look at a text: what the search would find never ends there, and few ordinary texts pass it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from glue.privacy.recognisers import ENTITIES, KINDS, find, numbers, search
from glue.privacy.recognisers.fold import fold
from glue.privacy.recognisers.gate import Gate, utf8

pytest.importorskip("re2")
sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
from pii_set import HOSTILE, posts, repeated

WORDS = sorted(frozenset().union(*(kind.words | kind.beside | kind.before | kind.after for kind in KINDS)))
BETWEEN = (
    *(
        " ",
        " ",
        " ",
        "  ",
        "\n",
        ", ",
        ": ",
        ".",
        "-",
        "/",
        "@",
        "। ",
        "…",
        " “",
        "” ",
        " 📞",
        "#",
        "(",
        ") ",
        " [",
        "] ",
    ),
    *("%", "'s ", "’s ", "\t", "৭", "5", "+", "\u200b", "\u00ad", "\u0301", "｜", "＠", "\ud800", "é", "中"),
)


PUT = (*(f"[{entity}]" for entity in ENTITIES), f"[HANDLE:k1:{'a1' * 32}]", f"[PROFILE:k2:{'07' * 32}]", "[PHONE", "░")


def mixed(chance: random.Random, fragments: list[str]) -> str:
    parts = []
    for _ in range(chance.randrange(1, 25)):
        word = chance.choice(chance.choice((WORDS, fragments, HOSTILE)))
        case = chance.random()
        parts += word.capitalize() if case < 0.2 else word.upper() if case < 0.25 else word, chance.choice(BETWEEN)
    return "".join(parts)


def test_the_first_look_changes_no_find() -> None:
    chance, made = random.Random(3), [post.text for post in posts(3000, 11)]
    fragments = [word for text in made for word in text.split()]
    texts = made + [mixed(chance, fragments) for _ in range(6000)] + [repeated((piece,), 300) for piece in HOSTILE]
    found = [search(text) for text in texts]
    assert sum(map(bool, found)) > len(texts) // 2
    assert [text for text, spans in zip(texts, found, strict=True) if find(text) != spans] == []


def test_a_look_beside_what_scrubbing_has_put_changes_no_find() -> None:
    chance, fragments = random.Random(5), [word for post in posts(1000, 12) for word in post.text.split()]
    texts = []
    for _ in range(6000):
        words = (chance.choice(chance.choice((PUT, WORDS, fragments, HOSTILE))) for _ in range(chance.randrange(1, 15)))
        texts.append("".join(word + chance.choice((*BETWEEN, "", "", "")) for word in words))
    found = [search(text) for text in texts]
    assert sum(map(bool, found)) > len(texts) // 8
    assert [text for text, spans in zip(texts, found, strict=True) if find(text) != spans] == []


def test_what_people_write_without_a_person_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr("glue.privacy.recognisers.search", lambda text, _parts: searched.append(text) or [])
    texts = ["ei juta ta koto taka", "দাম কত ভাই?", "size 40 41 42 available", "আজকের অফার ৫০ টাকা ছাড়…", "😀 nice product!"]
    assert [find(text) for text in texts] == [[]] * len(texts)
    assert searched == []


def test_an_automaton_without_memory_stops_no_text() -> None:
    gate = Gate({"[0-9]": {"numbers"}, "@": {"@"}})
    assert gate.look("no digit") == set()
    assert gate.look("7 @") == {"numbers", "@"}
    gate._match = lambda _text: None  # as RE2's set answers then
    assert gate.look("no digit") is None


def test_the_words_for_numbers_are_the_same_without_the_automaton(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(4)
    marks = [mark for kind in numbers.KINDS for mark in kind.marks]
    pieces = [*marks, *map(str.upper, marks), *BETWEEN, "ta", "দাম", "é", "Ｎ", "\u212a", "\u017f", "\u0130"]
    texts = [fold("".join(chance.choices(pieces, k=chance.randrange(6)))).text for _ in range(2000)]
    found = [numbers._possible(text) for text in texts]
    assert len(set(found)) > 8
    without = Gate({})
    without._match = lambda _text: None
    monkeypatch.setattr(numbers, "_named", lambda: without)
    assert [numbers._possible(text) for text in texts] == found


@pytest.mark.parametrize("text", ["", "a\0b", "দাম é 😀" * 9])
def test_bytes_of_a_text_are_those_of_python(text: str) -> None:
    assert [utf8(text), utf8(text)] == [text.encode()] * 2  # the second time they are kept
    with pytest.raises(UnicodeEncodeError):
        utf8(text + "\ud83d")


@pytest.mark.parametrize(
    ("text", "name"),
    [("“Rahim bhai” bolse", "Rahim"), ("📞রহিম ভাই", "রহিম"), ("…Rahim bhai", "Rahim"), ("I'm Rahim", "Rahim")],
)
def test_punctuation_of_other_scripts_and_emoji_part_words(text: str, name: str) -> None:
    assert [text[span.start : span.end] for span in find(text)] == [name]
