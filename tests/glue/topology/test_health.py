"""When a connector works: its tasks decide, not the state it gives itself."""

from __future__ import annotations

from typing import Any

import pytest

from glue.topology.kinds.connector import LiveConnector
from glue.topology.wait import health, root_cause

TRACE = """org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:634)
Caused by: java.lang.RuntimeException: in between
\tat probe.ProbeSinkTask.fail(ProbeSinkTask.java:50)
\t... 10 more
Caused by: java.sql.SQLException: login failed, password=hunter2
\t... 11 more
"""


def connector(state: str, *tasks: str, **more: Any) -> LiveConnector:
    listed = [{"id": i, "state": one, **({"trace": TRACE} if one == "FAILED" else {})} for i, one in enumerate(tasks)]
    return LiveConnector({}, {"connector": {"state": state, **more}, "tasks": listed})


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (connector("RUNNING", "RUNNING", "RUNNING"), "ok"),
        (connector("RUNNING", "RUNNING", "FAILED"), "failed"),
        (connector("RUNNING"), "waiting"),
        (connector("RUNNING", "RUNNING", "UNASSIGNED"), "waiting"),
        (connector("RUNNING", "RUNNING", "RESTARTING"), "waiting"),
        (connector("RUNNING", "RUNNING", "DREAMING"), "waiting"),
        (connector("UNASSIGNED", "RUNNING"), "waiting"),
        (connector("FAILED", trace="x.Y: no plugin"), "failed"),
        (connector("PAUSED", "PAUSED"), "ok"),
        (connector("PAUSED", "RUNNING"), "waiting"),
        (connector("STOPPED"), "ok"),
        (connector("PAUSED", "FAILED"), "failed"),
        (LiveConnector({}, {}), "waiting"),
        (None, "waiting"),
    ],
)
def test_states(one: LiveConnector | None, state: str) -> None:
    assert health(one).state == state


def test_a_cause_is_cut_before_it_is_searched_and_hides_what_lies_at_the_cut() -> None:
    assert root_cause("x.Y: " + "a." * 500_000) == ("x.Y: " + "a." * 250)[:500]
    assert "hunter2" not in root_cause("x.Y: " + "a" * 470 + " password=hunter2hunter2hunter2 end")


def test_root_cause_is_the_deepest_in_one_line_without_secrets() -> None:
    assert root_cause(TRACE) == "java.sql.SQLException: login failed, password=******"
    assert root_cause("a.B: plain\n\tat x") == "a.B: plain"
    assert root_cause("") == "no trace given"
    assert "task 1 failed: java.sql.SQLException" in health(connector("RUNNING", "RUNNING", "FAILED")).detail
