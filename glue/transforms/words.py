"""SearchWords: a text gets the keys that its words are found by, and its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from glue.language.lexicon import lexicon
from glue.language.words import guess, search_words
from glue.transforms.contract import Record, Transform, TransformConfig
from glue.transforms.shape import load_output


class SearchWordsConfig(TransformConfig):
    text_field: str = Field("content", description="Field with the text.")
    words_field: str = Field("words", description="Field that gets the keys, blanks between.")
    language_field: str = Field("language", description="Field that gets the language: bn, bn-Latn or en.")
    schema_file: str = Field("vector_post.avsc", description="Schema of the output.")


class SearchWords(Transform[SearchWordsConfig]):
    """Add the keys under which a text's words meet in Bengali, Banglish and English, and the language by the lexicon.

    The lexicon tells Banglish from English better than the lists of the chain before it, which have to be quick.
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._output = load_output(self.config.schema_file)
        lexicon()  # that it is missing shows now

    def apply(self, record: Record) -> Record:
        if record.value is None:
            return record
        text = str(record.value.get(self.config.text_field) or "")
        if text.strip():
            language = guess(text)
            record.value[self.config.language_field] = language
            record.value[self.config.words_field] = " ".join(search_words(text, language))
            record.schema = self._output
        return record

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._output
