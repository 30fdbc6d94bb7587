"""Applies that fail, are taken back, or take away: on the real Kafka, registry and Connect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glue.topology.apply import Options, Outcome, apply_all
from glue.topology.load import load
from glue.topology.plan import Plan, make_plan
from glue.topology.services import Services
from glue.topology.wait import ConnectorFailedError

from .project import RECORD, Project

pytestmark = pytest.mark.stack

QUICK = Options(stable_for=2, timeout=60)
KINDS = ("topic", "subject", "chain", "connector")


def apply(project: Project, options: Options = QUICK, **more: object) -> Outcome:
    return apply_all(project.settings, kinds=KINDS, options=options, **more)  # type: ignore[arg-type]


def plan(project: Project, prune: bool = False) -> Plan:
    return make_plan(Services(project.settings), load(project.settings), KINDS, prune=prune)


def labels(found: Plan | Outcome) -> list[str]:
    return [f"{change.action} {change.label}" for change in found.changes]


@pytest.mark.parametrize("when", ["start", "later"])
def test_running_connector_with_a_failed_task_is_a_failure(live: Project, when: str) -> None:
    """The connector says RUNNING, and apply says why it does not work: from the bottom of the trace."""
    live.connector("sink", fail_when=when, fail_task="1", fail_text="disk of the probe is full")
    with pytest.raises(ConnectorFailedError) as caught:
        apply(live, Options(stable_for=60, timeout=120))  # ends as soon as the task fails
    assert "task 1 failed: java.lang.IllegalStateException: disk of the probe is full" in caught.value.why
    assert f"left in place: topic {live.prefix}.things" in caught.value.why
    status = Services(live.settings).connect.status(f"{live.prefix}-sink")
    assert status["connector"]["state"] == "RUNNING"
    with pytest.raises(ConnectorFailedError):  # nothing to change, and still not well
        apply(live)


def test_rollback_puts_back_what_was(live: Project) -> None:
    apply(live)
    services, name = Services(live.settings), f"{live.prefix}-sink"
    before = services.connect.config(name)
    live.topics(
        {"things": {"partitions": 2, "config": {"retention.ms": "1000"}}, "more": {"partitions": 1}},
    )
    grown = {**RECORD, "fields": [*RECORD["fields"], {"name": "more", "type": "int", "default": 0}]}
    live.subjects({"things": grown}, things="FULL")
    live.connector("sink", fail_when="start", fail_text="no")
    with pytest.raises(ConnectorFailedError) as caught:
        apply(live, replace(QUICK, rollback=True))
    assert "rolled back: " in caught.value.why and "except" not in caught.value.why
    assert services.connect.config(name) == before
    live.things()
    assert plan(live).changes == []
    assert f"{live.prefix}.more" not in services.admin.list_topics(timeout=15).topics
    assert services.memory.read().history[-1].outcome == "rolled back"


def test_prune_takes_only_what_it_created(live: Project) -> None:
    p, services = live.prefix, Services(live.settings)
    from confluent_kafka.admin import NewTopic

    foreign = services.admin.create_topics([NewTopic(f"{p}.foreign", 1, 1)])
    foreign[f"{p}.foreign"].result(15)
    live.connector("second")
    live.topics({"things": {"partitions": 2}, "extra": {"partitions": 1}})
    apply(live)
    services.connect.put_config(f"{p}-stranger", {**services.connect.config(f"{p}-sink"), "name": f"{p}-stranger"})
    live.remove("connect-config/connectors/second.json")
    live.topics({"things": {"partitions": 2}})
    assert plan(live).changes == []
    assert labels(plan(live, prune=True)) == [f"delete connector {p}-second", f"delete topic {p}.extra"]
    apply(live, replace(QUICK, prune=True))
    assert {name for name in services.connect.connectors() if name.startswith(p)} == {f"{p}-sink", f"{p}-stranger"}
    topics = {name for name in services.admin.list_topics(timeout=15).topics if name.startswith(p)}
    assert topics == {f"{p}.things", f"{p}.foreign"}
    assert plan(live, prune=True).changes == []


def test_prune_leaves_a_topic_that_someone_made_anew(live: Project) -> None:
    from confluent_kafka.admin import NewTopic

    services, name = Services(live.settings), f"{live.prefix}.extra"
    live.topics({"things": {"partitions": 2}, "extra": {"partitions": 1}})
    apply(live)
    services.admin.delete_topics([name])[name].result(15)
    while name in services.admin.list_topics(timeout=15).topics:
        pass
    services.admin.create_topics([NewTopic(name, 1, 1)])[name].result(15)
    live.topics({"things": {"partitions": 2}})
    assert plan(live, prune=True).changes == []
