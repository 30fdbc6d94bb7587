"""Sentence vectors by declared models: through onnxruntime, or through sentence-transformers (extra ``torch``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.embedding.declared import Model, load_model
from glue.imports import needs

if TYPE_CHECKING:
    from glue.embedding.contract import Embedder

__all__ = ["open_embedder"]


def open_embedder(
    model: str | Model,
    backend: str = "onnx",
    *,
    threads: int = 0,
    provider: str = "CPUExecutionProvider",
    cache_size: int = 20_000,
    cache_redis: str | None = None,
) -> Embedder:
    """An embedder of a declared model by a backend (``onnx`` or ``torch``); heavy libraries are imported here.

    Raises:
        ConfigError: the model is not declared, or its weights, the provider or the extra is not installed.
    """
    declared = load_model(model) if isinstance(model, str) else model
    with needs(f"embedding by {backend}", "torch" if backend == "torch" else "embedding"):
        if backend == "torch":
            from glue.embedding.torch import TorchEmbedder

            return TorchEmbedder(declared, cache_size=cache_size, cache_redis=cache_redis)
        from glue.embedding.onnx import OnnxEmbedder

    return OnnxEmbedder(declared, threads=threads, provider=provider, cache_size=cache_size, cache_redis=cache_redis)
