"""From what the services tell to what the page says, without any service."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from glue.deadletters.headers import PREFIX
from glue.deadletters.read import Letter
from glue.pipeline.routes import Pipeline
from glue.rights.requests import DAY_MS, Request
from glue.settings import Settings
from glue.topology.graph.traffic import Member, Traffic
from glue.topology.kinds.connector import LiveConnector
from glue.topology.load import load
from glue.ui.collector import CONNECT, KAFKA, REGISTRY, Snapshot
from glue.ui.detail import _config, _passwords
from glue.ui.rates import Rates
from glue.ui.view import graph_view

DECLARED = load(Settings())
TRACE = "org.X: outer\n\tat a.b\nCaused by: java.net.ConnectException: refused for karim@example.com password=hunter2\n"


def traffic(moved: int = 0) -> Traffic:
    """Every topic there with one partition of ``moved`` records, everybody reading and done."""
    ends = {(name, 0): (0, moved) for name in DECLARED.topics}
    groups = [part.group for part in Pipeline.of(DECLARED).moving if part.group]
    return Traffic(
        ends=ends,
        newest=dict.fromkeys(DECLARED.topics, int(time.time() * 1000)),
        positions={group: {place: high for place, (_, high) in ends.items()} for group in groups},
        members={group: (Member("one", ()),) for group in groups},
    )


def connector(*tasks: str) -> LiveConnector:
    states = [{"id": number, "state": state, "trace": TRACE} for number, state in enumerate(tasks)]
    return LiveConnector({}, {"connector": {"state": "RUNNING"}, "tasks": states})


def well() -> Snapshot:
    return Snapshot(
        declared=DECLARED,
        rates=Rates(),
        traffic=traffic(),
        connectors={name: connector("RUNNING", "RUNNING") for name in DECLARED.connectors},
        subjects=set(DECLARED.subjects),
    )


def node(view: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in view["nodes"] if one["id"] == name)


def test_all_well() -> None:
    view = graph_view(well())
    assert view["summary"]["text"] == f"All {len(view['nodes'])} parts healthy"
    assert {one["state"] for one in view["nodes"]} == {"ok"}
    drawn = [one for column in view["columns"] for one in column if not one.startswith("~")]
    drawn += [one["id"] for one in view["beneath"]]
    assert sorted(drawn) == sorted(one["id"] for one in view["nodes"])
    assert len({(one["row"], one["column"]) for one in view["beneath"]}) == len(view["beneath"])


def test_a_failed_task_is_told_by_its_root_cause_without_secrets() -> None:
    snapshot = well()
    view = graph_view(
        replace(snapshot, connectors={**(snapshot.connectors or {}), "weaviate-sink": connector("FAILED")})
    )
    sink = node(view, "connector/weaviate-sink")
    assert sink["state"] == "fail" and sink["why"].startswith("task 0 failed: java.net.ConnectException: refused")
    assert "karim" not in str(view) and "hunter2" not in str(view)
    assert view["summary"]["state"] == "fail" and view["summary"]["text"].startswith("weaviate-sink: task 0 failed")
    assert node(view, "store/Weaviate SocialPost")["state"] == "fail"
    assert node(view, "connector/snowflake-sink")["state"] == "ok"


def test_a_service_that_is_away_makes_only_its_own_parts_unknown() -> None:
    view = graph_view(replace(well(), traffic=None, errors={KAFKA: "no route"}))
    assert node(view, "topic/context.weather")["why"] == "Kafka does not answer"
    assert node(view, "connector/weaviate-sink")["state"] == "ok"
    assert view["summary"]["text"].startswith("Kafka does not answer.")
    view = graph_view(replace(well(), connectors=None, errors={CONNECT: "no route"}))
    assert node(view, "connector/weaviate-sink")["state"] == "unknown"
    assert node(view, "chain/posts")["state"] == "ok"
    view = graph_view(replace(well(), subjects=None, errors={REGISTRY: "no route"}))
    assert node(view, "topic/context.weather")["why"] == "Schema Registry does not answer"
    assert node(view, "topic/connectors.checkpoints")["state"] == "ok", "it has no subject"


def test_open_requests_of_persons_are_told_and_warn_before_they_are_due() -> None:
    now = int(time.time() * 1000)
    far, near = (Request(str(days), "forget", "mxctl", now, now + days * DAY_MS + 1000) for days in (20, 3))
    view = node(graph_view(replace(well(), requests=(far,))), "topic/millionx.requests")
    assert (view["state"], view["why"].partition(":")[0]) == ("ok", "1 request open, the first is due in 20 days")
    view = node(graph_view(replace(well(), requests=(far, near))), "topic/millionx.requests")
    assert view["state"] == "warn" and "first is due in 3 days" in view["why"]
    done = Request("r", "forget", "shop/redact", now, now, {"done": now, "by_hand": "NOT destroyed"})
    view = node(graph_view(replace(well(), requests=(done,))), "topic/millionx.requests")
    assert (view["state"], view["why"]) == (
        "warn",
        "1 done but for a shop's key, to be removed by hand: mxctl person requests",
    )


def test_missing_topic_missing_schema_and_a_chain_that_nobody_runs() -> None:
    snapshot = well()
    assert snapshot.traffic is not None
    ends = {place: end for place, end in snapshot.traffic.ends.items() if place[0] != "context.weather"}
    members = {**snapshot.traffic.members, "millionx-posts": ()}
    subjects = set(DECLARED.subjects) - {"sink.snowflake.orders-value"}
    seen = replace(snapshot.traffic, ends=ends, members=members)
    view = graph_view(replace(snapshot, traffic=seen, subjects=subjects))
    assert node(view, "topic/context.weather")["why"] == "the topic is missing"
    assert node(view, "topic/sink.snowflake.orders")["why"] == "its schema is not registered"
    assert node(view, "chain/posts")["why"].startswith("not running")


def test_open_letters_count_and_name_the_last_error_and_news_is_no_count() -> None:
    def letter(number: int, done: str = "") -> Letter:
        headers = [
            (PREFIX + "connector.name", b"posts"),
            (PREFIX + "exception.class.name", b"glue.errors.DataError"),
            (PREFIX + "exception.message", f"content: minLength {number}".encode()),
        ]
        return Letter(f"dead-letters-social/0/{number}", None, None, headers, number, done)  # type: ignore[arg-type]

    view = graph_view(replace(well(), letters={"dead-letters-social": [letter(2, "replayed"), letter(1)]}))
    assert node(view, "dead letters/dead-letters-social")["open"] == node(view, "chain/posts")["open"] == 1
    assert node(view, "chain/posts")["last_error"]["text"] == "content: minLength 1"
    assert [one["from"] for one in view["edges"] if one["open"]] == ["chain/posts"]
    more = graph_view(replace(well(), letters={"dead-letters-social": [letter(2), letter(1)]}))
    assert more["summary"]["text"] != view["summary"]["text"] and more["summary"]["key"] == view["summary"]["key"]


def test_rates_come_from_how_far_offsets_moved_and_an_old_look_tells_nothing() -> None:
    rates = Rates()
    rates.add(100.0, traffic(0))
    assert rates.written("context.weather") is None
    rates.add(104.0, traffic(40))
    assert rates.written("context.weather") == pytest.approx(10)
    assert rates.read("connect-snowflake-sink", "context.weather") == pytest.approx(10)
    view = graph_view(replace(well(), rates=rates))
    store = next(one for one in view["edges"] if one["to"] == "store/Snowflake WEATHER_LOGS")
    assert store["rate"] == pytest.approx(10)
    rates.add(200.0, traffic(90))
    assert rates.written("context.weather") is None


def test_only_markers_left_is_no_lag() -> None:
    place = ("context.weather", 0)
    seen = Traffic(ends={place: (0, 5)}, positions={"g": {place: 4}})
    assert seen.almost_done() == {(place, 4)}
    assert seen.lag("g", ["context.weather"]) == 1
    assert replace(seen, done=frozenset({(place, 4)})).lag("g", ["context.weather"]) == 0
    assert replace(seen, done=frozenset({(place, 3)})).lag("g", ["context.weather"]) == 1


def test_what_a_plugin_declares_as_a_password_is_hidden_whatever_its_name() -> None:
    config = {"harmless.name": "hunter2", "topics": "t"}
    definitions = SimpleNamespace(
        of=lambda _config: {"harmless.name": SimpleNamespace(type="PASSWORD"), "topics": SimpleNamespace(type="LIST")}
    )
    collector: Any = SimpleNamespace(services=SimpleNamespace(definitions=definitions))
    shown = _config(config, secrets=_passwords(config, collector))
    assert "hunter2" not in str(shown) and "topics" in str(shown)
