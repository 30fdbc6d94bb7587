"""Waiting, with a scripted Connect: old failures, new configs, silence, plugins that rewrite their tasks' configs."""

from __future__ import annotations

from typing import Any

import pytest

from glue.errors import ServiceUnavailableError
from glue.topology import wait
from glue.topology.wait import ConnectorFailedError, wait_running

Body = dict[str, Any]


def body(*tasks: str, state: str = "RUNNING") -> Body:
    listed = [{"id": i, "state": one, "trace": "x.Y: why" if one == "FAILED" else ""} for i, one in enumerate(tasks)]
    return {"c": {"info": {"config": {}}, "status": {"connector": {"state": state}, "tasks": listed}}}


class Script:
    """Plays states, one a look, the last for ever; a clock that moves half a second a look."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *states: Body | Exception, tasks: list[Body] | None = None
    ) -> None:
        self.states, self._tasks, self.time = list(states), tasks or [], 0.0
        self.connect = self
        monkeypatch.setattr(wait.time, "monotonic", lambda: self.time)
        monkeypatch.setattr(wait.time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def connectors(self) -> Body:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def tasks(self, name: str) -> list[Body]:
        return self._tasks.pop(0)["tasks"] if len(self._tasks) > 1 else self._tasks[0]["tasks"] if self._tasks else []


AWAY = ServiceUnavailableError("connectors", "does not answer")
GOOD, BAD = body("RUNNING", "RUNNING"), body("RUNNING", "FAILED")


def run(script: Script, **options: Any) -> Any:
    return wait_running(script, ["c"], **{"stable_for": 2.0, "timeout": 30.0, **options})  # type: ignore[arg-type]


def test_stays_running_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, {}, body(), body("UNASSIGNED"), GOOD)
    assert run(script)["c"].state == "ok"
    assert script.time == pytest.approx(1.5 + 2.0)


def test_a_relapse_starts_the_count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, GOOD, GOOD, body("RUNNING", "UNASSIGNED"), GOOD)
    run(script)
    assert script.time == pytest.approx(1.5 + 2.0)


def test_failure_after_running(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectorFailedError) as caught:
        run(Script(monkeypatch, GOOD, GOOD, BAD))
    assert "task 1 failed: x.Y: why" in caught.value.why


def test_an_old_failure_is_not_blamed_on_a_new_config(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = {"tasks": [{"config": {"a": "1"}}]}, {"tasks": [{"config": {"a": "2", "task.class": "T"}}]}
    script = Script(monkeypatch, BAD, BAD, BAD, BAD, GOOD, tasks=[old, new])
    assert run(script, expected={"c": {"a": "2"}})["c"].state == "ok"
    with pytest.raises(ConnectorFailedError):
        run(Script(monkeypatch, BAD, tasks=[old, new]), expected={"c": {"a": "2"}})


def test_the_old_tasks_do_not_count_as_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = {"tasks": [{"config": {"a": "1"}}]}, {"tasks": [{"config": {"a": "2"}}]}
    script = Script(monkeypatch, GOOD, tasks=[old, old, old, new])
    run(script, expected={"c": {"a": "2"}})
    assert script.time == pytest.approx(1.5 + 2.0)


def test_a_plugin_that_never_shows_the_config_is_believed_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, GOOD, tasks=[{"tasks": [{"config": {"a": "rewritten"}}]}])
    run(script, expected={"c": {"a": "2"}})
    assert wait.TAKE_OVER < script.time < wait.TAKE_OVER + 5


def test_a_restarting_worker_is_put_up_with_and_a_dead_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(Script(monkeypatch, AWAY, AWAY, GOOD))["c"].state == "ok"
    with pytest.raises(ServiceUnavailableError):
        run(Script(monkeypatch, AWAY), timeout=120.0)


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, body("UNASSIGNED"))
    with pytest.raises(ConnectorFailedError) as caught:
        run(script)
    assert "0/1 tasks RUNNING after 30 s" in caught.value.why and script.time < 32
