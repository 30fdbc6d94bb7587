"""Apply on the real Kafka, registry and Connect: idempotent, nothing half-applied, ready only when tasks are."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from glue.errors import ConfigError, ServiceError
from glue.kafka.lock import LockHeldError
from glue.topology.apply import Options, Outcome, apply_all
from glue.topology.change import Event
from glue.topology.load import load
from glue.topology.plan import Plan, make_plan
from glue.topology.planfile import read_plan, replan, write_plan
from glue.topology.services import Services

from .project import RECORD, Project
from .workers import Workers

pytestmark = pytest.mark.stack

QUICK = Options(stable_for=2, timeout=60)
KINDS = ("topic", "subject", "chain", "connector")


def apply(project: Project, options: Options = QUICK, **more: object) -> Outcome:
    return apply_all(project.settings, kinds=KINDS, options=options, **more)  # type: ignore[arg-type]


def plan(project: Project, prune: bool = False) -> Plan:
    return make_plan(Services(project.settings), load(project.settings), KINDS, prune=prune)


def labels(found: Plan | Outcome) -> list[str]:
    return [f"{change.action} {change.label}" for change in found.changes]


def test_apply_brings_it_there_and_a_second_time_does_nothing(live: Project) -> None:
    done = apply(live)
    p = live.prefix
    assert labels(done) == [
        f"create topic {p}.things",
        f"create subject {p}.things-value",
        f"create connector {p}-sink",
    ]
    assert done.health[f"{p}-sink"].detail == "RUNNING, 2/2 tasks RUNNING"
    services = Services(live.settings)
    again = apply(live, services=services)
    assert again.changes == [] and again.health[f"{p}-sink"].state == "ok"
    assert services.connect.calls == 1  # one GET tells everything


def test_plan_shows_fields_and_apply_repairs_drift(live: Project) -> None:
    apply(live)
    services, name = Services(live.settings), f"{live.prefix}-sink"
    config = services.connect.config(name)
    services.connect.put_config(name, {**config, "probe.number": "99", "tasks.max": "1"})
    (found,) = plan(live).changes
    assert [(f.path, f.before, f.after) for f in found.fields] == [
        ("probe.number", "99", None),
        ("tasks.max", "1", "2"),
    ]
    assert any("restarted" in cost for cost in found.cost)
    apply(live)
    assert plan(live).changes == []
    assert len(services.connect.status(name)["tasks"]) == 2


def test_server_side_defaults_are_no_drift(live: Project) -> None:
    """What the real plugin and the real worker call the default is no change, either way round."""
    apply(live)
    live.connector(
        "sink",
        probe_number="010",
        probe_flag="TRUE",
        probe_list="a, b",
        probe_ratio="0.50",
        errors_tolerance="none",
        connector_class="ProbeSink",
    )
    assert plan(live).changes == []
    apply_calls = Services(live.settings)
    assert apply(live, services=apply_calls).changes == []
    live.connector("sink", probe_number="11")
    (found,) = plan(live).changes
    assert [(f.path, f.before, f.after) for f in found.fields] == [("probe.number", None, "11")]


def test_topics_are_altered_and_unset(live: Project) -> None:
    apply(live)
    name = f"{live.prefix}.things"
    body = {"partitions": 4, "replication_factor": 1, "config": {"max.message.bytes": "2000000"}}
    live.topics({"things": body})
    (found,) = plan(live).changes
    assert {f.path: (f.before, f.after) for f in found.fields} == {
        "partitions": ("2", "4"),
        "config.max.message.bytes": ("1048588", "2000000"),
        "config.retention.ms": ("86400000", None),
    }
    apply(live)
    assert plan(live).changes == []
    live.topics({"things": {**body, "partitions": 1}})
    with pytest.raises(ServiceError) as caught:
        apply(live)
    assert "recreated" in caught.value.why and "--allow-recreate" in caught.value.fix
    done = apply(live, replace(QUICK, allow_recreate=True))
    assert labels(done) == [f"recreate topic {name}"]
    assert plan(live).changes == []


def test_an_incompatible_schema_stops_everything_before_anything(live: Project) -> None:
    apply(live)
    broken = {**RECORD, "fields": [*RECORD["fields"], {"name": "must", "type": "string", "confluent:tags": ["PUBLIC"]}]}
    live.subjects({"things": broken})
    live.topics({"things": {"partitions": 3}, "new": {"partitions": 1}})
    with pytest.raises(ServiceError) as caught:
        apply(live)
    assert "is not BACKWARD" in caught.value.why and "schema.must" in caught.value.why
    assert "nothing has been written" in caught.value.why
    topics = Services(live.settings).admin.list_topics(timeout=15).topics
    assert f"{live.prefix}.new" not in topics and len(topics[f"{live.prefix}.things"].partitions) == 2


def test_a_config_that_the_plugin_refuses_stops_everything_before_anything(live: Project) -> None:
    live.connector("sink", probe_number="-1")
    with pytest.raises(ServiceError) as caught:
        apply(live)
    assert "config.probe.number" in caught.value.why and "nothing has been written" in caught.value.why
    assert f"{live.prefix}.things" not in Services(live.settings).admin.list_topics(timeout=15).topics


def test_files_that_are_wrong_stop_it_before_a_call(live: Project) -> None:
    live.connector("sink", "nothing")
    services = Services(live.settings)
    with pytest.raises(ConfigError) as caught:
        apply(live, services=services)
    assert caught.value.exit_code == 2 and services.connect.calls == 0


def test_an_unknown_plugin_is_named_with_the_nearest(live: Project) -> None:
    live.connector("sink", connector_class="probe.ProbSinkConnector")
    with pytest.raises(ServiceError) as caught:
        apply(live)
    assert "did you mean probe.ProbeSinkConnector?" in caught.value.fix


def test_dry_run_checks_and_writes_nothing(live: Project) -> None:
    done = apply(live, replace(QUICK, dry_run=True))
    assert len(done.changes) == 3
    services = Services(live.settings)
    assert f"{live.prefix}.things" not in services.admin.list_topics(timeout=15).topics
    assert services.memory.read().history == []


def test_a_plan_file_is_refused_when_the_cluster_has_moved(live: Project, tmp_path: Path) -> None:
    apply(live)
    live.connector("sink", probe_number="20")
    services, file = Services(live.settings), tmp_path / "plan.json"
    write_plan(plan(live), file, services.cluster_id)
    body = read_plan(file)
    assert len(replan(services, body, services.cluster_id).changes) == 1
    name = f"{live.prefix}-sink"
    config = services.connect.config(name)
    services.connect.put_config(name, {**config, "probe.word": "moved"})
    with pytest.raises(ServiceError) as caught:
        replan(services, body, services.cluster_id)
    assert f"has moved since {body['created']}: connector/{name}" in caught.value.why
    with pytest.raises(ServiceError):
        replan(services, body, "another-cluster")
    services.connect.put_config(name, config)
    body["changes"][0]["fields"][0]["after"] = "21"
    with pytest.raises(ServiceError) as caught:
        replan(services, body, services.cluster_id)
    assert "edited" in caught.value.why


def test_two_applies_at_once(live: Project) -> None:
    with Services(live.settings).memory.lock() as held:
        with pytest.raises(LockHeldError) as caught:
            apply(live)
        assert f"-{os.getpid()}-" in caught.value.why
        assert apply(live, replace(QUICK, dry_run=True)).changes  # looking is free
        timer = threading.Timer(1.5, held.__exit__, (None, None, None))
        timer.start()
        assert apply(live, replace(QUICK, lock_timeout=30)).changes
    timer.join()


def test_progress_is_reported(live: Project) -> None:
    told: list[Event] = []
    apply(live, progress=told.append)
    texts = [str(event) for event in told]
    assert f"topic {live.prefix}.things ok create" in texts
    assert texts[-1] == f"connector {live.prefix}-sink ok RUNNING, 2/2 tasks RUNNING"


def test_paused_stays_paused(live: Project) -> None:
    from glue.topology.operate import set_state

    apply(live)
    name = f"{live.prefix}-sink"
    set_state(Services(live.settings), [name], "pause")
    live.connector("sink", probe_word="other")
    assert any("PAUSED and stays so" in cost for cost in plan(live).changes[0].cost)
    assert apply(live).health[name].detail == "PAUSED, 2 tasks at rest"


def test_a_secret_in_a_live_config_shows_nowhere(live: Project, workers: Workers, tmp_path: Path, caplog) -> None:  # type: ignore[no-untyped-def]
    caplog.set_level("DEBUG")
    live.connector("sink", probe_password="${file:secrets/probe.properties:password}")
    apply(live)
    services, name = Services(live.settings), f"{live.prefix}-sink"
    literal = "literal-" + workers.secret
    services.connect.put_config(name, {**services.connect.config(name), "probe.password": literal})
    made = plan(live)
    write_plan(made, tmp_path / "plan.json", services.cluster_id)
    live.connector(
        "sink",
        probe_password="${file:secrets/probe.properties:password}",
        probe_number="${file:secrets/probe.properties:number}",
    )
    with pytest.raises(ServiceError) as refused:  # the resolved secret is no number: Connect quotes it, but for 4.2.2
        apply(live)
    live.connector("sink", probe_password="${file:secrets/probe.properties:password}")
    apply(live)
    history = repr(services.memory.read())
    seen = "\n".join(
        [repr(made.changes), (tmp_path / "plan.json").read_text(), str(refused.value), refused.value.fix, history]
    )
    assert workers.secret not in seen + caplog.text
    assert "config.probe.number: " in refused.value.why
