"""Embed: a text gets its vector."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
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
    vector_field: str = Field("vector", description="Field that gets the vector, a list of floats.")
    threads: int = Field(0, ge=0, description="Threads of the runtime; 0 lets it choose.")
    provider: str = Field("CPUExecutionProvider", description="Execution provider of onnxruntime.")
    cache_size: int = Field(20_000, ge=0, description="Vectors kept in memory.")
    cache_redis: str = Field("", description="Redis that shares vectors between processes; empty for none.")
    schema_file: str = Field("vector_post.avsc", description="Schema of the output.")


class Embed(Transform[EmbedConfig]):
    """Add the normalised sentence vector of a text, with the names of the model and of the runtime that made it.

    Attributes:
        on_embedded: called after each call of the runtime with its name, the number of texts and the seconds.
    """

    on_embedded: Callable[[str, int, float], None] = staticmethod(lambda variant, posts, seconds: None)

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._output = load_output(self.config.schema_file)
        self._embedder: Embedder = open_embedder(
            self.config.backend,
            threads=self.config.threads,
            provider=self.config.provider,
            cache_size=self.config.cache_size,
            cache_redis=self.config.cache_redis or None,
        )

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
        vectors = self._embedder.embed(texts)
        self.on_embedded(self._embedder.variant, len(texts), time.perf_counter() - started)
        for place, vector in zip(places, vectors, strict=True):
            record = records[place]
            assert record.value is not None  # noqa: S101
            record.value[self.config.vector_field] = vector.tolist()
            record.value["embedding_model"] = self._embedder.model
            record.value["embedding_variant"] = self._embedder.variant
            record.schema = self._output
        return results

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._output

    def close(self) -> None:
        if hasattr(self, "_embedder"):
            self._embedder.close()
