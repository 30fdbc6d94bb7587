"""Canaries without a pipeline: their paths follow from what is declared, their records pass, and what became of one is
said rightly."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from glue.canary import metrics
from glue.canary.flight import Flight
from glue.canary.paths import STORE, Stage, choose, paths_of
from glue.canary.run import check
from glue.errors import ServiceError, UsageError
from glue.identity import CANARY, record_key
from glue.settings import Settings
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

    metrics.begin(["tiktok"])
    names = ("sent_total", "arrived_total", "lost_total", "latency_seconds_count")
    before = [value(name) for name in names]
    good, lost = flying("tiktok", 4), flying("tiktok", 2)
    lost.dead = "vectors set it aside in dead-letters-social (no text)"
    for flight in (good, lost):
        metrics.observe(flight)
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [2, 1, 1, 1]
    assert value("last_arrival_timestamp_seconds") > 0
    check([good], timedelta(seconds=60))
    with pytest.raises(ServiceError) as raised:
        check([good, lost], timedelta(seconds=60))
    assert raised.value.what == "canary tiktok: not arrived within 60 s"
    assert raised.value.why.endswith("not in sink topic sink.weaviate.vectors: " + lost.dead)


def test_what_a_program_gets() -> None:
    shown = flying("weather", 2).as_json()
    assert (shown["arrived"], shown["seconds"], shown["seen_last"], shown["problem"]) == (True, 1.0, "store", None)
    assert [stage["seconds"] for stage in shown["stages"]] == [0.5, 1.0]
    assert flying("weather", 1).as_json()["seconds"] is None
    assert flying("weather", 1).as_text().split()[1] == "LOST"
    json.dumps(shown)


def test_a_stage_is_one_however_it_was_made() -> None:
    assert Stage(STORE, "x", "y", Stage("raw", "t", "source")) == Stage(STORE, "x", "y", Stage("raw", "t", "source"))
