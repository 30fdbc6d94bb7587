"""What follows from declared files alone: routes, keys, dead letters, of small pipelines made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from glue.identity import record_key
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.topology.load import load

SNOWFLAKE = "com.snowflake.kafka.connector.SnowflakeSinkConnector"


@dataclass
class Topic:
    dead_letters: bool = False


@dataclass
class Sink:
    config: dict[str, str]


@dataclass
class Files:
    """As much of the declared state as a pipeline asks."""

    topics: dict[str, Topic] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    chains: dict[str, dict[str, Any]] = field(default_factory=dict)
    connectors: dict[str, Sink] = field(default_factory=dict)

    def chain(self, name: str, topics: str, output: str, **config: str) -> None:
        given = {key.replace("_", "."): value for key, value in config.items()}
        self.chains[name] = {"config": {"topics": topics, "output.topic": output, **given}}

    def sink(self, name: str, **config: str) -> None:
        given = {key.replace("_", "."): value for key, value in config.items()}
        defaults = {"connector.class": SNOWFLAKE, "snowflake.database.name": "D", "snowflake.schema.name": "S"}
        self.connectors[name] = Sink(defaults | given)


def ways(pipeline: Pipeline) -> list[str]:
    return [
        " ".join([route.source.name if route.source else "-", *route.topics, route.target.connector, route.target.name])
        for route in pipeline.routes
    ]


def test_a_record_goes_by_chain_after_chain_to_every_sink_of_a_topic() -> None:
    files = Files(sources={"shop": {"topic": "raw", "dead_letters": "dead"}})
    files.chain("safe", "raw", "middle")
    files.chain("embed", "middle", "last")
    files.sink("one", topics="last")
    files.sink("two", topics="last,middle")
    assert ways(Pipeline.of(files)) == [
        "shop raw middle two middle",
        "shop raw middle last one last",
        "shop raw middle last two last",
    ]


def test_an_expression_reads_the_declared_topics_that_it_matches_whole() -> None:
    files = Files(topics={"in_a": Topic(), "in_b": Topic(), "not_in_a": Topic()}, sources={"s": {"topic": "in_b"}})
    files.sink("all", topics_regex=r"in_.")
    pipeline = Pipeline.of(files)
    assert pipeline.connectors["all"].reads == ("in_a", "in_b")
    assert ways(pipeline) == ["s in_b all in_b", "- in_a all in_a"]
    files.sink("all", topics_regex="in_(")
    assert Pipeline.of(files).routes == ()


def test_a_source_that_nobody_reads_and_a_sink_of_an_unknown_store_have_no_route() -> None:
    files = Files(sources={"lonely": {"topic": "unread"}, "read": {"topic": "raw"}})
    files.sink("file", topics="raw", connector_class="org.apache.kafka.connect.file.FileStreamSinkConnector")
    pipeline = Pipeline.of(files)
    assert pipeline.routes == () and pipeline.connectors["file"].sink
    assert pipeline.readers("unread") == [] and [part.name for part in pipeline.readers("raw")] == ["file"]


def test_records_of_a_source_connector_and_of_two_sources_on_one_topic() -> None:
    files = Files(sources={"a": {"topic": "raw"}, "b": {"topic": "raw"}})
    files.connectors["lines"] = Sink({"connector.class": "X", "topic": "lines"})
    files.sink("sink", topics="raw,lines")
    pipeline = Pipeline.of(files)
    assert ways(pipeline) == ["a raw sink raw", "b raw sink raw", "- lines sink lines"]
    assert not pipeline.connectors["lines"].sink and pipeline.connectors["lines"].group == ""
    assert pipeline.expected("raw", "k") == [(pipeline.targets[0], "k")], "once, though two sources feed the topic"


def test_a_circle_of_chains_ends() -> None:
    files = Files(sources={"s": {"topic": "one"}})
    files.chain("there", "one", "two")
    files.chain("back", "two", "one")
    files.sink("sink", topics="two")
    assert ways(Pipeline.of(files)) == ["s one two sink two"]


def test_a_key_is_derived_by_each_chain_that_says_so() -> None:
    files = Files(sources={"s": {"topic": "raw"}})
    files.chain("rows", "raw", "rows")
    files.chain("prices", "raw", "prices", transforms="clean,shape", transforms_shape_rekey="price")
    files.chain("days", "prices", "days", transforms="day", transforms_day_rekey="day")
    files.sink("sink", topics="rows,prices,days")
    pipeline = Pipeline.of(files)
    price = record_key("price", "k")
    assert {target.name: key for target, key in pipeline.expected("raw", "k")} == {
        "rows": "k",
        "prices": price,
        "days": record_key("day", price),
    }
    assert {target.name: key for target, key in pipeline.expected("prices", price)} == {
        "prices": price,
        "days": record_key("day", price),
    }


def test_nothing_is_expected_of_what_a_chain_drops_on_purpose() -> None:
    files = Files(sources={"s": {"topic": "raw"}})
    files.chain("rows", "raw", "rows")
    free = {"predicates_free_type": "glue.transforms.predicates:FieldIsZero", "predicates_free_field": "price"}
    files.chain("prices", "raw", "prices", transforms="drop", transforms_drop_type="glue.transforms.filter:Filter",
                transforms_drop_predicate="free", **free)  # fmt: skip
    files.chain("paid", "raw", "paid", transforms="drop", transforms_drop_type="glue.transforms.filter:Filter",
                transforms_drop_predicate="free", transforms_drop_negate="true", **free)  # fmt: skip
    files.sink("sink", topics="rows,prices,paid")
    pipeline = Pipeline.of(files)

    def names(price: int) -> set[str]:
        return {target.name for target, _ in pipeline.expected("raw", "k", {"price": price})}

    assert names(5) == {"rows", "prices", "paid"}
    assert names(0) == {"rows", "paid"}
    assert {target.name for target, _ in pipeline.expected("prices", "k", {"price": 0})} == {"prices"}


def test_a_dead_letter_keeps_its_record_from_what_lay_behind_who_refused_it() -> None:
    files = Files(
        topics={"dead": Topic(dead_letters=True), "raw": Topic()},
        sources={"s": {"topic": "raw", "dead_letters": "dead"}},
    )
    files.chain("rows", "raw", "rows", errors_deadletterqueue_topic_name="other")
    files.chain("prices", "raw", "prices", transforms="shape", transforms_shape_rekey="price")
    files.sink("sink", topics="rows,prices")
    pipeline = Pipeline.of(files)

    def kept(by: str, topic: str) -> dict[str, str]:
        return {target.name: key for target, key in pipeline.kept_from(by, topic, "k")}

    price = record_key("price", "k")
    assert pipeline.dead_letters == ("dead", "other")
    assert kept("connectors.s", "raw") == {"rows": "k", "prices": price}, "it reached no topic"
    assert kept("prices", "raw") == {"prices": price}
    assert kept("sink", "prices") == {"prices": "k"}, "the key of a sink's letter is that of its topic"
    assert kept("someone", "raw") == {"rows": "k", "prices": price}
    assert kept("someone", "elsewhere") == {"rows": "k", "prices": "k"}, "nothing is known, so nothing is missed"


def test_the_projects_own_routes_under_every_profile() -> None:
    settings = Settings()
    for file in (settings.config_dir / "profiles").glob("*.json"):
        pipeline = Pipeline.of(load(settings, profile=file.stem))
        by_source: dict[str, set[str]] = {}
        for route in pipeline.routes:
            by_source.setdefault(route.source.name if route.source else "-", set()).add(route.target.name)
        market = {"orders", "price_history"}
        assert by_source == {
            "daraz": market,
            "daraz-listings": {"price_history"},
            "facebook": {"socialpost"},
            "shopify": market,
            "shopify-listings": {"price_history"},
            "tiktok": {"socialpost"},
            "weather": {"weather_logs"},
        }, file.stem
