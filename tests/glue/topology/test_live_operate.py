"""Operating connectors on the real Connect: states, restarts, offsets, loggers, export, history, graph, doctor."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glue.connect import ConnectNotFoundError
from glue.errors import ServiceError, UsageError
from glue.kafka.config import KafkaConfig
from glue.local.report import Reporter
from glue.local.services import apply_everything
from glue.local.stack import Stack
from glue.topology import operate
from glue.topology.apply import Options, apply_all
from glue.topology.doctor import examine
from glue.topology.export import export
from glue.topology.graph.live import add_live_state
from glue.topology.graph.model import build
from glue.topology.graph.page import as_html
from glue.topology.graph.text import as_mermaid, as_text
from glue.topology.history import REVERSIBLE as KINDS
from glue.topology.history import declared_by, target
from glue.topology.kinds.subject import subject_rows
from glue.topology.kinds.topic import topic_rows
from glue.topology.load import load
from glue.topology.offsets import lag_of, plan_offsets, reset_offsets, set_offsets, standings
from glue.topology.plan import make_plan
from glue.topology.plugins import explain, plugin_rows
from glue.topology.schemas import compatibility, schema_check, schema_diff
from glue.topology.services import Services
from glue.topology.validate import validate_live
from glue.topology.wait import ConnectorFailedError

from .project import RECORD, Project
from .workers import Workers

pytestmark = pytest.mark.stack

QUICK = Options(stable_for=1, timeout=60)


@pytest.fixture
def services(live: Project) -> Services:
    """The project, applied."""
    apply_all(live.settings, kinds=KINDS, options=QUICK)
    return Services(live.settings)


@pytest.fixture
def name(live: Project) -> str:
    return f"{live.prefix}-sink"


def test_pause_resume_stop_restart_delete(services: Services, name: str) -> None:
    operate.set_state(services, [name], "pause")
    assert services.connect.status(name)["connector"]["state"] == "PAUSED"
    operate.set_state(services, [name], "resume")
    operate.set_state(services, [name], "stop")
    assert services.connect.status(name) | {"tasks": []} == services.connect.status(name)
    operate.set_state(services, [name], "resume")
    assert operate.restart(services, [name], only_failed=True) == []
    assert operate.restart(services, [name], only_failed=False) == [name]
    operate.delete(services, name)
    with pytest.raises(ConnectNotFoundError):
        operate.describe_connector(services, name)


def test_only_what_has_failed_is_restarted(live: Project, services: Services, name: str, tmp_path: Path) -> None:
    marker = tmp_path / "fail"
    live.connector("sink", fail_when="marker", fail_marker=str(marker), fail_task="0", fail_text="marked")
    apply_all(live.settings, kinds=KINDS, options=QUICK)
    marker.touch()
    until(lambda: any(t["state"] == "FAILED" for t in services.connect.status(name)["tasks"]))
    (row,) = [row for row in operate.connector_rows(services) if row["name"] == name]
    assert (row["state"], row["tasks"]) == ("RUNNING", "1/2")
    assert "IllegalStateException: marked" in row["problem"]
    with pytest.raises(ConnectorFailedError):  # it fails again: the restart does not claim success
        operate.restart(services, [name], only_failed=True, timeout=30)
    marker.unlink()
    assert operate.restart(services, [name], only_failed=True) == [name]
    assert operate.describe_connector(services, name)["problem"] is None


def test_a_local_stack_restarts_what_had_failed(
    live: Project, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue.local.services.KINDS", dict.fromkeys(KINDS))
    site = Stack(tmp_path, Reporter(quiet=True)).site()
    site.state.settings = live.settings.model_dump(exclude_unset=True)
    marker = tmp_path / "fail"
    live.connector("sink", fail_when="marker", fail_marker=str(marker), fail_task="0", fail_text="marked")
    apply_everything(site)
    marker.touch()
    connect = Services(live.settings).connect
    until(lambda: any(task["state"] == "FAILED" for task in connect.status(name)["tasks"]))
    with pytest.raises(ConnectorFailedError, match="marked"):
        apply_everything(site)
    marker.unlink()
    apply_everything(site)
    assert {task["state"] for task in connect.status(name)["tasks"]} == {"RUNNING"}


def until(condition, seconds: float = 40) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


BEGAN = datetime.now(UTC).replace(microsecond=0)  # of now: what is older than the topic keeps can go at any moment


def write(live: Project, count: int) -> None:
    first = int(BEGAN.timestamp() * 1000)
    sender = KafkaConfig.of(live.settings).producer()
    for number in range(count):
        sender.produce(
            f"{live.prefix}.things", b"x", str(number).encode(), partition=number % 2, timestamp=first + number
        )
    sender.flush(15)


def test_offsets(live: Project, services: Services, name: str) -> None:
    write(live, 10)
    until(lambda: lag_of(services, name) == 0)
    assert [(s.partition, s.offset, s.end) for s in standings(services, name)] == [(0, 5, 5), (1, 5, 5)]
    back = plan_offsets(services, name, to="-2", partition=1)
    with pytest.raises(ServiceError) as caught:
        set_offsets(services, name, back)
    assert "RUNNING" in caught.value.why and "--stop" in caught.value.fix
    operate.set_state(services, [name], "stop")
    set_offsets(services, name, back)
    assert [(s.partition, s.offset, s.lag) for s in standings(services, name)] == [(0, 5, 0), (1, 3, 2)]
    goals = {
        "earliest": [0, 0],
        "latest": [5, 5],
        "4": [4, 4],
        "+1": [5, 4],
        "-99": [0, 0],
        (BEGAN + timedelta(milliseconds=4)).isoformat(): [2, 2],
        "2100-01-01T00:00:00+00:00": [5, 5],
    }
    for to, expected in goals.items():
        assert [goal for _, goal in plan_offsets(services, name, to=to)] == expected, to
    for wrong in ("sometime", "2026-13-01T00:00"):
        with pytest.raises(UsageError):
            plan_offsets(services, name, to=wrong)
    reset_offsets(services, name)
    assert [s.offset for s in standings(services, name)] == [None, None]
    operate.set_state(services, [name], "resume")
    until(lambda: lag_of(services, name) == 0)


def test_log_level_of_the_plugin(services: Services, name: str) -> None:
    logger = operate.logger_of(services.connect, name)
    assert logger == "probe"
    services.connect.set_logger(logger, "DEBUG")
    until(
        lambda: {"logger": "probe", "level": "DEBUG", "changed": True} in operate.logger_rows(services.connect, logger)
    )


def test_schemas_and_topics_tell_drift(live: Project, services: Services) -> None:
    subject, topic = f"{live.prefix}.things-value", f"{live.prefix}.things"

    def state(rows: list[dict[str, object]], of: str) -> object:
        return next(row["state"] for row in rows if row["name"] == of)

    declared = load(live.settings)
    assert state(subject_rows(services, declared), subject) == "as declared"
    assert state(topic_rows(services, declared), topic) == "as declared"
    grown = {**RECORD, "fields": [*RECORD["fields"], {"name": "must", "type": "int"}]}
    live.subjects({"things": grown, "more": RECORD})
    live.topics({"things": {"partitions": 5}})
    declared = load(live.settings)
    assert state(subject_rows(services, declared), subject) == "differs"
    assert state(subject_rows(services, declared), f"{live.prefix}.more-value") == "missing"
    assert state(topic_rows(services, declared), topic) == "differs"
    assert [one.path for one in schema_diff(services, declared, subject)] == ["schema.must"]
    assert schema_check(services, declared, subject) is not None
    assert schema_check(services, declared, f"{live.prefix}.more-value") is None
    assert compatibility(services, subject) == "BACKWARD"
    assert compatibility(services, subject, "NONE") == "NONE"
    assert schema_check(services, declared, subject) is None


def test_plugins_and_keys(services: Services) -> None:
    assert {"name": "ProbeSink", "type": "sink", "version": "1.0", "class": "probe.ProbeSinkConnector"} in plugin_rows(
        services, "sink"
    )
    (one,) = explain(services, "probe.number", "probesink")
    assert (one["type"], one["default"], one["documentation"]) == ("INT", "10", "A number of at least 0.")
    with pytest.raises(UsageError) as caught:
        explain(services, "probe.numbr", "ProbeSink")
    assert "probe.number" in caught.value.fix


def test_export_declares_the_cluster_as_it_is(
    live: Project, services: Services, name: str, workers: Workers, tmp_path: Path
) -> None:
    literal = "literal-" + workers.secret
    services.connect.put_config(name, {**services.connect.config(name), "probe.password": literal})
    done = export(services, tmp_path / "out")
    assert any("probe.password" in note for note in done.notes)
    everything = "".join(file.read_text() for file in (tmp_path / "out").rglob("*.*"))
    assert literal not in everything and "_mxctl." not in everything and "connect-probe" not in everything
    settings = live.settings.model_copy(
        update={"config_dir": tmp_path / "out" / "connect-config", "schemas_dir": tmp_path / "out" / "schemas"}
    )
    changes = make_plan(Services(settings), load(settings), KINDS).changes
    assert [(c.name, [f.path for f in c.fields]) for c in changes] == [(name, ["probe.password"])]
    with pytest.raises(UsageError):
        export(services, tmp_path / "out")


def test_history_and_going_back(live: Project, services: Services, name: str) -> None:
    live.connector("sink", probe_word="two")
    apply_all(live.settings, kinds=KINDS, options=QUICK)
    live.connector("sink", probe_word="three", fail_when="start")
    with pytest.raises(ConnectorFailedError):
        apply_all(live.settings, kinds=KINDS, options=QUICK)
    memory = services.memory.read()
    assert [one.outcome for one in memory.history] == ["applied", "applied", "failed"]
    assert [change["action"] for change in memory.history[1].changes] == ["update"]
    back = target(memory, None)
    assert back.id == memory.history[1].id
    done = apply_all(live.settings, kinds=KINDS, options=QUICK, declared=declared_by(back), rules=False)
    assert [f.path for f in done.changes[0].fields] == ["fail.when", "probe.word"]
    assert services.connect.config(name)["probe.word"] == "two"
    first = target(services.memory.read(), memory.history[0].id)
    apply_all(live.settings, kinds=KINDS, options=QUICK, declared=declared_by(first), rules=False)
    assert "probe.word" not in services.connect.config(name)
    with pytest.raises(UsageError):
        target(memory, "nothing")


def test_graph_with_live_state(live: Project, services: Services, name: str) -> None:
    write(live, 3)
    until(lambda: lag_of(services, name) == 0)
    declared = load(live.settings)
    made = build(declared)
    add_live_state(made, services)
    text = as_text(made)
    assert f"● topic {live.prefix}.things — 3 records" in text
    assert f"● connector {name} — RUNNING, 2/2 tasks RUNNING, lag 0" in text
    assert f'"{name}<br/>RUNNING, 2/2 tasks RUNNING<br/>lag 0"]:::ok' in as_mermaid(made)
    page = as_html(made, "A <title>", live=True)
    assert page.count("<rect") == 2 and "A &lt;title&gt;" in page
    assert not any(outside in page for outside in ("src=", "http:", "https:", "@import", "<script"))


def test_validate_by_the_cluster(live: Project, services: Services) -> None:
    assert validate_live(services, load(live.settings)) == []
    live.connector("sink", probe_number="-5", probe_nubmer="1")
    live.topics({"things": {"partitions": 2, "replication_factor": 9}})
    live.subjects({"things": {**RECORD, "fields": [*RECORD["fields"], {"name": "must", "type": "int"}]}})
    told = {f"{one.where}: {one.message}": one for one in validate_live(services, load(live.settings))}
    places = sorted(text.partition(":")[0] for text in told)
    p = live.prefix
    assert places == [
        "config.probe.nubmer",
        "config.probe.number",
        f"subjects.{p}.things-value",
        f"topics.{p}.things.replication_factor",
    ]
    assert next(one for one in told.values() if "nubmer" in one.where).fix == "did you mean probe.number?"


def test_doctor_sees_what_is_wrong(live: Project, services: Services, name: str) -> None:
    live.connector("sink", fail_when="later", fail_after_ms="3000", fail_text="after a while")
    apply_all(live.settings, kinds=KINDS, options=replace(QUICK, stable_for=0))
    until(lambda: any(t["state"] == "FAILED" for t in services.connect.status(name)["tasks"]))
    live.topics({"things": {"partitions": 3}})
    found = {(one.check, one.state): one for one in examine(Services(live.settings))}
    assert "after a while" in found["connector", "fail"].detail
    assert found["drift", "warn"].fix == "mxctl plan, then mxctl apply"
    nowhere = live.settings.model_copy(update={"registry": "http://127.0.0.1:9"})
    states = {one.check: one.state for one in examine(Services(nowhere))}
    assert states["registry"] == "fail" and states["connect"] == "ok" and "drift" in states
