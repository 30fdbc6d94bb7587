"""Sentence vectors: all-MiniLM-L6-v2 through onnxruntime, or through sentence-transformers (extra ``torch``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.imports import needs

if TYPE_CHECKING:
    from glue.embedding.contract import Embedder

__all__ = ["open_embedder"]


def open_embedder(
    backend: str = "onnx",
    *,
    threads: int = 0,
    provider: str = "CPUExecutionProvider",
    cache_size: int = 20_000,
    cache_redis: str | None = None,
) -> Embedder:
    """An embedder of that backend (``onnx`` or ``torch``); heavy libraries are imported here and not before.

    Raises:
        ConfigError: the weights, the provider or the extra is not installed.
    """
    with needs(f"embedding by {backend}", "torch" if backend == "torch" else "embedding"):
        if backend == "torch":
            from glue.embedding.torch import TorchEmbedder

            return TorchEmbedder(cache_size=cache_size, cache_redis=cache_redis)
        from glue.embedding.onnx import OnnxEmbedder

    return OnnxEmbedder(threads=threads, provider=provider, cache_size=cache_size, cache_redis=cache_redis)
