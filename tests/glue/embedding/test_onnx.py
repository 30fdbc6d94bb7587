from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glue.embedding import open_embedder
from glue.embedding.cache import VectorCache
from glue.embedding.declared import Model, load_model
from glue.embedding.onnx import OnnxEmbedder
from glue.embedding.weights import find_weights
from glue.errors import ConfigError

SET = Path(__file__).parents[2] / "data" / "search_topics.json"


def test_every_vector_is_that_of_a_plain_bert(
    embedder: OnnxEmbedder, bert: Callable[[str], Any], texts: Sequence[str]
) -> None:
    vectors = embedder.embed(texts)
    for text, vector in zip(texts, vectors, strict=True):
        assert float(bert(text) @ vector) >= 0.999999, text[:40]


def test_shape_type_length_and_order(embedder: OnnxEmbedder, texts: Sequence[str]) -> None:
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    backwards = embedder.embed(texts[::-1])[::-1]
    assert np.allclose(vectors, backwards, atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_a_vector_does_not_depend_on_its_batch(embedder: OnnxEmbedder, texts: Sequence[str]) -> None:
    together = embedder.embed(list(texts) * 2)
    for place, text in enumerate(texts):
        assert float(embedder.embed([text])[0] @ together[place]) >= 0.999999


def test_the_pieces_of_a_text_are_enough_to_split_it_as_all_pieces_do() -> None:
    topics = json.loads(SET.read_text(encoding="utf-8"))["topics"]
    asked = [text for topic in topics for query in topic["query"].values() for text in query]
    asked += [text for topic in topics for kind in ("post", "plain_post") for text in topic[kind].values()]
    asked += ["ﬁx ½ price ①", "a\u200bb", "日本語 テスト", "👍🏽 ok", "  lead  and trail  ", "tab\tnew\nline", "𐎀", ""]
    embedder = OnnxEmbedder(load_model("e5"), threads=1, cache_size=0)
    whole, _ = find_weights(load_model("e5")).tokenizer()
    whole.enable_truncation(256)
    expected = [one.ids for one in whole.encode_batch(asked)]
    assert [one.tolist() for one in embedder.tokens(asked)] == expected, "all at once"
    alone = asked[::5]
    assert [embedder.tokens([text])[0].tolist() for text in alone] == expected[::5]


def test_meaning_is_near_meaning(embedder: OnnxEmbedder) -> None:
    shoes, boots, rice = embedder.embed(["winter shoes", "warm boots for winter", "price of rice"])
    assert float(shoes @ boots) > float(shoes @ rice) + 0.05


def test_texts_are_cut_after_256_tokens(embedder: OnnxEmbedder) -> None:
    long, longer = embedder.embed(["delivery " * 254, "delivery " * 254 + "shoes " * 500])
    assert np.allclose(long, longer, atol=1e-6)
    shorter = embedder.embed(["delivery " * 200 + "shoes " * 40, "delivery " * 200])
    assert float(shorter[0] @ shorter[1]) < 0.9999


class Counting(OnnxEmbedder):
    """Counts the texts that reach the model."""

    computed = 0

    def _embed(self, texts: Sequence[str]) -> Any:
        self.computed += len(texts)
        return super()._embed(texts)


def test_a_text_is_computed_once() -> None:
    embedder = Counting(load_model("minilm"), cache_size=10)
    first = embedder.embed(["a", "b", "a"])
    again = embedder.embed(["b", "a", "c"])
    assert embedder.computed == 3
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(first[1], again[0])
    assert embedder.cache is not None
    assert (embedder.cache.hits, embedder.cache.misses) == (2, 4)


def test_the_cache_is_bounded_and_forgets_the_least_used() -> None:
    cache = VectorCache("n", 2)
    keys = cache.keys(["a", "b", "c"])
    cache.put(keys[:2], np.eye(2, dtype=np.float32))
    cache.get(keys[:1])
    cache.put(keys[2:], np.ones((1, 2), dtype=np.float32))
    assert [vector is not None for vector in cache.get(keys)] == [True, False, True]


def test_other_models_have_other_keys() -> None:
    assert VectorCache("one", 1).keys(["a"]) != VectorCache("two", 1).keys(["a"])


def test_redis_down_is_only_a_miss() -> None:
    cache = VectorCache("n", 2, "redis://127.0.0.1:1/0")
    keys = cache.keys(["a"])
    assert cache.get(keys) == [None]
    cache.put(keys, np.ones((1, 2), dtype=np.float32))
    assert cache.get(keys)[0] is not None


def test_an_unknown_provider_and_missing_weights_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="provider"):
        open_embedder("minilm", provider="NoSuchExecutionProvider")
    with pytest.raises(ConfigError, match=r"model\.safetensors is missing"):
        OnnxEmbedder(_elsewhere(tmp_path))


def test_torch_is_never_imported() -> None:
    code = "import sys; from glue.embedding import open_embedder; open_embedder('e5'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_sentence_transformers_agree_where_installed(name: str, embedder: OnnxEmbedder, texts: Sequence[str]) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the extra torch")
    if name != "minilm":
        pytest.skip("sentence-transformers reads no blocks of 4 bits")
    reference = open_embedder(load_model(name), "torch", cache_size=0).embed(texts)
    assert (np.sum(reference * embedder.embed(texts), axis=1) >= 0.9999).all()


def _elsewhere(folder: Path) -> Model:
    model = load_model("minilm")
    source = model.source.model_copy(update={"package": "", "path": str(folder)})
    return model.model_copy(update={"source": source})
