"""What every embedder is, and the part they share: what a text becomes before the model sees it, and the cache."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glue.embedding.cache import VectorCache
from glue.embedding.centre import centres, without
from glue.embedding.declared import Model, Role
from glue.errors import ConfigError
from glue.language.lexicon import REVISION, lexicon
from glue.language.words import Language, guess, to_bengali

Matrix = NDArray[np.float32]


class Embedder(ABC):
    """Texts to vectors, by one declared model. Not thread-safe.

    Attributes:
        declared: the model.
        variant: runtime and precision.
    """

    variant: str

    def __init__(self, declared: Model, namespace: str, cache_size: int, cache_redis: str | None) -> None:
        self.declared = declared
        if declared.text.name == "bangla":
            if declared.text.version != REVISION:
                theirs = declared.text.version
                why = f"its text is normalised by version {theirs} of bangla, this program has {REVISION}"
                raise ConfigError(f"embedding model {declared.name}", why, "declare that version, and embed anew")
            lexicon()  # that it is missing shows now
        self._namespace = namespace
        self.cache = VectorCache(namespace, cache_size, cache_redis) if cache_size else None

    def embed(self, texts: Sequence[str], role: Role = "passage", language: Language | None = None) -> Matrix:
        """One vector a text: float32 [n, dimensions], each of length 1. Texts are cut after ``max_tokens``.

        Args:
            language: of the texts, where it is known; None guesses the language of each.
        """
        if not texts:
            return np.empty((0, self.declared.dimensions), dtype=np.float32)
        vectors = self._vectors(texts, role, language)
        if role == "passage" or self.declared.centre == "none":
            return vectors
        spoken = [language or guess(text) for text in texts]
        return without(vectors, np.stack([self._centres[one] for one in spoken]))

    @cached_property
    def _centres(self) -> dict[Language, NDArray[np.float32]]:
        def embed(texts: Sequence[str], language: Language) -> Matrix:
            return self._vectors(texts, "query", language)

        return centres(self._namespace, embed)

    def _vectors(self, texts: Sequence[str], role: Role, language: Language | None) -> Matrix:
        """As the model gives them."""
        prefix = getattr(self.declared.prefix, role)
        if self.declared.text.name == "bangla":
            texts = [to_bengali(text, language) for text in texts]
        texts = [prefix + text for text in texts]
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
        """As ``embed``, of texts as the model shall see them, without the cache."""

    def close(self) -> None:
        """Release what the backend holds."""
        if self.cache is not None:
            self.cache.close()
