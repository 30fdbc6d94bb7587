"""Guessing a post's language: Bengali (bn), Bengali in Latin letters (bn-Latn), English (en)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat

from pydantic import Field

from glue.privacy.mentions import without_pseudonyms
from glue.transforms.contract import Record, Transform, TransformConfig

# Bytes of UTF-8: letters in lower case, anything else parts words. A regex for words takes three times as long.
_PARTED = bytes(ord(chr(byte).lower()) if byte < 128 and chr(byte).isalpha() else ord(" ") for byte in range(256))
_ENOUGH = 400  # characters that decide; the rest of a long text changes nothing
_ROMANISED_WORDS = """
ami tumi apni amar tomar apnar amader apnader ache asen ase nai nei koto dam kemon kmn kothay kothai lagbe lagbo
nibo nite chai chaii den dibo dibe diben korbo korte korben korun koren kore hobe hbe hoy hoise hoyeche holo
parbo paren bhai vai bhaia vaia apu apa apnara ki keno kobe jabe jay jonno theke thake pabo paben paoa pawa valo
bhalo khub onek ekta duita kono shob sob eta ota eita oita ei oi sei ekhon akhon ekhono age pore sathe shathe
diye niye gese gelo kine kinbo kinte kinechi pathan pathaben bolen bolun janan janaben dekhte dekhen dekhi
sundor darun osadharon taka takay tk juta jama shari saree lungi panjabi kapor mobail dokan shundor korlam
peyechi pelam na haa hya
"""
_ENGLISH_WORDS = """
the and is are was to of in for on with this that it you your we our my i a an be have has do does not can will
price please how much what where when want need buy order delivery product nice good best very available size
color
"""
_SCORES = dict.fromkeys(_ROMANISED_WORDS.split(), 1) | dict.fromkeys(_ENGLISH_WORDS.split(), -1)
_OF_BYTES = {word.encode(): score for word, score in _SCORES.items() if len(word) > 1}
_OTHERS = repeat(0)  # what any other word counts


def guess(text: str) -> str | None:
    """``bn``, ``bn-Latn``, ``en``, or None where there are no letters to judge by."""
    head = without_pseudonyms(text)[:_ENOUGH]
    data = head.encode("utf-8", "replace")
    bengali = 0
    if len(data) > len(head):
        bengali = data.count(b"\xe0\xa6") + data.count(b"\xe0\xa7")  # U+0980 to U+09FF in UTF-8: no regex, no loop
        if bengali and bengali * 3 >= len(head):
            return "bn"
    words = data.translate(_PARTED).split()
    score = sum(map(_OF_BYTES.get, words, _OTHERS))
    if bengali or not score:
        sizes = list(map(len, words))
        letters = sum(sizes) - sizes.count(1)  # one letter alone is no word
        if bengali and bengali * 2 >= letters:
            return "bn"
        if not letters:
            return None
    return "bn-Latn" if score > 0 else "en"


class FilterLanguageConfig(TransformConfig):
    languages: list[str] = Field(description="Languages that pass: bn, bn-Latn, en.")
    text_field: str = Field("content", description="Text to judge when the language field is empty.")
    language_field: str = Field("language", description="Field that already holds the language, if any.")
    unknown: bool = Field(True, description="Whether texts of no known language pass.")


class FilterLanguage(Transform[FilterLanguageConfig]):
    """Keep records in the given languages and drop the others."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._kept = frozenset(self.config.languages)

    def apply(self, record: Record) -> Record | None:
        value = record.value
        if value is None:
            return record
        language = value.get(self.config.language_field) or guess(str(value.get(self.config.text_field) or ""))
        if language is None:
            return record if self.config.unknown else None
        return record if language in self._kept else None
