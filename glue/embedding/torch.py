"""Embedding by sentence-transformers (extra ``torch``): the reference, and an alternative for those who prefer it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glue.embedding.contract import MAX_TOKENS, Embedder, Matrix
from glue.embedding.weights import find_weights


class TorchEmbedder(Embedder):
    """all-MiniLM-L6-v2 by sentence-transformers, from the same pinned weights."""

    variant = "sentence-transformers-fp32"

    def __init__(self, *, cache_size: int = 20_000, cache_redis: str | None = None) -> None:
        from sentence_transformers import SentenceTransformer

        found = find_weights()
        self._model = SentenceTransformer(str(found.tensors.parent))
        self._model.max_seq_length = MAX_TOKENS
        super().__init__(f"{found.fingerprint()}:{self.variant}", cache_size, cache_redis)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)
