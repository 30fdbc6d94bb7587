"""How Bengali sounds, in Latin letters, and keys under which spellings of one word meet."""

from __future__ import annotations

import re

_LETTERS = "কখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ\u09dc\u09dd\u09dfৎ"
_LATIN = "k kh g gh ng ch ch j jh n t th d dh n t th d dh n p f b bh m j r l sh sh s h r rh y t"
_CONSONANTS = dict(zip(_LETTERS, _LATIN.split(), strict=True))
_VOWEL_SOUNDS = "a i i u u ri e oi o ou"
_VOWELS = {"অ": "o"} | dict(zip("আইঈউঊঋএঐওঔ", _VOWEL_SOUNDS.split(), strict=True))
_SIGNS = dict(zip("ািীুূৃেৈোৌ", _VOWEL_SOUNDS.split(), strict=True))
_VIRAMA, _NASAL, _SILENT = "\u09cd", "\u0982", "\u0983\u0981"
# phonemes of Google's lexicon that are not written as they are
_PHONEMES = {"O": "o", "E": "e", "N": "ng", "c": "ch", "T": "t", "Th": "th", "D": "d", "Dh": "dh"}
_PHONEMES |= {"i^": "i", "u^": "u", "e^": "y", "o^": "o", ".": ""}
_ONE_SPELLING = (
    "chh=c ch=c sh=s ph=f bh=b kh=k gh=g jh=j th=t dh=d rh=r ck=k v=b z=j q=k x=ks oo=u ee=i aa=a ii=i uu=u ow=o ou=o"
)
_SPELLINGS = tuple(pair.split("=") for pair in _ONE_SPELLING.split())
_DOUBLE = re.compile(r"(.)\1+")


def romanised(word: str) -> str:
    """A Bengali word by its letters, roughly as people type it: ``শাড়ি`` is ``shari``. ``normalised`` comes first."""
    made = []
    for place, char in enumerate(word):
        after = word[place + 1 : place + 2]
        if char in _CONSONANTS:
            if char == "য" and place and word[place - 1] == _VIRAMA:
                continue  # it only doubles the letter before
            made.append(_CONSONANTS[char])
            if after and after not in _SIGNS and after != _VIRAMA:
                made.append("o")  # the vowel that is not written; the last one of a word is not spoken
        elif char in _VOWELS:
            made.append(_VOWELS[char])
        elif char in _SIGNS:
            made.append(_SIGNS[char])
        elif char == _NASAL:
            made.append("ng")
        elif char != _VIRAMA and char not in _SILENT:
            made.append(char)
    return "".join(made)


def spoken(phonemes: str) -> str:
    """A transcription of Google's lexicon in Latin letters: ``O k . l E n D`` is ``oklend``."""
    return "".join(_PHONEMES.get(one, one) for one in phonemes.split())


def spelt(word: str) -> str:
    """A word in Latin letters in one spelling of its consonants: ``sheeter`` and ``shiter`` are ``siter``."""
    word = word.lower()
    for spelling, one in _SPELLINGS:
        word = word.replace(spelling, one)
    return _DOUBLE.sub(r"\1", word.replace("w", "o").replace("y", "i"))


def sound(word: str) -> str:
    """The key of a word in Latin letters, with its vowels; a and o, which people mix, are one."""
    return _DOUBLE.sub(r"\1", spelt(word).replace("o", "a"))


def skeleton(word: str) -> str:
    """The key without vowels but a leading one: ``shitr`` and ``sheeter`` are ``str``."""
    key = sound(word)
    head = "a" if key[:1] in ("a", "e", "i", "u") else ""
    return head + _DOUBLE.sub(r"\1", re.sub("[aeiu]", "", key))
