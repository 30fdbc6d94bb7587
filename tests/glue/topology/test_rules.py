"""Each offline rule: what it finds, where, and that it is silent when all is well."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from glue.errors import ConfigError
from glue.settings import Settings
from glue.topology.history import declared_by
from glue.topology.kinds import KINDS
from glue.topology.load import load, to_snapshot
from glue.topology.model import Problem
from glue.topology.planfile import read_plan, replan
from glue.topology.validate import problems

from .project import RECORD, STRINGS, Project

AVRO = "io.confluent.connect.avro.AvroConverter"


def found(project: Project) -> list[Problem]:
    return problems(load(project.settings))


def messages(project: Project) -> list[str]:
    return [f"{one.where}: {one.message}" for one in found(project)]


def test_a_sound_project_has_no_problems(project: Project) -> None:
    project.things()
    assert found(project) == []


def test_the_projects_own_topology_is_sound_in_every_profile() -> None:
    settings = Settings()
    for profile in sorted(file.stem for file in (settings.config_dir / "profiles").glob("*.json")):
        assert [str(one) for one in problems(load(settings, profile=profile))] == [], profile


def dead_letters(**config: str) -> dict[str, str]:
    return {"errors_tolerance": "all", "errors_deadletterqueue_context_headers_enable": "true", **config}


CASES: list[tuple[str, dict[str, str], str]] = [
    ("unknown topic", {"topics": "p.things,p.nothing"}, "config.topics: p.nothing is not declared"),
    ("expression that matches nothing", {"topics": "", "topics_regex": "q.*"}, "config.topics.regex: matches no"),
    ("no plugin", {"connector_class": ""}, "config.connector.class: is missing"),
    ("tasks that are no number", {"tasks_max": "many"}, "config.tasks.max: is not a number"),
    ("more tasks than partitions", {"tasks_max": "5"}, "config.tasks.max: 5 tasks for 2 partitions: 3 will idle"),
    ("another name", {"name": "else"}, "config.name: is not p-sink"),
    (
        "JSON on Avro",
        {"value_converter": STRINGS},
        "config.value.converter: StringConverter reads p.things, which is Avro",
    ),
    (
        "Avro key without subject",
        {"key_converter": AVRO},
        "config.key.converter: AvroConverter reads p.things, which has no",
    ),
    ("Avro without registry", {"value_converter": AVRO}, "config.value.converter.schema.registry.url: is missing"),
    (
        "silent loss",
        {"errors_tolerance": "all"},
        "config.errors.deadletterqueue.topic.name: is missing: bad records would",
    ),
    (
        "missing dead-letter topic",
        dead_letters(errors_deadletterqueue_topic_name="p.dlq"),
        "config.errors.deadletterqueue.topic.name: p.dlq is not declared",
    ),
    (
        "a dead-letter topic that is none",
        dead_letters(errors_deadletterqueue_topic_name="p.things"),
        "config.errors.deadletterqueue.topic.name: p.things is not a dead-letter topic",
    ),
    ("literal secret", {"probe_password": "hunter2"}, "config.probe.password: holds a secret in plain text"),
    ("broken reference", {"probe_word": "${env}"}, "config.probe.word: has a reference that the worker will not"),
    ("open reference", {"probe_word": "${env:WORD"}, "config.probe.word: has a reference that the worker will not"),
    ("secret as placeholder", {"probe_password": "${PW}"}, "config.probe.password: has a reference that the worker"),
    ("login in an address", {"probe_url": "mongodb://u:hunter2@h/x"}, "config.probe.url: holds a secret in plain text"),
    ("bearer header", {"probe_headers": "Authorization: Bearer hunter2"}, "config.probe.headers: holds a secret in"),
    ("alias without type", {"transforms": "a"}, "config.transforms.a.type: is missing"),
    ("key without alias", {"transforms_b_type": "X"}, "config.transforms.b: has no effect: b is not in transforms"),
    (
        "unknown predicate",
        {"transforms": "a", "transforms_a_type": "X", "transforms_a_predicate": "q"},
        "config.transforms.a.predicate: q is not declared",
    ),
    ("table map of a topic not read", {"x_topic2table_map": "p.other:T"}, "config.x.topic2table.map: maps p.other"),
]


@pytest.mark.parametrize(("config", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_connector_rule(project: Project, config: dict[str, str], expected: str) -> None:
    project.things()
    body = project.connector("sink", **config)
    body["config"] = {key: value for key, value in body["config"].items() if value}
    project.write("connect-config/connectors/sink.json", body)
    told = messages(project)
    assert any(one.startswith(expected) for one in told), told
    assert "hunter2" not in str(told)
    assert all(one.fix for one in found(project))


def test_snowflake_without_a_role(project: Project) -> None:
    project.things()
    project.connector(
        "sink",
        connector_class="com.snowflake.kafka.connector.SnowflakeSinkConnector",
        snowflake_ingestion_method="SNOWPIPE_STREAMING",
        snowflake_url_name="${env:URL}",
    )
    assert messages(project) == ["config.snowflake.role.name: is missing"]


@pytest.mark.parametrize(
    "value", ["outbox.${routedByValue}", "${connector}-success", "${topic}", "a ${x.y} b ${env:Z}", "$1", "cost {5} $"]
)
def test_placeholders_of_plugins_pass(project: Project, value: str) -> None:
    project.things()
    project.connector("sink", probe_word=value)
    assert messages(project) == []


@pytest.mark.parametrize("name", ["a/b", "a%b", "a\\b", "..", " a", "a\tb"])
def test_names_that_rest_can_not_carry_are_refused(project: Project, name: str) -> None:
    project.things()
    body = project.connector("sink")
    project.write("connect-config/connectors/sink.json", {**body, "name": name})
    assert any(one.startswith(f"name: {name!r}: Connect's REST") for one in messages(project))


def personal(*tags: Any) -> dict[str, Any]:
    fields = [{"name": f"f{i}", "type": "string", **({"confluent:tags": [t]} if t else {})} for i, t in enumerate(tags)]
    return {**RECORD, "fields": [*RECORD["fields"], *fields]}


GATE = {
    "transforms": "gate",
    "transforms_gate_type": "bd.millionx.connect.PythonTransform$Value",
    "transforms_gate_class": "glue.transforms.scrub:ScrubPII",
    "transforms_gate_again": "true",
    "transforms_gate_python_schemas": "${env:MILLIONX_SCHEMAS}",
}


GATED = {
    "connector_class": "bd.millionx.connect.PythonSinkConnector",
    "python_class": "glue.connect_python.sinks.weaviate:GatedWeaviateSink",
    "python_schemas": "${env:MILLIONX_SCHEMAS}",
}


@pytest.mark.parametrize("tag", ["PII_TEXT", "PII_ID", "PII_DROP", None, "NEW_TAG"])
def test_personal_data_does_not_reach_a_sink(project: Project, tag: str | None) -> None:
    project.things()
    project.subjects({"things": personal("SCRUBBED", tag)})
    project.connector("sink", **GATE)
    (told,) = messages(project)
    assert told.startswith("config.topics: p.things carries personal data (f1 in things.avsc)")


def test_a_topic_without_a_schema_reaches_no_sink(project: Project) -> None:
    project.things()
    project.subjects({})
    project.connector("sink", **GATE)
    (told,) = messages(project)
    assert told == "config.topics: p.things has no declared schema, so all that it holds counts as personal"


def test_what_a_plan_file_or_the_history_brings_back_is_held_to_the_rules(project: Project, tmp_path: Path) -> None:
    project.things()
    project.subjects({"things": personal("PII_TEXT")})
    project.connector("sink", **GATE)
    declared = load(project.settings)
    body = {"cluster": "c", "desired": to_snapshot(declared), "kinds": list(KINDS), "prune": False, "version": 1}
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    nothing_is_asked: Any = None
    with pytest.raises(ConfigError, match="carries personal data"):
        replan(nothing_is_asked, read_plan(file), "c")
    applied: Any = SimpleNamespace(id="1", desired=to_snapshot(declared))
    with pytest.raises(ConfigError, match="carries personal data"):
        declared_by(applied)
    project.subjects({"things": personal("SCRUBBED")})
    applied.desired = to_snapshot(load(project.settings))
    assert declared_by(applied).connectors.keys() == declared.connectors.keys()


def test_a_field_that_is_taken_away_is_protected_unless_only_sometimes(project: Project) -> None:
    project.things()
    project.subjects({"things": personal("PII_TEXT")})
    removal = {
        "transforms": "drop",
        "transforms_drop_type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms_drop_exclude": "f0",
    }
    project.connector("sink", **removal)
    assert messages(project) == []
    predicate = {"transforms_drop_predicate": "q", "predicates": "q", "predicates_q_type": "X"}
    project.connector("sink", **removal, **predicate)
    assert [one.partition(":")[0] for one in messages(project)] == ["config.topics", "config.transforms"]


FILTER = {"transforms_empty_type": "org.apache.kafka.connect.transforms.Filter", "transforms_empty_predicate": "q"}
ABSENT = "config.transforms: there is no privacy gate before the store"
GATES: dict[str, tuple[dict[str, str], str]] = {
    "the gate": (GATE, ""),
    "behind a filter": (
        {**GATE, "transforms": "empty,gate", **FILTER, "predicates": "q", "predicates_q_type": "X"},
        "",
    ),
    "none": ({}, ABSENT),
    "of another class": ({**GATE, "transforms_gate_class": "glue.transforms.filter:Filter"}, ABSENT),
    "of a class that is not here": ({**GATE, "transforms_gate_class": "else.where:Gate"}, ABSENT),
    "too late": (
        {**GATE, "transforms": "first,gate", "transforms_first_type": "X"},
        "config.transforms.gate: follows first",
    ),
    "only sometimes": (
        {**GATE, "transforms_gate_predicate": "q", "predicates": "q", "predicates_q_type": "X"},
        "config.transforms.gate.predicate: is the privacy gate",
    ),
    "that trusts tags": ({**GATE, "transforms_gate_again": "false"}, "config.transforms.gate.again: is not true"),
    "that has no tags": (
        {**GATE, "transforms_gate_python_schemas": ""},
        "config.transforms.gate.python.schemas: is missing",
    ),
    "in the sink": (GATED, ""),
    "in a sink of one's own": ({**GATED, "python_class": "tests.glue.connect_python.test_gated_sink:GatedKept"}, ""),
    "in a sink that has none": ({**GATED, "python_class": "glue.connect_python.sinks.weaviate:WeaviateSink"}, ABSENT),
    "in a sink that is not here": ({**GATED, "python_class": "else.where:GatedSink"}, ABSENT),
    "in a class that the connector does not run": (
        {**GATED, "connector_class": "io.weaviate.connector.WeaviateSinkConnector"},
        ABSENT,
    ),
    "in the sink, too late": (
        {**GATED, "transforms": "first", "transforms_first_type": "X"},
        "config.python.class: follows first",
    ),
    "in the sink, behind a filter": (
        {**GATED, "transforms": "empty", **FILTER, "predicates": "q", "predicates_q_type": "X"},
        "",
    ),
    "in the sink, without tags": ({**GATED, "python_schemas": ""}, "config.python.schemas: is missing"),
}


@pytest.mark.parametrize(("config", "expected"), GATES.values(), ids=GATES)
def test_a_gate_stands_before_every_store(project: Project, config: dict[str, str], expected: str) -> None:
    project.things()
    project.subjects({"things": personal("SCRUBBED")})
    project.connector("sink", **config)
    told = messages(project)
    assert [one.startswith(expected) for one in told] == ([True] if expected else []), told
    assert all(one.fix and one.file and not one.warning for one in found(project))
    project.subjects({"things": personal("PUBLIC")})
    assert [one for one in messages(project) if one.startswith(ABSENT)] == [], "nothing to hold back"
    project.subjects({})
    assert (ABSENT in "".join(messages(project))) == (expected == ABSENT), "nothing is known of what the topic holds"


def test_a_sink_of_an_unknown_store_and_a_topic_that_nobody_reads_are_warnings(project: Project) -> None:
    project.things()
    project.topics({"things": {"partitions": 2}, "alone": {"partitions": 2}})
    project.subjects({"things": RECORD, "alone": RECORD})
    (project.config / "sources").mkdir()
    project.write("connect-config/sources/shop.json", {"topic": "p.alone", "class": "x"})
    project.connector("sink", mxctl_store="")
    store, unread = found(project)[::-1]
    assert store.warning and store.file is not None and store.where == "config.connector.class" and store.fix
    assert store.message.startswith("belongs to no known kind of store")
    assert unread.warning and unread.where == "sources/shop.json: topic" and unread.fix
    assert unread.message == "no chain and no sink reads p.alone, so its records reach no store"
    chain = {"name": "c", "config": {"topics": "p.things", "output.topic": "p.alone"}}
    project.write("connect-config/transforms/c.json", chain)
    project.connector("sink", "alone", connector_class="com.snowflake.kafka.connector.SnowflakeSinkConnector")
    assert not [one for one in found(project) if one.warning]


def test_topics_and_subjects(project: Project) -> None:
    project.topics(
        {
            "a.b": {"partitions": 1},
            "a_b": {"partitions": 1},
            "bad name": {"partitions": 1},
            "dead": {"partitions": 1, "dead_letters": True},
            "sync": {"partitions": 1, "replication_factor": 1, "config": {"min.insync.replicas": "2"}},
        }
    )
    project.subjects({"nowhere": RECORD})
    told = messages(project)
    assert "topics.p.a_b: collides with p.a.b: Kafka takes . and _ for the same" in told
    assert "topics.p.bad name: is not a legal topic name" in told
    assert "topics.p.dead: is a dead-letter topic that no connector and no chain uses" in told
    assert "subjects.p.nowhere-value: belongs to no declared topic" in told
    assert any(
        one.startswith("topics.p.sync.config.min.insync.replicas: asks for 2 copies in sync of 1") for one in told
    )
    assert len(told) == 5


def test_chains(project: Project) -> None:
    project.things()
    chain = {
        "name": "other",
        "config": {
            "topics": "p.things,p.gone",
            "output.topic": "p.things",
            "errors.tolerance": "all",
            "transforms": "a",
        },
    }
    project.write("connect-config/transforms/c.json", chain)
    told = messages(project)
    assert told == [
        "name: is other, the file is c.json",
        "config.topics: p.gone is not declared",
        "config.output.topic: is also an input: the chain would feed itself",
        "config.transforms.a.type: is missing",
        "config.errors.deadletterqueue.topic.name: is missing: bad records would be dropped silently",
    ]


def test_a_chain_that_reads_personal_texts_begins_with_decrypt(project: Project) -> None:
    project.things()
    project.subjects({"things": personal("PII_ID")})
    told = []
    for transforms in ("validate", "validate,decrypt", "decrypt,validate"):
        config = {
            "topics": "p.things",
            "output.topic": "p.out",
            "transforms": transforms,
            "transforms.validate.type": "glue.transforms.validate:Validate",
            "transforms.decrypt.type": "glue.transforms.decrypt:Decrypt",
        }
        project.write("connect-config/transforms/c.json", {"name": "c", "config": config})
        told.append(sum("does not begin with Decrypt" in one for one in messages(project)))
    assert told == [1, 1, 0]


def test_sources_name_declared_topics(project: Project) -> None:
    project.things()
    (project.config / "sources").mkdir()
    (project.config / "sources" / "shop.json").write_text(json.dumps({"topic": "p.gone", "class": "x"}))
    assert messages(project) == ["sources/shop.json: topic: p.gone is not declared"]
