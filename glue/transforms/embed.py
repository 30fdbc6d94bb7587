"""Embed: a text gets a vector of each declared model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from glue.embedding import open_embedder
from glue.errors import DataError
from glue.privacy.mentions import without_pseudonyms
from glue.transforms.contract import Record, Transform, TransformConfig
from glue.transforms.shape import load_output

if TYPE_CHECKING:
    from glue.embedding.contract import Embedder


class EmbedConfig(TransformConfig):
    backend: Literal["onnx", "torch"] = Field("onnx", description="onnxruntime (default) or sentence-transformers.")
    text_field: str = Field("content", description="Field to embed.")
    models: list[str] = Field(min_length=1, description="Declared models, by the names of their files.")
    vectors_field: str = Field("vectors", description="Field that gets the vectors, by the names of the models.")
    threads: int = Field(0, ge=0, description="Micro-batches computed at once, a thread each; 0 takes one a core.")
    provider: str = Field("CPUExecutionProvider", description="Execution provider of onnxruntime.")
    cache_size: int = Field(20_000, ge=0, description="Vectors kept in memory.")
    cache_redis: str = Field("", description="Redis that shares vectors between processes; empty for none.")
    schema_file: str = Field("vector_post.avsc", description="Schema of the output.")


class Embed(Transform[EmbedConfig]):
    """Add the normalised sentence vectors of a text, with the identities of the models and the runtime's name.

    Attributes:
        on_embedded: called after each batch with the runtime's name, the number of texts and the seconds of all models.
    """

    on_embedded: Callable[[str, int, float], None] = staticmethod(lambda variant, posts, seconds: None)

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._output = load_output(self.config.schema_file)
        self._embedders: list[Embedder] = []
        for model in dict.fromkeys(self.config.models):
            self._embedders.append(
                open_embedder(
                    model,
                    self.config.backend,
                    threads=self.config.threads,
                    provider=self.config.provider,
                    cache_size=self.config.cache_size,
                    cache_redis=self.config.cache_redis or None,
                )
            )
        self._pool = ThreadPoolExecutor(len(self._embedders), "model")  # a lone post keeps a core busy a model
        self._variant = "+".join(dict.fromkeys(one.variant for one in self._embedders))
        self._identities = [one.declared.identity for one in self._embedders]

    def apply(self, record: Record) -> Record:
        (result,) = self.apply_batch([record])
        if isinstance(result, Exception):
            raise result
        assert result is not None  # noqa: S101
        return result

    def apply_batch(self, records: Sequence[Record]) -> list[Record | Exception | None]:
        texts, places = [], []
        results: list[Record | Exception | None] = list(records)
        for place, record in enumerate(records):
            if record.value is None:
                continue
            text = record.value.get(self.config.text_field)
            if not isinstance(text, str) or not text.strip():
                results[place] = DataError("Embed", f"the field {self.config.text_field} holds no text")
                continue
            texts.append(without_pseudonyms(text))
            places.append(place)
        if not texts:
            return results
        started = time.perf_counter()
        vectors = self._pool.map(lambda one: one.embed(texts).tolist(), self._embedders)
        made = {one.declared.name: found for one, found in zip(self._embedders, vectors, strict=True)}
        self.on_embedded(self._variant, len(texts), time.perf_counter() - started)
        for number, place in enumerate(places):
            record = records[place]
            assert record.value is not None  # noqa: S101
            record.value[self.config.vectors_field] = {name: found[number] for name, found in made.items()}
            record.value["embedding_models"] = list(self._identities)
            record.value["embedding_variant"] = self._variant
            record.schema = self._output
        return results

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._output

    def close(self) -> None:
        for embedder in getattr(self, "_embedders", ()):
            embedder.close()
        if hasattr(self, "_pool"):
            self._pool.shutdown()
