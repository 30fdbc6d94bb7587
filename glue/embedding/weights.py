"""The pinned weights of a declared model, found in an installed package without importing it or running its code."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.embedding.declared import Model
from glue.embedding.encoder import Blocks, Floats, Shape, Weights
from glue.embedding.q4 import BlockFile
from glue.errors import ConfigError
from glue.language.lexicon import INSTALL

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class _Tokenized(Weights):
    """With a ``tokenizer.json``, which is read once."""

    def tokenizer(self, texts: Sequence[str] | None = None) -> tuple[Tokenizer, Sequence[int] | None]:
        """It lies beside the parameters' file, or in the folder above, as that of one in ``onnx`` does."""
        return self._tokenizer, None

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        for folder in (self.file.parent, self.file.parent.parent):
            if (file := folder / "tokenizer.json").is_file():
                return Tokenizer.from_file(str(file))
        raise self.wrong(f"{self.file} has no tokenizer.json", "put it beside it")


class Folder(_Tokenized):
    """A folder as sentence-transformers writes it, of a BERT."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.folder = folder
        super().__init__(model, folder / "model.safetensors", folder / "tokenizer.json")

    def shape(self) -> Shape:
        """From ``config.json``; the pooling from ``1_Pooling``, where it is there."""
        config = self._json("config.json")
        wanted: dict[str, tuple[Any, Any]] = {
            "model_type": (config.get("model_type"), "bert"),
            "hidden_act": (config.get("hidden_act", "gelu"), "gelu"),
            "position_embedding_type": (config.get("position_embedding_type", "absolute"), "absolute"),
            "hidden_size": (config.get("hidden_size"), self._model.dimensions),
        }
        if (self.folder / "1_Pooling" / "config.json").is_file():
            pooling = self._json("1_Pooling/config.json")
            modes = sorted(name for name, on in pooling.items() if name.startswith("pooling_mode_") and on is True)
            one = "pooling_mode_mean_tokens" if self._model.pooling == "mean" else "pooling_mode_cls_token"
            wanted["pooling"] = (modes, [one])
        if (self.folder / "modules.json").is_file():
            kinds = [str(one.get("type", "")).rpartition(".")[2] for one in self._json("modules.json")]
            strange = sorted(set(kinds) - {"Transformer", "Pooling", "Normalize"})
            wanted["modules"] = (strange, [])
        for name, (have, want) in wanted.items():
            if have != want:
                fix = "declare another model, or use the backend torch"
                raise self.wrong(f"{name} is {have!r}; the graph builds {want!r}", fix)
        if int(config.get("max_position_embeddings", 0)) < self._model.max_tokens:
            why = f"max_position_embeddings is {config.get('max_position_embeddings')}"
            raise self.wrong(why, "declare fewer max_tokens")
        try:
            names = ("num_hidden_layers", "num_attention_heads", "layer_norm_eps", "hidden_size")
            return Shape(*(config[name] for name in names))
        except KeyError as error:
            raise self.wrong(f"config.json has no {error}") from None

    def tensors(self) -> Mapping[str, Floats | Blocks]:
        """From ``model.safetensors``."""
        from safetensors.numpy import load_file

        return {name.removeprefix("bert."): value for name, value in load_file(self.file).items()}

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.wrong(f"{name} is not usable: {error}", "install the weights again") from None


class Exported(_Tokenized):
    """An ONNX file as exporters write it: of any architecture, for the graph is what it holds."""

    def shape(self) -> Shape:
        """Of what is added to it: no layer."""
        return Shape(0, 0, 0.0, self._model.dimensions)

    def tensors(self) -> Mapping[str, Floats | Blocks]:
        """None beside those in it."""
        return {}


def find_weights(model: Model, noted: Path | None = None) -> Weights:
    """The weights that the declaration names, and no others.

    Args:
        noted: as :meth:`Weights.fingerprint` has it.

    Raises:
        ConfigError: the package is not installed, a file is missing, or its SHA-256 is another.
    """
    what, path = f"embedding model {model.name}", Path(model.source.path)
    if package := model.source.package:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(what, f"the package {package} is not installed", INSTALL)
        path = Path(spec.submodule_search_locations[0]) / path
    elif not path.is_absolute():
        raise ConfigError(what, f"source.path {path} is not absolute", "write the whole path, or name a package")
    kinds: dict[str, Callable[[Model, Path], Weights]] = {"q4_0": BlockFile, "onnx": Exported}
    found = kinds.get(model.source.format, Folder)(model, path)
    if (sha256 := found.fingerprint(noted)) != model.source.sha256:
        raise ConfigError(what, f"{found.file.name} has the SHA-256 {sha256}, not the declared one", "install it again")
    return found
