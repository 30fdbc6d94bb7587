"""Waiting until connectors really work: the connector and every task RUNNING, and still so after a while."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from glue.errors import MillionXError, ServiceUnavailableError, Terminal
from glue.secrets import mask_text
from glue.topology.change import Event, Progress, silent
from glue.topology.kinds.connector import LiveConnector, read_connectors
from glue.topology.services import Services

POLL = 0.5
SILENCE = 30.0  # seconds without an answer that are put up with while waiting
OLD_TASKS = 2.0  # seconds in which tasks that had failed before a change are still reported
TAKE_OVER = 15.0  # seconds in which tasks show a new config, if their plugin shows it at all
AT_REST = ("PAUSED", "STOPPED")
_CAUSE = re.compile(r"^Caused by: (.+)$", re.MULTILINE)
_READ = 4000  # characters of a cause that are searched for secrets


class ConnectorFailedError(MillionXError, Terminal):
    """A connector or one of its tasks has failed, or does not get to RUNNING."""


@dataclass(frozen=True)
class Health:
    """One connector at one moment: ``ok``, ``waiting`` or ``failed``, and why."""

    state: str
    detail: str


def health(connector: LiveConnector | None) -> Health:
    """Whether a connector works. A paused or stopped one is ok where its tasks are at rest too."""
    if connector is None:
        return Health("waiting", "not there yet")
    tasks = connector.tasks
    failed = [task for task in tasks if task.get("state") == "FAILED"]
    if failed:
        ids = ", ".join(str(task.get("id")) for task in failed)
        return Health("failed", f"task {ids} failed: {root_cause(str(failed[0].get('trace', '')))}")
    if connector.state == "FAILED":
        return Health("failed", root_cause(str(connector.status.get("connector", {}).get("trace", ""))))
    if connector.state in AT_REST:
        busy = [task for task in tasks if task.get("state") != "PAUSED"]
        return Health("waiting" if busy else "ok", f"{connector.state}, {len(tasks)} tasks at rest")
    running = sum(task.get("state") == "RUNNING" for task in tasks)
    detail = f"{connector.state}, {running}/{len(tasks)} tasks RUNNING"
    if connector.state == "RUNNING" and tasks and running == len(tasks):
        return Health("ok", detail)
    return Health("waiting", detail)


def root_cause(trace: str) -> str:
    """The deepest cause of a Java stack trace, in one line, with what looks like a secret masked."""
    causes = _CAUSE.findall(trace)
    line = causes[-1] if causes else trace.strip().partition("\n")[0]
    return mask_text(line.strip()[:_READ])[:500] or "no trace given"  # cut before it is searched, and after


def wait_running(
    services: Services,
    names: Iterable[str],
    *,
    stable_for: float,
    timeout: float,
    expected: Mapping[str, Mapping[str, str]] | None = None,
    progress: Progress = silent,
) -> dict[str, Health]:
    """Wait until every named connector and all its tasks have been RUNNING (or at rest) for ``stable_for`` seconds.

    Args:
        stable_for: seconds without a change for the worse; a task that fails after its start is caught by it.
        timeout: seconds in all.
        expected: config that a connector's tasks must have taken over before they count, where they show its keys.

    Raises:
        ConnectorFailedError: a task failed (with its root cause), or time is up.
    """
    watch = _Watch(services, sorted(names), dict(expected or {}), progress)
    started = time.monotonic()
    since: float | None = None
    while watch.names:
        states = watch.look()
        if failed := watch.failed(states):
            raise _failure(failed)
        now = time.monotonic()
        if now - started > TAKE_OVER:
            watch.pending.clear()  # a plugin may rewrite its tasks' configs, so that ours never shows
        if states and not watch.pending and all(one.state == "ok" for one in states.values()):
            since = now if since is None else since
            if now - since >= stable_for:
                return states
        else:
            since = None
        if now > started + timeout:
            late = {n: one for n, one in states.items() if one.state != "ok" or n in watch.pending} or states
            raise _failure(late, f" after {timeout:.0f} s")
        time.sleep(POLL)
    return {}


class _Watch:
    """Looks at connectors again and again, and reports what is new."""

    def __init__(
        self, services: Services, names: list[str], pending: dict[str, Mapping[str, str]], progress: Progress
    ) -> None:
        self.names, self.pending = names, pending
        self._services, self._progress = services, progress
        self._changed = set(pending)
        self._failing: dict[str, float] = {}
        self._reported: dict[str, str] = {}
        self._answered = time.monotonic()

    def look(self) -> dict[str, Health]:
        """Health by name; empty while Connect does not answer, for a worker may be restarting.

        Raises:
            ServiceUnavailableError: no answer for ``SILENCE`` seconds.
        """
        try:
            live = read_connectors(self._services)
            states = {name: health(live.get(name)) for name in self.names}
            final = {name for name, one in states.items() if one.state in ("ok", "failed")}
            for name in final & self.pending.keys():
                if _taken_over(self._services, name, self.pending[name]):
                    del self.pending[name]
        except ServiceUnavailableError as error:
            if time.monotonic() - self._answered > SILENCE:
                raise
            self._progress(Event("Kafka Connect", "waiting", error.why))
            return {}
        self._answered = time.monotonic()
        for name, one in states.items():
            if self._reported.get(name) != one.detail:
                self._reported[name] = one.detail
                self._progress(Event(f"connector {name}", one.state, one.detail))
        return states

    def failed(self, states: Mapping[str, Health]) -> dict[str, Health]:
        """What has really failed: of a connector that was changed, the failure may still be that of its old tasks."""
        now = time.monotonic()
        failing = {name for name, one in states.items() if one.state == "failed" and name not in self.pending}
        self._failing = {name: self._failing.get(name, now) for name in failing}
        return {
            name: states[name]
            for name, begun in self._failing.items()
            if name not in self._changed or now - begun >= OLD_TASKS
        }


def _taken_over(services: Services, name: str, config: Mapping[str, str]) -> bool:
    """Whether the tasks run with the new config: their configs repeat the connector's keys, where they repeat them."""
    return all(
        config.get(key, value) == value
        for task in services.connect.tasks(name)
        for key, value in (task.get("config") or {}).items()
        if key in config
    )


def _failure(states: Mapping[str, Health], when: str = "") -> ConnectorFailedError:
    what = ", ".join(f"connector {name}" for name in states) or "connectors"
    why = ("; ".join(one.detail for one in states.values()) or "Kafka Connect does not answer") + when
    first = next(iter(states), "NAME")
    return ConnectorFailedError(
        what, why, f"mxctl connectors describe {first}; then mxctl connectors restart {first} --failed"
    )
