"""A second, plain implementation of the model, to compare with: BERT (Devlin et al. 2018) in numpy, text by text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glue.embedding.declared import Normalisation, load_model
from glue.embedding.encoder import Blocks
from glue.embedding.onnx import OnnxEmbedder
from glue.embedding.weights import find_weights

Floats = NDArray[np.float64]


def _erf(x: Floats) -> Floats:
    """The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    result: Floats = np.sign(x) * (1 - series * np.exp(-x * x))
    return result


class NumpyBert:
    """Sentence vectors in float64: no batches, no padding, no fusion, nothing shared with the graph."""

    def __init__(self, name: str) -> None:
        model = load_model(name)
        found, self.prefix = find_weights(model), model.prefix.passage
        self.t = {name: _plain(value) for name, value in found.tensors().items()}
        shape = found.shape()
        self.layers, self.heads, self.epsilon = shape.layers, shape.heads, shape.epsilon
        self.tokenizer = found.tokenizer()[0]
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)

    def _dense(self, x: Floats, name: str) -> Floats:
        return x @ self.t[f"{name}.weight"].T + self.t[f"{name}.bias"]

    def _norm(self, x: Floats, name: str) -> Floats:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + self.epsilon)
        return x * self.t[f"{name}.weight"] + self.t[f"{name}.bias"]

    def __call__(self, text: str) -> Floats:
        ids = self.tokenizer.encode(self.prefix + text).ids
        e = "embeddings."
        x = self.t[f"{e}word_embeddings.weight"][ids] + self.t[f"{e}position_embeddings.weight"][: len(ids)]
        x = self._norm(x + self.t[f"{e}token_type_embeddings.weight"][0], f"{e}LayerNorm")
        for number in range(self.layers):
            p = f"encoder.layer.{number}."
            split = (len(ids), self.heads, -1)
            q, k, v = (
                self._dense(x, f"{p}attention.self.{part}").reshape(split).transpose(1, 0, 2)
                for part in ("query", "key", "value")
            )
            scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            context = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), -1)
            x = self._norm(self._dense(context, f"{p}attention.output.dense") + x, f"{p}attention.output.LayerNorm")
            wide = self._dense(x, f"{p}intermediate.dense")
            wide = wide * 0.5 * (1 + _erf(wide / math.sqrt(2)))
            x = self._norm(self._dense(wide, f"{p}output.dense") + x, f"{p}output.LayerNorm")
        mean: Floats = x.mean(0)
        return mean / np.linalg.norm(mean)


def _plain(value: Any) -> Floats:
    if isinstance(value, Blocks):
        wide = value.codes.reshape(len(value.codes), -1, 32) * value.scales.astype(np.float64)[:, :, None]
        return wide.reshape(len(value.codes), -1)
    plain: Floats = value.astype(np.float64)
    return plain


@pytest.fixture(scope="session", params=["minilm", "e5"])
def name(request: pytest.FixtureRequest) -> str:
    """Of each declared model."""
    return str(request.param)


@pytest.fixture(scope="session")
def bert(name: str) -> NumpyBert:
    return NumpyBert(name)


@pytest.fixture(scope="session")
def embedder(name: str) -> OnnxEmbedder:
    """Without a cache, and of the texts as they are."""
    plain = load_model(name).model_copy(update={"text": Normalisation()})
    return OnnxEmbedder(plain, cache_size=0, threads=2)


@pytest.fixture(scope="session")
def texts() -> Sequence[str]:
    """Posts as people write them, of 1 to more than 256 tokens."""
    return (
        "ok",
        "Winter shoes for men, size 42, cash on delivery in Dhaka.",
        "এই জামাটার দাম কত? ডেলিভারি চার্জ সহ জানাবেন প্লিজ।",
        "vai juta ta koto? inbox koren, ami nibo",
        "🔥🔥 SALE!! 50% OFF — only today!!! [PHONE]",
        "delivery " * 400,
        "x",
        "বরাবরের মতই অসাধারণ। product hate peyechi, quality khub valo, recommended seller 👍",
        "[Products: Cotton Saree, Leather Bag]",
    )


Reference = Callable[[str], Floats]
