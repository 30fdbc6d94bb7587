"""A query's vector without what every short question has in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from glue.embedding import centre, open_embedder
from glue.embedding.centre import Matrix, centres, questions, without
from glue.embedding.declared import load_model
from glue.language.words import Language, guess
from glue.settings import project_root

pytestmark = pytest.mark.unit
SET = project_root() / "tests" / "data" / "search_topics.json"


def test_questions_are_in_three_languages_and_none_is_of_the_evaluation_set() -> None:
    asked = questions()
    assert {language: len(set(texts)) for language, texts in asked.items()} == dict.fromkeys(asked, 32)
    assert all(guess(text) == "bn" for text in asked["bn"])
    topics = json.loads(SET.read_text(encoding="utf-8"))["topics"]
    evaluated = {text.lower() for topic in topics for texts in topic["query"].values() for text in texts}
    assert {text.lower() for texts in asked.values() for text in texts} & evaluated == set()


def test_what_is_left_of_a_vector_has_length_one_and_nothing_of_the_centre() -> None:
    common = np.array([0.8, 0.0, 0.0], dtype=np.float32)
    made = without(np.array([[0.8, 0.6, 0.0], [0.8, 0.0, -0.6], [0.8, 0.0, 0.0]], dtype=np.float32), common)
    assert made.tolist() == [[0, 1, 0], [0, 0, -1], [0, 0, 0]]


def test_centres_are_kept_and_made_again_where_the_file_is_damaged_or_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Language] = []

    def embed(texts: Sequence[str], language: Language) -> Matrix:
        calls.append(language)
        return np.full((len(texts), 2), len(calls), dtype=np.float32)

    (tmp_path / "file").touch()
    monkeypatch.setattr(centre, "cache_dir", lambda: tmp_path / "file")
    first = centres("model", embed)  # no folder can be there: computed, not kept
    assert calls == ["en", "bn", "bn-Latn"] and first["bn"].tolist() == [2, 2]
    monkeypatch.setattr(centre, "cache_dir", lambda: tmp_path)
    folder = tmp_path / "embedding"
    centres("model", embed)
    kept = centres("model", embed)
    assert len(calls) == 6 and kept["bn-Latn"].tolist() == [6, 6]
    centres("another", embed)
    assert len(calls) == 9
    for file in folder.iterdir():
        file.write_bytes(b"\x93NUMPY")
    centres("model", embed)
    assert len(calls) == 12


def test_a_querys_vector_is_freed_of_it_and_a_posts_is_not() -> None:
    plain = load_model("e5").model_copy(update={"centre": "none"})
    with_it, without_it = open_embedder("e5", cache_size=0), open_embedder(plain, cache_size=0)
    try:
        texts = ["winter shoes", "শীতের জুতা", "shiter juta"]
        assert np.array_equal(with_it.embed(texts), without_it.embed(texts))
        after = with_it.embed(texts, "query")
        assert with_it.declared.identity == plain.identity, "stored vectors stay comparable"
        posts = with_it.embed(["Winter shoes for men, warm and dry", "শীতের জুতা, গরম ও শুকনো", "Rice cooker, 1.8 litres"])
        near = after @ posts.T
        assert (near[:, :2] > near[:, 2:]).all()
        assert np.allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
        unlike = ["refund of my money", "rain all day"]
        first, last = (one.embed(unlike, "query") for one in (without_it, with_it))
        assert last[0] @ last[1] < first[0] @ first[1]
    finally:
        with_it.close()
        without_it.close()
