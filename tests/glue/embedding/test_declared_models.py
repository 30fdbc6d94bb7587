"""Declared models: what decides a vector, and what is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glue.embedding import open_embedder
from glue.embedding.declared import Model, declared_models, load_model
from glue.embedding.onnx import OnnxEmbedder
from glue.embedding.weights import find_weights
from glue.errors import ConfigError
from tests.small_model import WIDTH, folder


def test_a_folder_of_ones_own_gives_vectors_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    model = folder(tmp_path / "model")
    mean = open_embedder(model, cache_size=0)
    assert isinstance(mean, OnnxEmbedder)
    first, second = mean.embed(["w1 w2 w3", "w7"])
    assert first.shape == (WIDTH,) and np.isclose(np.linalg.norm(first), 1) and float(first @ second) < 0.999
    start = open_embedder(model.model_copy(update={"pooling": "cls"}), cache_size=0)
    assert float(start.embed(["w1 w2 w3"])[0] @ first) < 0.999, "another pooling is another graph"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "xlm-roberta"),
        ("hidden_act", "relu"),
        ("position_embedding_type", "relative_key"),
        ("hidden_size", 64),
        ("max_position_embeddings", 8),
    ],
)
def test_what_the_graph_does_not_build_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: Any
) -> None:
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(ConfigError, match=key):
        open_embedder(folder(tmp_path / "model", **{key: value}))


def test_pooling_and_further_modules_are_read_too(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    (tmp_path / "model" / "1_Pooling").mkdir()
    pooling = tmp_path / "model" / "1_Pooling" / "config.json"
    pooling.write_text('{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}')
    with pytest.raises(ConfigError, match="pooling"):
        find_weights(model).shape()
    pooling.write_text('{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}')
    assert find_weights(model).shape().width == WIDTH
    (tmp_path / "model" / "modules.json").write_text('[{"type": "sentence_transformers.models.Dense"}]')
    with pytest.raises(ConfigError, match="modules is \\['Dense'\\]"):
        find_weights(model).shape()


def test_other_weights_than_the_declared_ones_are_refused(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    other = model.model_copy(update={"source": model.source.model_copy(update={"sha256": "1" * 64})})
    with pytest.raises(ConfigError, match="SHA-256"):
        find_weights(other)


def test_a_package_that_is_not_installed_is_named() -> None:
    model = load_model("minilm")
    away = model.model_copy(update={"source": model.source.model_copy(update={"package": "no_such_weights"})})
    with pytest.raises(ConfigError, match="no_such_weights is not installed"):
        find_weights(away)


def test_identity_changes_with_all_that_decides_a_vector_and_with_nothing_else() -> None:
    model = load_model("e5")
    assert model.identity.startswith("e5@")
    for change in ({"max_tokens": 64}, {"pooling": "cls"}, {"text": {"name": "none"}}, {"prefix": {"passage": "x"}}):
        body = model.model_dump() | change
        assert Model.model_validate(body).identity != model.identity, change
    assert Model.model_validate(model.model_dump() | {"license": "other"}).identity == model.identity


def test_a_text_version_that_this_program_does_not_have_is_refused() -> None:
    model = load_model("e5")
    newer = model.model_copy(update={"text": model.text.model_copy(update={"version": 99})})
    with pytest.raises(ConfigError, match="version 99"):
        open_embedder(newer)


def test_the_declared_models_are_those_of_the_files_and_an_unknown_one_is_named() -> None:
    assert set(declared_models()) == {"e5", "minilm"}
    with pytest.raises(ConfigError, match="declared: e5, minilm"):
        load_model("no")
