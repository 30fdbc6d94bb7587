"""No false differences: what means the same is the same; and no hidden ones: what does not, is not."""

from __future__ import annotations

import pytest

from glue.kafka.topics import LiveTopic
from glue.topology.configdef import COMMON, Definitions, KeyDef, config_changes, same_value
from glue.topology.kinds.connector import Connector, LiveConnector, connector_change
from glue.topology.kinds.subject import LiveSubject, Subject, subject_change
from glue.topology.kinds.topic import Topic, topic_change

from .project import RECORD

NUMBER, FLAG, LIST = KeyDef("INT", "10"), KeyDef("BOOLEAN", "true"), KeyDef("LIST", "a,b")
SAME = [
    ("number with zeros in front", "n", "1", "01", NUMBER),
    ("number with a point", "r", "0.5", "0.50", KeyDef("DOUBLE")),
    ("number with an exponent", "r", "1E+3", "1000", KeyDef("DOUBLE")),
    ("flag in capitals", "f", "TRUE", "true", FLAG),
    ("blanks around", "s", " word", "word ", KeyDef("STRING")),
    ("list with blanks", "l", "a, b ,c", "a,b,c", LIST),
    ("topics of a sink", "topics", "a,b", "b, a", COMMON["topics"]),
    ("predicates", "predicates", "p,q", "q,p", COMMON["predicates"]),
    ("fields taken away", "transforms.drop.exclude", "a,b", "b,a", LIST),
    ("policies", "cleanup.policy", "compact,delete", "delete,compact", None),
    ("map of topics", "snowflake.topic2table.map", "a:A,b:B", "b:B, a:A", None),
    ("plugin by its alias", "c", "org.x.ProbeSinkConnector", "ProbeSink", KeyDef("CLASS")),
    ("plugin by its simple name", "c", "org.x.ProbeSinkConnector", "ProbeSinkConnector", KeyDef("CLASS")),
    ("masked with stars", "db.password", "${file:a:b}", "********", None),
    ("masked as hidden", "db.password", "${file:a:b}", "[hidden]", None),
    ("masked by type", "key.of.it", "${env:X}", "[hidden]", KeyDef("PASSWORD")),
]
DIFFERENT = [
    ("another number", "n", "1", "2", NUMBER),
    ("a word is no number", "n", "1", "one", NUMBER),
    ("another flag", "f", "true", "false", FLAG),
    ("case of a word", "s", "Word", "word", KeyDef("STRING")),
    ("order of a list", "l", "a,b", "b,a", LIST),
    ("order of transforms", "transforms", "a,b", "b,a", COMMON["transforms"]),
    ("another topic", "topics", "a,b", "a,c", COMMON["topics"]),
    ("a topic less", "topics", "a,b", "a", COMMON["topics"]),
    ("number as text without a type", "s", "1", "1.0", None),
    ("another class of the same name", "c", "org.x.Sink", "org.y.Sink", KeyDef("CLASS")),
    ("another secret", "db.password", "one", "two", None),
    ("another reference", "db.password", "${file:a:b}", "${file:a:c}", None),
    ("stars that are no mask", "pattern", "abc", "***", None),
]


@pytest.mark.parametrize(("what", "key", "left", "right", "definition"), SAME, ids=[one[0] for one in SAME])
def test_means_the_same(what: str, key: str, left: str, right: str, definition: KeyDef | None) -> None:
    assert same_value(key, left, right, definition)
    assert same_value(key, right, left, definition)


@pytest.mark.parametrize(("what", "key", "left", "right", "definition"), DIFFERENT, ids=[one[0] for one in DIFFERENT])
def test_means_something_else(what: str, key: str, left: str, right: str, definition: KeyDef | None) -> None:
    assert not same_value(key, left, right, definition)


class Plugins:
    """A worker that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def plugin_config(self, plugin: str) -> list[dict[str, object]]:
        self.asked.append(plugin)
        return [
            {"name": "probe.number", "type": "INT", "default_value": "10"},
            {"name": "schemas.enable", "type": "BOOLEAN", "default_value": "true"},
            {"name": "secret.thing", "type": "PASSWORD", "default_value": None},
        ]


def definitions() -> tuple[Definitions, Plugins]:
    plugins = Plugins()
    return Definitions(plugins), plugins  # type: ignore[arg-type]


BASE = {"connector.class": "org.x.Sink", "topics": "a,b"}


def change(live: dict[str, str], declared: dict[str, str]) -> list[str]:
    known, _ = definitions()
    found = connector_change(
        Connector(name="c", config={**BASE, **declared}), LiveConnector({**BASE, "name": "c", **live}), known
    )
    return [field.path for field in found.fields] if found else []


@pytest.mark.parametrize(
    ("live", "declared"),
    [
        ({}, {}),
        ({}, {"tasks.max": "1"}),
        ({"errors.tolerance": "none"}, {}),
        ({}, {"probe.number": "10"}),
        ({"probe.number": "10"}, {}),
        ({"topics": "a, b"}, {}),
        ({}, {"transforms": ""}),
    ],
)
def test_absent_equals_its_default_and_server_keys_do_not_count(live: dict[str, str], declared: dict[str, str]) -> None:
    assert change(live, declared) == []


def test_defaults_of_converters_and_transforms_are_known_by_their_prefix() -> None:
    converter = {"value.converter": "J"}
    assert change(converter, {**converter, "value.converter.schemas.enable": "TRUE"}) == []
    transform = {"transforms": "t", "transforms.t.type": "T"}
    assert change(transform, {**transform, "transforms.t.negate": "false", "transforms.t.probe.number": "010"}) == []


def test_nothing_is_hidden() -> None:
    assert change({"extra.key": "x"}, {}) == ["extra.key"]
    assert change({}, {"extra.key": "x"}) == ["extra.key"]
    assert change({}, {"probe.number": "11"}) == ["probe.number"]
    assert change({"tasks.max": "4"}, {"tasks.max": "1"}) == ["tasks.max"]


def test_plugins_are_asked_only_when_texts_differ() -> None:
    known, plugins = definitions()
    connector = Connector(name="c", config=BASE)
    assert connector_change(connector, LiveConnector({**BASE, "name": "c"}), known) is None
    assert plugins.asked == []
    connector_change(connector, LiveConnector({**BASE, "x": "1"}), known)
    assert plugins.asked == ["org.x.Sink"]


def test_secrets_are_masked_in_a_change() -> None:
    known = {**COMMON, "secret.thing": KeyDef("PASSWORD")}
    found = config_changes(
        {"db.password": "hunter2", "secret.thing": "hunter3"},
        {"db.password": "${env:PW}", "secret.thing": "hunter4"},
        known,
        frozenset(),
    )
    assert [(f.path, f.before, f.after) for f in found] == [
        ("db.password", "******", "${env:PW}"),
        ("secret.thing", "******", "******"),
    ]


def topic_fields(want: Topic, have: LiveTopic) -> list[str]:
    found = topic_change("t", want, have)
    return [field.path for field in found.fields] if found else []


EFFECTIVE = {"retention.ms": "604800000", "cleanup.policy": "delete", "compression.type": "producer"}


@pytest.mark.parametrize(
    ("want", "have"),
    [
        (Topic(partitions=2), LiveTopic(2, 3, {}, EFFECTIVE)),
        (Topic(partitions=2, config={"retention.ms": "604800000"}), LiveTopic(2, 1, {}, EFFECTIVE)),
        (
            Topic(partitions=2, config={"retention.ms": 604800000}),  # type: ignore[dict-item]
            LiveTopic(2, 1, {"retention.ms": "604800000"}, EFFECTIVE),
        ),
        (
            Topic(partitions=2, config={"min.cleanable.dirty.ratio": "0.10"}),
            LiveTopic(2, 1, {"min.cleanable.dirty.ratio": "0.1"}, {"min.cleanable.dirty.ratio": "0.1"}),
        ),
        (
            Topic(partitions=2, config={"cleanup.policy": "compact, delete"}),
            LiveTopic(2, 1, {"cleanup.policy": "compact,delete"}, {"cleanup.policy": "compact,delete"}),
        ),
        (
            Topic(partitions=2, config={"preallocate": "False"}),
            LiveTopic(2, 1, {"preallocate": "false"}, {"preallocate": "false"}),
        ),
        (Topic(partitions=2), LiveTopic(2, 1, {"confluent.tier.enable": "true"}, {"confluent.tier.enable": "true"})),
        (Topic(partitions=2), LiveTopic(2, 1, {"leader.replication.throttled.replicas": "*"}, EFFECTIVE)),
    ],
    ids=["broker's copies", "broker's default", "number", "ratio", "list", "flag", "confluent's own", "throttle"],
)
def test_topic_is_as_declared(want: Topic, have: LiveTopic) -> None:
    assert topic_fields(want, have) == []


def test_topic_drift_shows() -> None:
    drifted = LiveTopic(2, 1, {"retention.ms": "1"}, {**EFFECTIVE, "retention.ms": "1"})
    assert topic_fields(Topic(partitions=2), drifted) == ["config.retention.ms"]
    assert topic_fields(Topic(partitions=4), LiveTopic(2, 1, {}, EFFECTIVE)) == ["partitions"]
    fewer = topic_change("t", Topic(partitions=1), LiveTopic(2, 1, {}, EFFECTIVE))
    assert fewer is not None and fewer.action == "recreate" and "lost" in fewer.cost[0]


def test_what_a_policy_costs() -> None:
    both = {"cleanup.policy": "compact,delete"}
    less = topic_change("t", Topic(partitions=1, config={"cleanup.policy": "delete"}), LiveTopic(1, 1, both, both))
    assert less is not None and less.cost == ()
    now = {"cleanup.policy": "delete"}
    more = topic_change("t", Topic(partitions=1, config=both), LiveTopic(1, 1, now, now))
    assert more is not None and "compacted away" in more.cost[0]
    odd = topic_change("t", Topic(partitions=1, config={"retention.ms": "7 days"}), LiveTopic(1, 1, {}, EFFECTIVE))
    assert odd is not None and odd.cost == ()


def subject(schema: dict[str, object], level: str | None = "BACKWARD") -> Subject:
    from pathlib import Path

    return Subject(schema, level, Path("things.avsc"))


def test_subject_level_that_is_the_default_is_no_change() -> None:
    live = LiveSubject(1, 1, RECORD, "BACKWARD", own_level=None)
    assert subject_change("s", subject(RECORD), live, "BACKWARD") is None
    assert subject_change("s", subject(RECORD, None), live, "BACKWARD") is None
    other = subject_change("s", subject(RECORD, "FULL"), live, "BACKWARD")
    assert other is not None and [f.path for f in other.fields] == ["compatibility"]
