"""What a text is searched by: its language, its Banglish in Bengali letters, and its words under keys that meet."""

from __future__ import annotations

import re
from typing import Literal

from glue.language.letters import BENGALI, normalised
from glue.language.lexicon import english_stem, english_stems, english_words, lexicon
from glue.language.sounds import romanised, sound

Language = Literal["bn", "bn-Latn", "en"]
_LATIN = re.compile("[a-z]+")
_ANY_LATIN = re.compile("[A-Za-z]+")
_WORD = re.compile(r"[a-z]+|\d+|[\u0980-\u09ff]+")
_ENOUGH = 400  # characters that decide the language
# short words of Banglish, many of which are English words too or sound like nothing in particular
_BANGLISH_WORDS = """
ami tumi apni amar tomar apnar amader ache asen ase nai nei koto dam kemon kothay lagbe chai den dibo korbo korte
koren kore hobe hoy parbo bhai vai vaia apu ki keno kobe jabe jay jonno theke pabo valo bhalo khub onek ekta kono
shob sob eta ota ei oi sei ekhon age pore sathe shathe diye gese kinbo kinte er r na ta te e o ar ke je to
"""
_BENGALI_WORDS = "এ এর ও কি এবং তো যে না আর টা এই সে কে তার আমি আমার করে এক"
_ENGLISH_WORDS = """
the and is are was to of in for on with this that it you your we our my i a an be have has do does not can will at
from any me
"""
_BANGLISH = frozenset(_BANGLISH_WORDS.split())
_EMPTY_BENGALI, _EMPTY_ENGLISH = frozenset(_BENGALI_WORDS.split()), frozenset(_ENGLISH_WORDS.split())


def guess(text: str) -> Language:
    """The language of most words: Bengali by its letters, Banglish where the lexicon knows more words than English."""
    head = normalised(text[:_ENOUGH]).lower()
    latin = _LATIN.findall(head)
    bengali = sum(map(len, BENGALI.findall(head)))
    if bengali and bengali * 2 >= sum(map(len, latin)):
        return "bn"
    english = banglish = 0
    for word in latin:
        if word in _BANGLISH:
            banglish += 1
        elif word in english_words() or word in _EMPTY_ENGLISH or english_stem(word) in english_stems():
            english += 1
        elif lexicon().bengali(word):
            banglish += 1
    return "bn-Latn" if banglish > english else "en"


def to_bengali(text: str, language: Language | None = None) -> str:
    """The text in one spelling a letter, Banglish words that the lexicon knows in Bengali letters.

    Args:
        language: of the text; None guesses. Only Banglish is changed, and of it no frequent English word.
    """
    text = normalised(text)
    if (language or guess(text)) != "bn-Latn":
        return text
    return _ANY_LATIN.sub(lambda found: _word(found.group()), text)


def search_words(text: str, language: Language | None = None) -> list[str]:
    """Keys of a text's words, by which equal words meet in three scripts, spellings and inflections.

    An English word is its stem; a Bengali or Banglish one the sound of its stem, marked ``b:``; each word that names an
    idea of a shop gives that idea's name too, which is an English stem. Empty words are left out.
    """
    found = []
    known = lexicon()
    for word in _WORD.findall(to_bengali(text, language).lower()):
        if word.isdigit():
            found.append(word)
        elif word.isascii():
            if word not in _EMPTY_ENGLISH:
                stem = english_stem(word)
                found += [stem, *(idea for idea in known.ideas.get(stem, ()) if idea != stem)]
        elif word not in _EMPTY_BENGALI:
            stem = known.stem(word)
            found += [f"b:{sound(romanised(stem))}", *known.ideas.get(stem, ())]
    return found


def _word(word: str) -> str:
    lower = word.lower()
    if lower not in _BANGLISH and lower in english_words() and not lexicon().is_term(lower):
        return word
    return lexicon().bengali(lower) or word
