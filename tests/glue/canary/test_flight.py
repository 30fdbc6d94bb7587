"""Canaries without a pipeline: their paths follow from what is declared, their records pass, and what became of one is
said rightly."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from glue.canary import metrics, questions
from glue.canary.flight import Flight
from glue.canary.paths import STORE, Stage, choose, paths_of
from glue.canary.run import check
from glue.errors import ConfigError, ServiceError, UsageError
from glue.identity import CANARY, record_key
from glue.language.words import guess
from glue.search.posts import Found
from glue.settings import Settings
from glue.stores.weaviate.schema import Planted
from glue.topology.load import load
from glue.transforms.constraints import Constraints

DECLARED = load(Settings())
PATHS = paths_of(DECLARED)


def flying(name: str, stages: int) -> Flight:
    """One that the first ``stages`` places have seen."""
    flight = Flight(PATHS[name])
    for number, stage in enumerate(flight.path.stages[:stages]):
        flight.seen[stage] = 0.5 * (number + 1)
    return flight


def test_every_source_chain_and_sink_is_on_a_path_and_paths_join() -> None:
    assert set(DECLARED.sources) - set(PATHS) == {"catalogue"}, "what is looked up in Redis reaches no store"
    stages = [stage for path in PATHS.values() for stage in path.stages]
    assert set(DECLARED.chains) | set(DECLARED.connectors) <= {stage.by for stage in stages}
    for stage in stages:
        assert stage.before is None or stage.before in stages
    assert [(stage.name, stage.place) for stage in PATHS["tiktok"].stages] == [
        ("raw", "source.social.tiktok"),
        ("glue", "enriched.weaviate.vectors"),
        ("sink topic", "sink.weaviate.vectors"),
        ("store", "Weaviate SocialPost"),
    ]


def test_a_source_without_a_path_is_refused_with_its_reason() -> None:
    assert [path.source for path in choose(DECLARED, ["weather"])] == ["weather"]
    assert len(choose(DECLARED, [])) == len(PATHS)
    with pytest.raises(UsageError, match="there is no such source"):
        choose(DECLARED, ["nobody"])
    lonely = load(Settings())
    lonely.sources["lonely"] = {"topic": "unread", "class": "x"}
    assert "lonely" not in paths_of(lonely)
    with pytest.raises(UsageError, match="its records reach no store"):
        choose(lonely, ["lonely"])
    lonely.connectors.clear()
    with pytest.raises(UsageError, match="no declared source"):
        choose(lonely, [])


@pytest.mark.parametrize("name", PATHS)
def test_its_record_is_valid_marked_and_its_own(name: str) -> None:
    first, second = Flight(PATHS[name]), Flight(PATHS[name])
    assert first.key != second.key
    value = first.record.model_dump()
    schema = DECLARED.subjects[f"{first.path.topic}-value"].schema
    assert set(value) == {field["name"] for field in schema["fields"]}
    assert not Constraints(schema).broken(value)
    mark = value[first.path.kind.mark]
    assert mark == CANARY or mark == [CANARY]
    if "content" in value:
        assert value["platform"] == name
        assert value["content"] != second.record.model_dump()["content"], "a vector from the cache measures nothing"
        assert not any(character.isdigit() for character in value["content"])
        row = {"platform": value["platform"], "post_id": value["post_id"]}
        assert first.path.kind.stored_key(row) == first.key, "what stayed is found by what is stored of it"


def test_a_new_source_of_a_known_type_takes_a_name_that_the_type_takes() -> None:
    declared = load(Settings())
    declared.sources["bazaar"] = {**declared.sources["daraz"]}
    assert paths_of(declared)["bazaar"].make("1").model_dump()["platform"] in ("shopify", "daraz")


def test_the_first_missing_stage_and_the_last_seen_before_it_are_named() -> None:
    assert flying("tiktok", 0).explain()[0] == "seen nowhere, not in raw source.social.tiktok"
    why, fix = flying("tiktok", 1).explain()
    assert why == "seen last in raw source.social.tiktok, not in glue enriched.weaviate.vectors"
    assert "chain posts" in fix
    why, fix = flying("tiktok", 3).explain()
    assert why == "seen last in sink topic sink.weaviate.vectors, not in store Weaviate SocialPost"
    assert "weaviate-sink" in fix
    prices = flying("shopify", 3)  # its order is stored, its price is not even made
    assert (
        prices.explain()[0] == "seen last in raw source.market.shopify, not in sink topic sink.snowflake.price_history"
    )
    assert flying("shopify", 5).explain() == ("", "")


def test_two_branches_of_a_topic_are_told_apart_by_key() -> None:
    flight = flying("shopify", 1)
    _, orders, _, prices, _ = flight.path.stages
    flight.saw(orders.place, "another key")
    flight.saw(prices.place, flight.key)  # the price has a key of its own
    assert flight.wanted() == []
    assert prices.key(flight.key) == record_key("price", flight.key)
    flight.saw(prices.place, prices.key(flight.key))
    first = flight.seen[prices]
    flight.saw(prices.place, prices.key(flight.key))
    assert flight.seen[prices] == first, "the first sight counts"
    assert [stage.place for stage in flight.wanted()] == ["Snowflake PRICE_HISTORY"]


def test_what_was_seen_before_a_store_that_deletes_is_taken_out_again() -> None:
    assert flying("tiktok", 2).removable() == [], "it has not reached the topic of the sink"
    reached = flying("tiktok", 3)
    assert reached.removable() == [("sink.weaviate.vectors", reached.key)]
    assert flying("shopify", 5).removable() == [], "rows stay, and views leave them out"


def test_a_lost_one_raises_and_counts() -> None:
    def value(name: str) -> float:
        return REGISTRY.get_sample_value(f"millionx_canary_{name}", {"path": "tiktok"}) or 0.0

    metrics.begin([PATHS["tiktok"]])
    names = ("sent_total", "arrived_total", "lost_total", "latency_seconds_count", "unfound_total")
    before = [value(name) for name in names]
    good, lost, unfound = flying("tiktok", 4), flying("tiktok", 2), flying("tiktok", 4)
    lost.dead = "vectors set it aside in dead-letters-social (no text)"
    good.rank, unfound.unfound = 3, "not among the first 10 of 'penguins' by meaning alone"
    for flight in (good, lost, unfound):
        metrics.observe(flight)
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [3, 2, 1, 2, 1]
    assert value("last_arrival_timestamp_seconds") > 0 and value("rank") == 3
    check([good], timedelta(seconds=60))
    with pytest.raises(ServiceError, match="canary tiktok: stored, but not found: tiktok: not among the first 10"):
        check([good, unfound], timedelta(seconds=60))
    assert "found at 3" in good.as_text() and "NOT FOUND" in unfound.as_text()
    with pytest.raises(ServiceError) as raised:
        check([good, lost], timedelta(seconds=60))
    assert raised.value.what == "canary tiktok: not arrived within 60 s"
    assert raised.value.why.endswith("not in sink topic sink.weaviate.vectors: " + lost.dead)


def asked(found: list[Flight], monkeypatch: pytest.MonkeyPatch) -> Flight:
    """A planted post, of which every search finds ``found`` and then itself."""
    flight = flying("tiktok", 4)
    keys = ("platform", "post_id")

    class Search:
        def __init__(self, settings: Settings, place: str) -> None:
            assert place == "SocialPost"

        def load(self) -> None:
            if not found:
                raise ConfigError("embedding model e5", "its weights are away", "install them")

        def ask(self, text: str, hybrid: float | None, limit: int, canaries: bool) -> Found:
            rows = [one.record.model_dump() for one in [*found, flight]]
            assert canaries and text in flight.path.planted.questions
            return Found([{key: row[key] for key in keys} for row in rows][:limit], [], [])

    monkeypatch.setattr(questions, "PostSearch", Search)
    monkeypatch.setattr(questions, "_PATIENCE", 0.0)
    questions.Questions(Settings(), [flight.path]).ask(flight)
    return flight


def test_a_planted_post_says_what_is_declared_and_its_questions_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = PATHS["tiktok"].planted
    assert planted is not None and PATHS["shopify"].planted is None
    assert flying("tiktok", 4).record.model_dump()["content"].startswith(planted.post)
    assert {guess(planted.post), *map(guess, planted.questions)} == {"bn", "en", "bn-Latn"}, "three ways of writing"
    others = [flying("facebook", 4) for _ in range(planted.first)]
    assert (asked(others[:3], monkeypatch).rank, asked(others[:3], monkeypatch).unfound) == (4, "")
    missed = asked(others, monkeypatch)
    assert missed.rank is None and missed.unfound.startswith(f"not among the first {planted.first} of 'penguins")
    away = asked([], monkeypatch)
    assert away.arrived and away.unfound == "its questions cannot be asked: embedding model e5: its weights are away"


@pytest.mark.parametrize("change", [{"post": " "}, {"questions": []}, {"questions": [""]}, {"first": 0}])
def test_what_cannot_be_planted_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"search\.canary"):
        Planted.of({"post": "a penguin", "questions": ["a bird"], "first": 10, **change})


def test_what_a_program_gets() -> None:
    shown = flying("weather", 2).as_json()
    assert (shown["arrived"], shown["seconds"], shown["seen_last"], shown["problem"]) == (True, 1.0, "store", None)
    assert [stage["seconds"] for stage in shown["stages"]] == [0.5, 1.0]
    assert flying("weather", 1).as_json()["seconds"] is None
    assert flying("weather", 1).as_text().split()[1] == "LOST"
    json.dumps(shown)


def test_a_stage_is_one_however_it_was_made() -> None:
    assert Stage(STORE, "x", "y", Stage("raw", "t", "source")) == Stage(STORE, "x", "y", Stage("raw", "t", "source"))
