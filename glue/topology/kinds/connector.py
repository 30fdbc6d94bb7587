"""Connectors: let the plugin validate, put the config, delete."""

from __future__ import annotations

import difflib

from glue.errors import ServiceError
from glue.topology.change import Undo
from glue.topology.compare import alias
from glue.topology.diff import Action, Change
from glue.topology.live import Live
from glue.topology.model import Connector, Declared, Kind
from glue.topology.services import Services


def check(services: Services, declared: Declared, change: Change) -> None:
    """Let the plugin validate the config, before anything is written.

    Raises:
        ServiceError: field by field what it refuses; no value that came back is quoted.
    """
    if change.action == Action.DELETE:
        return
    want = declared.connectors[change.name]
    problems = services.connect.validate(want.plugin, {**want.config, "name": want.name})
    if problems:
        why = "\n       ".join(f"config.{key}: {text}" for key, texts in sorted(problems.items()) for text in texts)
        file = declared.files.get((Kind.CONNECTOR, change.name))
        raise ServiceError(
            change.label, why, f"correct {file.name if file else 'its config'}; mxctl plugins explain KEY"
        )


def known_plugin(services: Services, connector: Connector) -> None:
    """Raise unless the worker has the connector's plugin.

    Asked first, because for an unknown class ``/config/validate`` answers 500 with the whole config in its text.

    Raises:
        ServiceError: it has not, with the nearest name that it has.
    """
    classes = [str(plugin["class"]) for plugin in services.plugins if plugin.get("type") in ("sink", "source")]
    names = {*classes, *(one.rpartition(".")[2] for one in classes), *(alias(one) for one in classes)}
    if connector.plugin in names:
        return
    near = difflib.get_close_matches(connector.plugin, classes, 1, 0.4)
    raise ServiceError(
        f"connector {connector.name}",
        f"the worker has no plugin {connector.plugin or '(connector.class is missing)'}",
        f"did you mean {near[0]}?" if near else "install it into the worker's plugin.path; mxctl plugins get",
    )


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Write one change of a connector."""
    connect, name = services.connect, change.name
    before = live.connectors.get(name)
    if change.action == Action.DELETE:
        connect.delete(name)
    else:
        want = declared.connectors[name]
        if change.action == Action.CREATE and want.initial_state not in (None, "RUNNING"):
            connect.create(name, want.config, want.initial_state)
        else:
            connect.put_config(name, want.config)
    if before is None:
        return Undo(f"delete connector {name} again", lambda: connect.delete(name))
    rest = before.state if before.state in ("PAUSED", "STOPPED") else None
    config = before.config
    if change.action == Action.DELETE:
        return Undo(f"create connector {name} as it was", lambda: connect.create(name, config, rest))
    return Undo(f"put back the config of connector {name}", lambda: connect.put_config(name, config))
