"""Vectors of texts seen before: in memory, and in Redis where processes share them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from glue.redis_client import open_redis
from glue.settings import get_settings

if TYPE_CHECKING:
    import redis

log = logging.getLogger(__name__)
Vector = NDArray[np.float32]
_WEEK = 7 * 24 * 3600


class VectorCache:
    """Least-recently-used vectors by hash of model, variant and text. Redis is optional: its errors count as misses.

    Args:
        namespace: what else decides the vector: model, variant, fingerprint of the weights.
        size: vectors in memory (1.5 kB each at 384 dimensions).
        url: Redis that is shared, or None.
    """

    def __init__(self, namespace: str, size: int, url: str | None = None) -> None:
        self._seed = hashlib.blake2b(namespace.encode(), digest_size=16).digest()
        self._known: LRUCache[bytes, Vector] | None = LRUCache(size) if size else None
        self._redis: redis.Redis | None = None
        if url:
            self._redis = open_redis(get_settings(), 0.5, url)
        self.hits = self.misses = 0

    def keys(self, texts: Sequence[str]) -> list[bytes]:
        """The cache key of each text."""
        return [hashlib.blake2b(text.encode(), key=self._seed, digest_size=16).digest() for text in texts]

    def get(self, keys: Sequence[bytes]) -> list[Vector | None]:
        """The vector of each key, None where it is not known."""
        found = [None if self._known is None else self._known.get(key) for key in keys]
        missing = [place for place, vector in enumerate(found) if vector is None]
        if missing and self._redis is not None:
            for place, data in zip(missing, self._fetch([keys[i] for i in missing]), strict=True):
                if data:
                    found[place] = self._keep(keys[place], np.frombuffer(data, dtype="<f4"))
        self.misses += (absent := sum(vector is None for vector in found))
        self.hits += len(found) - absent
        return found

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Remember the vectors of ``keys``."""
        for key, vector in zip(keys, vectors, strict=True):
            self._keep(key, vector)
        if self._redis is not None:
            import redis

            try:
                with self._redis.pipeline(transaction=False) as pipe:
                    for key, vector in zip(keys, vectors, strict=True):
                        pipe.set(b"vector:" + key, vector.astype("<f4").tobytes(), ex=_WEEK)
                    pipe.execute()
            except redis.RedisError as error:
                log.debug("vector cache: Redis did not take vectors (%s)", type(error).__name__)

    def _fetch(self, keys: list[bytes]) -> list[bytes | None]:
        assert self._redis is not None  # noqa: S101
        import redis

        try:
            found: list[bytes | None] = self._redis.mget([b"vector:" + key for key in keys])  # type: ignore[assignment]
            return found
        except redis.RedisError as error:
            log.debug("vector cache: Redis does not answer (%s)", type(error).__name__)
            return [None] * len(keys)

    def _keep(self, key: bytes, vector: Vector) -> Vector:
        if self._known is not None:
            self._known[key] = vector
        return vector

    def close(self) -> None:
        """Let Redis go."""
        if self._redis is not None:
            self._redis.close()
