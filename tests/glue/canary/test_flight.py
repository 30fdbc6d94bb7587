"""Canaries without a pipeline: their paths are the declared ones, their records pass, and their end is told rightly."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from glue.avro import load_schema
from glue.canary import metrics
from glue.canary.flight import Flight
from glue.canary.paths import PATHS, STORE
from glue.canary.run import check
from glue.errors import ServiceError
from glue.identity import CANARY
from glue.transforms.constraints import Constraints
from glue.transforms.declared import chain_names, load_chain

ROOT = Path(__file__).parents[3]
CONNECTORS = {file.stem: json.loads(file.read_text()) for file in (ROOT / "connect-config/connectors").glob("*.json")}
SUBJECTS = json.loads((ROOT / "connect-config/subjects.json").read_text())["subjects"]


def flying(name: str, stages: int) -> Flight:
    """One that the first ``stages`` places have seen."""
    flight = Flight(PATHS[name])
    for number, stage in enumerate(flight.path.stages[:stages]):
        flight.seen[stage] = 0.5 * (number + 1)
    return flight


@pytest.mark.parametrize("name", PATHS)
def test_a_path_goes_where_chains_and_connectors_go(name: str) -> None:
    stages = PATHS[name].stages
    for before, stage in pairwise(stages):
        source = stages[0] if stage.leg != before.leg else before
        if stage.name == STORE:
            assert source.place in CONNECTORS[stage.by]["config"]["topics"].split(",")
        else:
            chain = load_chain(stage.by).config
            assert source.place in chain["topics"].split(",") and chain["output.topic"] == stage.place


def test_every_chain_and_every_sink_is_on_a_path() -> None:
    on_paths = {stage.by for path in PATHS.values() for stage in path.stages}
    assert set(chain_names()) | set(CONNECTORS) <= on_paths


@pytest.mark.parametrize("name", PATHS)
def test_its_record_is_valid_marked_and_its_own(name: str) -> None:
    first, second = Flight(PATHS[name]), Flight(PATHS[name])
    assert first.key != second.key
    value = first.record.model_dump()
    schema = load_schema(ROOT / "schemas" / SUBJECTS[f"{first.path.topic}-value"]["schema"])
    assert set(value) == {field["name"] for field in schema["fields"]}
    assert not Constraints(schema).broken(value)
    assert CANARY in json.dumps(value, default=str)
    if name == "post":
        assert value["content"] != second.record.model_dump()["content"], "a vector from the cache measures nothing"
        assert not any(character.isdigit() for character in value["content"])


def test_the_first_missing_stage_and_the_last_seen_of_its_leg_are_named() -> None:
    assert flying("post", 0).explain()[0] == "seen nowhere, not in raw source.social.tiktok"
    why, fix = flying("post", 1).explain()
    assert why == "seen last in raw source.social.tiktok, not in glue enriched.weaviate.vectors"
    assert "chain posts" in fix
    why, fix = flying("post", 3).explain()
    assert why == "seen last in sink topic sink.weaviate.vectors, not in store socialpost"
    assert "weaviate-sink" in fix
    prices = flying("order", 3)  # its order is stored, its price is not even made
    assert (
        prices.explain()[0] == "seen last in raw source.market.shopify, not in sink topic sink.snowflake.price_history"
    )
    assert flying("order", 5).explain() == ("", "")


def test_one_that_is_seen_by_both_legs_of_a_topic_is_told_by_key() -> None:
    flight = flying("order", 1)
    _, orders, _, prices, _ = flight.path.stages
    flight.saw(orders.place, "another key")
    flight.saw(prices.place, flight.key)  # the price has a key of its own
    assert flight.wanted() == []
    flight.saw(prices.place, prices.key(flight.key))
    first = flight.seen[prices]
    flight.saw(prices.place, prices.key(flight.key))
    assert flight.seen[prices] == first, "the first sight counts"
    assert [stage.place for stage in flight.wanted()] == ["price_history"]


def test_a_lost_one_raises_and_counts() -> None:
    def value(name: str) -> float:
        return REGISTRY.get_sample_value(f"millionx_canary_{name}", {"path": "post"}) or 0.0

    metrics.begin(["post"])
    names = ("sent_total", "arrived_total", "lost_total", "latency_seconds_count")
    before = [value(name) for name in names]
    good, lost = flying("post", 4), flying("post", 2)
    lost.dead = "vectors set it aside in dead-letters-social (no text)"
    for flight in (good, lost):
        metrics.observe(flight)
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [2, 1, 1, 1]
    assert value("last_arrival_timestamp_seconds") > 0
    check([good], timedelta(seconds=60))
    with pytest.raises(ServiceError) as raised:
        check([good, lost], timedelta(seconds=60))
    assert raised.value.what == "canary post: not arrived within 60 s"
    assert raised.value.why.endswith("not in sink topic sink.weaviate.vectors: " + lost.dead)


def test_what_a_program_gets() -> None:
    shown = flying("weather", 2).as_json()
    assert (shown["arrived"], shown["seconds"], shown["seen_last"], shown["problem"]) == (True, 1.0, "store", None)
    assert [stage["seconds"] for stage in shown["stages"]] == [0.5, 1.0]
    assert flying("weather", 1).as_json()["seconds"] is None
    assert flying("weather", 1).as_text().split()[1] == "LOST"
