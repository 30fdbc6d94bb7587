"""Embedding by onnxruntime: fp32, fused, in length-sorted micro-batches side by side, without torch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from glue.embedding.contract import Embedder, Matrix
from glue.embedding.declared import Model
from glue.embedding.encoder import Weights
from glue.embedding.weights import find_weights
from glue.errors import ConfigError
from glue.settings import cache_dir

REVISION = 3  # raise it when the graph changes, so that cached files of an older one are not used
_MICRO_BATCH = 8


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OnnxEmbedder(Embedder):
    """A declared model by onnxruntime.

    Args:
        threads: micro-batches that are computed at once, each by one thread; 0 takes one a core. Threads within an
            operator wait for one another at each of them, which costs a tenth of their time.
        provider: execution provider (``CUDAExecutionProvider``, ``OpenVINOExecutionProvider`` … where installed).
        micro_batch: texts a run of the graph; sorted by length, small batches waste the least padding on a CPU.
    """

    def __init__(
        self,
        declared: Model,
        *,
        threads: int = 0,
        provider: str = "CPUExecutionProvider",
        cache_size: int = 20_000,
        cache_redis: str | None = None,
        micro_batch: int = _MICRO_BATCH,
    ) -> None:
        if provider not in onnxruntime.get_available_providers():
            why = f"this onnxruntime has {onnxruntime.get_available_providers()}"
            raise ConfigError(f"execution provider {provider}", why, "install the onnxruntime build that has it")
        path, self._weights = cached_model(declared)
        self._weights.tokenizer(())  # what is missing shows now
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._threads = threads or _cores()
        self._pool = ThreadPoolExecutor(self._threads, "embedding")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        self._micro_batch = micro_batch
        self.variant = f"onnxruntime-{declared.precision}-{provider.removesuffix('ExecutionProvider').lower()}"
        super().__init__(declared, f"r{REVISION}:{self.variant}:{declared.identity}", cache_size, cache_redis)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        tokens = self.tokens(texts)
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        vectors = np.empty((len(tokens), self.declared.dimensions), dtype=np.float32)
        size = min(self._micro_batch, -(-len(order) // self._threads))  # each thread has something to do

        def run(first: int) -> None:
            places = order[first : first + size]
            ids = np.zeros((len(places), len(tokens[places[-1]])), dtype=np.int32)
            mask = np.zeros_like(ids)
            for row, place in enumerate(places):
                ids[row, : len(tokens[place])] = tokens[place]
                mask[row, : len(tokens[place])] = 1
            inputs = {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": mask}
            vectors[places] = self._session.run(None, inputs)[0]

        # the longest first, so that none is left alone at the end
        list(self._pool.map(run, reversed(range(0, len(order), size))))
        return vectors

    def close(self) -> None:
        super().close()
        self._pool.shutdown()

    def tokens(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """The model's numbers of each text's pieces, with those of beginning and end."""
        tokenizer, numbers = self._weights.tokenizer(texts)
        tokenizer.enable_truncation(self.declared.max_tokens)
        tokenizer.no_padding()  # padded here, a micro-batch at a time
        made = [np.asarray(one.ids, dtype=np.int32) for one in tokenizer.encode_batch_fast(list(texts))]
        return made if numbers is None else [np.asarray(numbers, dtype=np.int32)[one] for one in made]


def cached_model(declared: Model) -> tuple[Path, Weights]:
    """The graph's file under the cache folder, built when it is not there, and the weights that it was made of.

    Its name holds their hash. The parameters lie in a file beside it, which onnxruntime maps into memory: a session is
    there in a tenth of the time that reading and copying them takes.

    Raises:
        ConfigError: the weights are not there, are others than declared, or of an encoder that is not built here.
    """
    folder = cache_dir() / "embedding"
    weights = find_weights(declared, folder)
    path = folder / f"{declared.name}-{declared.pooling}-r{REVISION}-{declared.source.sha256[:16]}.onnx"
    weights.shape()  # refuses what the cached graph may have been built for under another declaration
    if not path.is_file():
        from glue.embedding.graph import save_model  # with libraries that who finds the file does not need

        with tempfile.TemporaryDirectory(dir=folder) as part:  # several processes may build at once: all are the same
            for file in save_model(declared, weights, Path(part) / path.name):
                file.replace(folder / file.name)
    return path, weights
