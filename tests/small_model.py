"""A small model of random weights: it knows nothing, and computes as a large one does, a thousand times as fast."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from glue.embedding.declared import Model
from glue.embedding.weights import Folder

WIDTH, INNER, PIECES = 32, 64, 200
CONFIG: dict[str, Any] = {
    "model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "num_hidden_layers": 2,
    "num_attention_heads": 4, "layer_norm_eps": 1e-12, "max_position_embeddings": 64,
}  # fmt: skip


def folder(path: Path, name: str = "small", seed: int = 1, **changed: Any) -> Model:
    """A small model of random weights in sentence-transformers' form, and its declaration."""
    rng = np.random.default_rng(seed)

    def made(*shape: int) -> Any:
        return rng.normal(0, 0.2, shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": made(PIECES, WIDTH),
        "embeddings.position_embeddings.weight": made(64, WIDTH),
        "embeddings.token_type_embeddings.weight": made(2, WIDTH),
    }
    sizes = {"attention.self.query": (WIDTH, WIDTH), "attention.self.key": (WIDTH, WIDTH)}
    sizes |= {"attention.self.value": (WIDTH, WIDTH), "attention.output.dense": (WIDTH, WIDTH)}
    sizes |= {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
    norms = ["embeddings."]
    for number in range(2):
        layer = f"encoder.layer.{number}."
        norms += [f"{layer}attention.output.", f"{layer}output."]
        for part, shape in sizes.items():
            tensors |= {f"{layer}{part}.weight": made(*shape), f"{layer}{part}.bias": made(shape[0])}
    for norm in norms:
        tensors |= {f"{norm}LayerNorm.weight": made(WIDTH) + 1, f"{norm}LayerNorm.bias": made(WIDTH)}
    path.mkdir(exist_ok=True)
    save_file(tensors, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(CONFIG | changed))
    vocabulary = {"[UNK]": 0} | {f"w{number}": number for number in range(1, PIECES)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path / "tokenizer.json"))
    body = {
        "name": name, "model": f"made/{name}", "dimensions": WIDTH, "max_tokens": 16, "languages": ["en"],
        "source": {"path": str(path), "format": "sentence-transformers", "sha256": "0" * 64}, "license": "MIT",
    }  # fmt: skip
    model = Model.model_validate(body)
    sha256 = Folder(model, path).fingerprint()
    return model.model_copy(update={"source": model.source.model_copy(update={"sha256": sha256})})
