"""Where sinks write to, derived from their configuration alone."""

from __future__ import annotations

import pytest

from glue.settings import get_settings
from glue.stores.registry import store_for, targets_of
from glue.stores.routing import origin, routed
from glue.stores.snowflake.store import _java_hash, _table
from glue.topology.load import load

JDBC = {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector"}
ROUTER = "org.apache.kafka.connect.transforms.RegexRouter"


def _declared(monkeypatch: pytest.MonkeyPatch, profile: str) -> dict[str, list[tuple[str, str]]]:
    monkeypatch.setenv("MXCTL_PROFILE", profile)
    get_settings.cache_clear()
    try:
        connectors = load(get_settings()).connectors.values()
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    return {c.name: [(t.topic, t.place) for t in targets_of(c.name, c.config)] for c in connectors}


def test_the_declared_sinks_fill_the_same_tables_in_both_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    snowflake, postgres = (_declared(monkeypatch, profile) for profile in ("local", "postgres"))
    assert snowflake.keys() == {"snowflake-sink", "weaviate-sink"}
    assert postgres.keys() == {"postgres-sink", "weaviate-sink"}
    assert snowflake["weaviate-sink"] == postgres["weaviate-sink"] == [("sink.weaviate.vectors", "SocialPost")]
    assert postgres["postgres-sink"] == [
        (topic, place.partition(".")[2].lower()) for topic, place in snowflake["snowflake-sink"]
    ]
    assert ("context.weather", "MILLIONX.RAW_DATA.WEATHER_LOGS") in snowflake["snowflake-sink"]


def test_names_are_the_same_whichever_store_holds_them() -> None:
    (one,) = targets_of("a", JDBC | {"topics": "orders", "collection.name.format": "raw.${topic}"})
    (two,) = targets_of(
        "b",
        {
            "connector.class": "com.snowflake.kafka.connector.SnowflakeSinkConnector",
            "topics": "x",
            "snowflake.topic2table.map": "x:ORDERS",
            "errors.deadletterqueue.topic.name": "dead",
        },
    )
    assert (one.name, one.label, one.upserts) == ("orders", "PostgreSQL orders", False)
    assert (two.name, two.label, two.dead_letters) == ("orders", "Snowflake ORDERS", "dead")


def test_routers_apply_in_their_order_and_only_to_whole_names() -> None:
    config = {
        "transforms": "one, other,two,broken",
        "transforms.one.type": ROUTER,
        "transforms.one.regex": r"sink\.(?<kind>\w+)\.(.*)",
        "transforms.one.replacement": "${kind}_$2",
        "transforms.other.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.two.type": ROUTER,
        "transforms.two.regex": "snow_(.)",
        "transforms.two.replacement": r"\$$1",
        "transforms.broken.type": ROUTER,
        "transforms.broken.regex": "(",
    }
    assert routed("sink.snow.x", config) == "$x"
    assert routed("sink.snow.orders", config) == "snow_orders"
    assert routed("my.sink.snow.x", config) == "my.sink.snow.x"


def test_a_dot_is_no_part_of_a_table_of_the_jdbc_sink() -> None:
    assert [t.place for t in targets_of("a", JDBC | {"topics": "one.two, three"})] == ["one_two", "three"]


def test_an_expression_takes_the_declared_topics() -> None:
    config = JDBC | {"topics.regex": r"a\..*"}
    assert [t.topic for t in targets_of("a", config, ["a.one", "b.a.one", "a.two"])] == ["a.one", "a.two"]


def test_the_places_of_rows_are_the_fields_that_are_inserted() -> None:
    config = {
        "transforms": "x",
        "transforms.x.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.x.timestamp.field": "at!",
        "transforms.x.offset.field": "o",
    }
    assert origin(config) == ("", "o", "at")


def test_snowflakes_names_of_topics_without_an_entry() -> None:
    tables = {"a.b": "ONE", "x\\..*": "MANY"}
    assert [_table(topic, tables) for topic in ("a.b", "x.y", "plain")] == ["ONE", "MANY", "PLAIN"]
    assert _table("1-ক", tables) == f"_1___{_java_hash('1-ক')}"
    assert _java_hash("hello") == 99162322


def test_the_class_of_a_sink_in_python_is_its_own() -> None:
    python = {"connector.class": "bd.millionx.connect.PythonSinkConnector", "topics": "a"}
    assert store_for(python) is None
    found = store_for(python | {"python.class": "glue.connect_python.sinks.weaviate:WeaviateSink"})
    assert found is not None and found.name == "weaviate"
    assert targets_of("x", {"connector.class": "org.example.Sink", "topics": "a"}) == []
