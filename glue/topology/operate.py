"""Operating what runs: look at connectors, pause, resume, stop, restart, delete, and see that it took effect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from glue.connect import ConnectClient, ConnectNotFoundError
from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.secrets import shown
from glue.topology.kinds.connector import LiveConnector, read_connectors
from glue.topology.offsets import lag_of
from glue.topology.services import Services
from glue.topology.wait import POLL, health, root_cause, wait_running


def connector_rows(services: Services) -> list[dict[str, Any]]:
    """One row a connector: state, tasks that run of tasks there are, and why it does not work if it does not."""
    rows = []
    for name, live in sorted(read_connectors(services).items()):
        state = health(live)
        running = sum(task.get("state") == "RUNNING" for task in live.tasks)
        rows.append(
            {
                "name": name,
                "type": live.status.get("type"),
                "state": live.state,
                "tasks": f"{running}/{len(live.tasks)}",
                "plugin": live.config.get("connector.class", "").rpartition(".")[2],
                "topics": live.config.get("topics") or live.config.get("topics.regex") or "",
                "problem": state.detail if state.state == "failed" else None,
            }
        )
    return rows


def describe_connector(services: Services, name: str) -> dict[str, Any]:
    """Everything about one connector: state, tasks with their root causes, config with secrets masked, topics, lag.

    Raises:
        ConnectNotFoundError: there is no connector of that name.
    """
    live = _one(services, name)
    known = services.definitions.of(live.config)
    secrets = [key for key, definition in known.items() if definition.type == "PASSWORD"]
    return {
        "name": name,
        "type": live.status.get("type"),
        "state": live.state,
        "worker": live.status.get("connector", {}).get("worker_id"),
        "problem": _trace(live.status.get("connector", {})),
        "tasks": [
            {"id": t.get("id"), "state": t.get("state"), "worker": t.get("worker_id"), "problem": _trace(t)}
            for t in live.tasks
        ],
        "topics": _topics(services, name),
        "lag": lag_of(services, name),
        "config": {key: shown(key, value, secrets) for key, value in sorted(live.config.items()) if key != "name"},
    }


def _topics(services: Services, name: str) -> list[str] | None:
    """Topics it has used; None where the worker does not track them."""
    try:
        return services.connect.topics(name)
    except (ServiceError, ServiceUnavailableError):
        return None


def _trace(part: dict[str, Any]) -> str | None:
    return root_cause(str(part["trace"])) if part.get("trace") else None


def _one(services: Services, name: str) -> LiveConnector:
    found = read_connectors(services)
    if name not in found:
        fix = f"there are: {', '.join(sorted(found)) or 'none'}"
        raise ConnectNotFoundError(f"connector {name}", "there is no such connector", fix)
    return found[name]


def chosen(services: Services, names: Iterable[str], everything: bool) -> list[str]:
    """The connectors meant: those named, which must be there, or all.

    Raises:
        UsageError: none named and not all, or both.
        ConnectNotFoundError: one is not there.
    """
    names = list(names)
    if bool(names) == everything:
        raise UsageError("connectors", "name them, or say --all, and not both", "mxctl connectors get lists them")
    live = read_connectors(services)
    for name in names:
        if name not in live:
            _one(services, name)
    return names or sorted(live)


def set_state(services: Services, names: Iterable[str], action: str, *, timeout: float = 60) -> None:
    """``pause``, ``resume`` or ``stop`` connectors and wait until they and their tasks have got there.

    Raises:
        ServiceUnavailableError: not within ``timeout`` seconds.
        ConnectorFailedError: a task fails on resuming.
    """
    names = list(names)
    calls = {"pause": services.connect.pause, "resume": services.connect.resume, "stop": services.connect.stop}
    for name in names:
        calls[action](name)
    if action == "resume":
        wait_running(services, names, stable_for=2, timeout=timeout)
        return
    target = {"pause": "PAUSED", "stop": "STOPPED"}[action]

    def late() -> list[str]:
        live = read_connectors(services)
        return [name for name in names if not _at_rest(live.get(name), target)]

    if left := _left_after(timeout, late):
        why = f"not {target} within {timeout:.0f} s"
        raise ServiceUnavailableError(f"connectors {', '.join(left)}", why, "mxctl connectors describe")


def _left_after(seconds: float, left: Callable[[], list[str]]) -> list[str]:
    """Ask until nothing is left; what is, after some seconds."""
    deadline = time.monotonic() + seconds
    while (names := left()) and time.monotonic() <= deadline:
        time.sleep(POLL)
    return names


def _at_rest(live: LiveConnector | None, target: str) -> bool:
    if live is None or live.state != target:
        return False
    return not live.tasks if target == "STOPPED" else all(t.get("state") in ("PAUSED", "FAILED") for t in live.tasks)


def restart(services: Services, names: Iterable[str], *, only_failed: bool, timeout: float = 60) -> list[str]:
    """Restart connectors with their tasks, or only what has failed of them, and wait until all runs.

    Returns:
        those that were restarted; with ``only_failed`` one that has nothing failed is left alone.
    """
    names = list(names)
    if only_failed:
        live = read_connectors(services)
        names = [name for name in names if health(live.get(name)).state == "failed"]
    for name in names:
        services.connect.restart(name, only_failed=only_failed)
    if names:
        time.sleep(1)  # the restart is asynchronous: until it begins, the old states are reported
        wait_running(services, names, stable_for=2, timeout=timeout)
    return names


def delete(services: Services, name: str, *, timeout: float = 30) -> None:
    """Delete a connector and wait until it is gone. Its offsets stay, unless they were reset before."""
    services.connect.delete(name)
    if _left_after(timeout, lambda: [name] if name in services.connect.connectors() else []):
        raise ServiceUnavailableError(f"connector {name}", f"still there after {timeout:.0f} s", "mxctl doctor")


def logger_of(connect: ConnectClient, name: str) -> str:
    """The logger that covers a connector's plugin: the package of its class."""
    plugin = connect.config(name).get("connector.class", "")
    if "." not in plugin:
        classes = [str(one["class"]) for one in connect.plugins()]
        plugin = next((one for one in classes if one.rpartition(".")[2].startswith(plugin)), plugin)
    return plugin.rpartition(".")[0] or "org.apache.kafka.connect"


def logger_rows(connect: ConnectClient, logger: str) -> list[dict[str, Any]]:
    """The level of a logger, of the root, and of what lies below it with a level of its own since the start."""
    found = connect.loggers()
    rows = [
        {"logger": name, "level": (body or {}).get("level"), "changed": bool((body or {}).get("last_modified"))}
        for name, body in sorted(found.items())
        if name in ("root", logger) or (name.startswith(logger + ".") and (body or {}).get("last_modified"))
    ]
    if logger not in found:
        level = f"{(found.get('root') or {}).get('level')} (as root)"
        rows.insert(0, {"logger": logger, "level": level, "changed": False})
    return rows
