"""What every embedder is, and the part they share: the cache."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glue.embedding.cache import VectorCache
from glue.embedding.weights import DIMENSIONS, MODEL

Matrix = NDArray[np.float32]
MAX_TOKENS = 256


class Embedder(ABC):
    """Texts to vectors. Not thread-safe.

    Attributes:
        model: name of the model, as stored beside a vector.
        variant: runtime and precision, as stored beside a vector.
    """

    model: ClassVar[str] = MODEL
    variant: str

    def __init__(self, namespace: str, cache_size: int, cache_redis: str | None) -> None:
        self.cache = VectorCache(namespace, cache_size, cache_redis) if cache_size else None

    def embed(self, texts: Sequence[str]) -> Matrix:
        """One vector a text: float32 [n, 384], each of length 1. Texts are cut after 256 tokens."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        if self.cache is None:
            return self._embed(texts)
        keys = self.cache.keys(texts)
        known = self.cache.get(keys)
        new = {key: place for place, (key, vector) in enumerate(zip(keys, known, strict=True)) if vector is None}
        if new:  # equal texts are computed once
            made = self._embed([texts[place] for place in new.values()])
            self.cache.put(list(new), made)
            by_key = dict(zip(new, made, strict=True))
            known = [by_key[key] if vector is None else vector for key, vector in zip(keys, known, strict=True)]
        return np.stack(known)  # type: ignore[arg-type]

    @abstractmethod
    def _embed(self, texts: Sequence[str]) -> Matrix:
        """As ``embed``, without the cache."""

    def close(self) -> None:
        """Release what the backend holds."""
        if self.cache is not None:
            self.cache.close()
