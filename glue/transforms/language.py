"""Guessing a post's language: Bengali (bn), Bengali in Latin letters (bn-Latn), English (en)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from glue.privacy.mentions import without_pseudonyms
from glue.transforms.contract import Record, Transform, TransformConfig

try:
    from glue.avro_native import Words as CompiledWords
except ImportError:  # installed where no compiler was
    CompiledWords = None  # type: ignore[assignment,misc]

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


class _Words:
    """As :class:`glue.avro_native.Words`, where no compiler was."""

    _PARTED = bytes(ord(chr(one).lower()) if one < 128 and chr(one).isalpha() else ord(" ") for one in range(256))

    def __init__(self, scores: dict[str, int]) -> None:
        self._scores = {word.encode(): score for word, score in scores.items()}

    def count(self, text: str) -> tuple[int, int, int]:
        data = text.encode("utf-8", "replace")
        words = [word for word in data.translate(self._PARTED).split() if len(word) > 1]
        bengali = data.count(b"\xe0\xa6") + data.count(b"\xe0\xa7")  # U+0980 to U+09FF in UTF-8
        return bengali, sum(map(len, words)), sum(self._scores.get(word, 0) for word in words)


_count = (_Words if CompiledWords is None else CompiledWords)(
    {w: score for w, score in _SCORES.items() if len(w) > 1}
).count


def guess(text: str) -> str | None:
    """``bn``, ``bn-Latn``, ``en``, or None where there are no letters to judge by."""
    head = without_pseudonyms(text)[:_ENOUGH]
    bengali, letters, score = _count(head)
    if bengali and (bengali * 3 >= len(head) or bengali * 2 >= letters):
        return "bn"
    if not letters:  # one letter alone is no word
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
