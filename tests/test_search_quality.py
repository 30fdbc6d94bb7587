"""Search does not get worse unnoticed: the project's own set of topics, on the real Weaviate, above its floors."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from glue.settings import Settings, project_root
from glue.stores.weaviate.schema import searched
from scripts.eval_search import DECLARED, DIRECTIONS, Hits, evaluate, summary

SET = Path(__file__).parent / "data" / "search_topics.json"
MEAN, MIXED, ENGLISH, EVERY = 0.64, 0.59, 0.77, 0.55  # nDCG@10


@pytest.mark.stack
def test_every_direction_is_above_its_floor(stack: Settings) -> None:
    how = searched(project_root() / "connect-config" / "weaviate", DECLARED)
    rows = {row["way"]: row for row in evaluate([SET], [how.vector])}
    found = rows[f"{how.vector}, {how.share:g} of meaning"]
    assert found["mean"] >= MEAN, found
    assert found["ndcg10"]["mixed"] >= MIXED, found
    assert found["ndcg10"]["en>en"] >= ENGLISH, found
    assert {name: found["ndcg10"][name] for name in DIRECTIONS if found["ndcg10"][name] < EVERY} == {}
    typed = rows["words as they are typed"]
    assert typed["ndcg10"]["en>bn"] < 0.1, "who only compares typed words crosses no script: the set can fail"


def test_the_set_has_every_language_in_every_topic_and_what_is_hard() -> None:
    body = json.loads(SET.read_text(encoding="utf-8"))
    hard: Counter[str] = Counter()
    queries = 0
    for topic in body["topics"]:
        assert len(topic["query"]["en"]) == len(topic["query"]["bn"]) >= 1
        assert len(set(topic["query"]["bl"])) >= 3, topic["topic"]
        for asked in topic["query"].values():
            assert len(asked) == len(set(asked)), topic["topic"]
            queries += len(asked)
        for kind in ("post", "plain_post"):
            assert set(topic[kind]) == {"en", "bn", "bl"} and all(topic[kind].values())
        hard.update(topic.get("has", ()))
        if "long" in topic.get("has", ()):
            assert min(map(len, topic["post"].values())) > 200, topic["topic"]
    assert queries >= 300
    assert hard.keys() == {"emoji", "typo", "mixed", "product", "long"} and min(hard.values()) >= 3, hard


def test_figures_of_a_made_run() -> None:
    names = (*DIRECTIONS, "mixed")
    right = {name: [[True, False, True], [False, True]] for name in names}
    hits = Hits({name: [0, 1] for name in names}, right, {name: [2, 1] for name in names}, [0.001])
    first = (1 + 0.5) / (1 + 0.6309297535714575)
    assert hits.ndcg("en>en") == pytest.approx([first, 0.6309297535714575])
    assert hits.recall("en>en", 1) == 0.5 and hits.recall("en>en", 10) == 1.0
    row = summary("made", hits)
    assert row["mean"] == pytest.approx((first + 0.6309297535714575) / 2, abs=0.001)
    assert row["interval"]["mixed"][0] < row["mean"] < row["interval"]["mixed"][1]
