"""An ONNX file of one's own: it is taken in as it is, pooled and normalised outside, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from tokenizers import Tokenizer, models, pre_tokenizers

from glue.embedding import open_embedder
from glue.embedding.declared import Model
from glue.embedding.weights import Exported
from glue.errors import ConfigError

WIDTH, PIECES = 8, 64
TABLE = np.random.default_rng(3).normal(0, 1, (PIECES, WIDTH)).astype(np.float32)


def exported(
    folder: Path, *, third: str = "", width: int = WIDTH, opset: int = 17, pooled: bool = False, **changed: Any
) -> Model:
    """A model that looks words up in a table, with int64 inputs as exporters write them, and its declaration."""
    names = ["input_ids", "attention_mask", *([third] if third else [])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in names]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    output, axes = "last_hidden_state", ["batch", "sequence", width]
    if pooled:
        output, axes = "sentence_embedding", ["batch", width]
        nodes.append(helper.make_node("ReduceMax", ["last_hidden_state"], [output], axes=[1], keepdims=0))
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, axes)]
    graph = helper.make_graph(nodes, "exported", inputs, outputs, [numpy_helper.from_array(TABLE, "table")])
    (folder / "onnx").mkdir(exist_ok=True)
    file = folder / "onnx" / "model.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9), file)
    words = {"[UNK]": 0} | {f"w{number}": number for number in range(1, PIECES)}
    tokenizer = Tokenizer(models.WordLevel(words, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    body = {
        "name": "mine", "model": "made/mine", "dimensions": WIDTH, "max_tokens": 16, "languages": ["en"],
        "source": {"path": str(file), "format": "onnx", "sha256": "0" * 64}, "license": "MIT",
    }  # fmt: skip
    model = Model.model_validate(body | changed)
    sha256 = Exported(model, file).fingerprint()
    return model.model_copy(update={"source": model.source.model_copy(update={"sha256": sha256})})


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))


def normal(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("third", ["", "token_type_ids"])
def test_its_states_are_pooled_over_the_words_of_each_text(tmp_path: Path, third: str) -> None:
    found = open_embedder(exported(tmp_path, third=third), cache_size=0).embed(["w1 w2 w3", "w7"])
    assert np.allclose(found[0], normal(TABLE[[1, 2, 3]].mean(axis=0)), atol=1e-6)
    assert np.allclose(found[1], normal(TABLE[7]), atol=1e-6), "padding counts for nothing"


def test_by_its_first_word_where_the_declaration_says_so(tmp_path: Path) -> None:
    found = open_embedder(exported(tmp_path, pooling="cls"), cache_size=0).embed(["w4 w2 w3", "w7"])
    assert np.allclose(found, [normal(TABLE[4]), normal(TABLE[7])], atol=1e-6)


def test_what_pools_by_itself_is_only_normalised(tmp_path: Path) -> None:
    found = open_embedder(exported(tmp_path, pooled=True), cache_size=0).embed(["w1 w2 w3"])
    assert np.allclose(found[0], normal(TABLE[[1, 2, 3]].max(axis=0)), atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"third": "position_ids"}, r"inputs is \['position_ids'\]"),
        ({"dimensions": 16}, r"width of last_hidden_state is \[8\]; \[16\] is needed"),
        ({"opset": 11}, "operators of version 11"),
        ({"pooled": True, "dimensions": 16}, "width of sentence_embedding"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        open_embedder(exported(tmp_path, **changed))


def test_other_bytes_than_the_declared_ones_and_a_missing_tokenizer_are_refused(tmp_path: Path) -> None:
    model = exported(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match="no tokenizer"):
        open_embedder(model)
    exported(tmp_path, third="token_type_ids")
    with pytest.raises(ConfigError, match="SHA-256"):
        open_embedder(model)
