"""Embedding by sentence-transformers (extra ``torch``): the reference, and an alternative for those who prefer it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glue.embedding.contract import Embedder, Matrix
from glue.embedding.declared import Model
from glue.embedding.weights import find_weights
from glue.errors import ConfigError
from glue.settings import cache_dir


class TorchEmbedder(Embedder):
    """A declared model by sentence-transformers, from the same pinned weights; it takes any architecture."""

    variant = "sentence-transformers-fp32"

    def __init__(self, declared: Model, *, cache_size: int = 20_000, cache_redis: str | None = None) -> None:
        from sentence_transformers import SentenceTransformer

        found = find_weights(declared, cache_dir() / "embedding")
        if declared.source.format != "sentence-transformers":
            why = f"sentence-transformers does not read {declared.source.format}"
            raise ConfigError(f"embedding model {declared.name}", why, "use the backend onnx")
        self._model = SentenceTransformer(str(found.file.parent))
        self._model.max_seq_length = declared.max_tokens
        super().__init__(declared, f"{self.variant}:{declared.identity}", cache_size, cache_redis)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)
