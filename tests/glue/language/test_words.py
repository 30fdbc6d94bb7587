"""Letters, sounds, Banglish and keys of words, with the real lexicon."""

from __future__ import annotations

import pytest

from glue.errors import ConfigError
from glue.language import lexicon as module
from glue.language.letters import normalised
from glue.language.lexicon import Lexicon, english_stem, lexicon, shop_terms
from glue.language.sounds import romanised, skeleton, sound, spelt, spoken
from glue.language.words import guess, search_words, to_bengali


def test_letters_of_two_encodings_joiners_and_digits_become_one() -> None:
    two, one = "শা\u09a1\u09bcি মে\u09af\u09bcে", "শা\u09dcি মে\u09dfে"
    assert two != one and normalised(two) == normalised(one)
    assert normalised("ক\u200dষ ১২৩৪") == "কষ 1234"
    assert normalised("plain text 12") == "plain text 12"
    assert normalised("কো") == normalised("ক\u09c7\u09be"), "a vowel sign typed as its two halves"


def test_sounds() -> None:
    assert romanised(normalised("শাড়ি")) == "shari" and romanised("জুতা") == "juta"
    assert spoken("O k . l E n D") == "oklend"
    assert spelt("sheeter") == spelt("shiter") == "siter"
    assert sound("juto") == sound("juta") == sound("joota")
    assert skeleton("shitr") == skeleton("sheeter") != skeleton("juta")


@pytest.mark.parametrize("text", ["shiter juta", "sheeter jutaa", "shitr juto", "SHITER JUTA"])
def test_spellings_of_banglish_are_one_bengali_text(text: str) -> None:
    assert to_bengali(text, "bn-Latn") == "শীতের জুতা"


def test_only_banglish_is_changed_and_of_it_no_english_word() -> None:
    assert to_bengali("winter shoes for men") == "winter shoes for men"
    assert to_bengali("khati modhu chai, original product") == "খাঁটি মধু চাই, original product"
    assert to_bengali("bltmprkd vai", "bn-Latn") == "bltmprkd ভাই"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("শীতের জুতা", "bn"),
        ("এই জুতা ta koto taka", "bn"),
        ("vai juta ta koto", "bn-Latn"),
        ("protidin bole kal paben ekhono ashe nai", "bn-Latn"),
        ("winter shoes for men", "en"),
        ("Where is my refund, I sent it back last week", "en"),
        ("12345 !!", "en"),
    ],
)
def test_guess(text: str, language: str) -> None:
    assert guess(text) == language


def test_one_idea_has_one_key_in_three_scripts_and_inflections() -> None:
    for text in ("winter shoes", "শীতের জুতা", "shiter jutar dam", "শীতে জুতাগুলো"):
        assert {"winter", "shoe"} <= set(search_words(text)), text
    assert search_words("the and is") == [] == search_words("এর ও")
    assert search_words("size 42") == ["size", "42"] == search_words("size ৪২")


@pytest.mark.parametrize(
    ("word", "stem"),
    [("shoes", "shoe"), ("watches", "watch"), ("dresses", "dress"), ("babies", "baby"), ("shipping", "ship"),
     ("ordered", "order"), ("glass", "glass"), ("gas", "gas")],
)  # fmt: skip
def test_english_stems(word: str, stem: str) -> None:
    assert english_stem(word) == stem


def test_every_line_of_the_shop_terms_is_found_by_its_bengali_and_its_banglish() -> None:
    known = lexicon()
    for term in shop_terms():
        assert term.english, term
        for word in term.bengali:
            if " " not in word:
                assert term.idea in known.ideas[known.stem(word)], (term.idea, word)


def test_a_lexicon_that_is_missing_or_another_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    with pytest.raises(ConfigError, match="SHA-256"):
        module._source()
    monkeypatch.setattr(module, "PACKAGE", "no_such_lexicon")
    with pytest.raises(ConfigError, match="not installed"):
        module._source()


def test_a_word_that_nothing_spells_is_none() -> None:
    assert Lexicon({"by_sound": {}, "direct": {}, "forms": {}}).bengali("juta") is None
