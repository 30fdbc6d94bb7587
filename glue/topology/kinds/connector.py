"""Connectors: ``connect-config/connectors/*.json``, each the body that Connect's REST takes, and Kafka Connect."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from glue.errors import MillionXError, ServiceError, UsageError
from glue.overlay import merge_patch
from glue.secrets import has_reference, holds_secret
from glue.times import split_list
from glue.topology.change import Action, Change, Undo
from glue.topology.configdef import Definitions, alias, as_text, config_changes
from glue.topology.files import Files, WithConfig, json_schema, read_json
from glue.topology.kinds.contract import Exported, Kind, Live
from glue.topology.memory import Memory
from glue.topology.model import Declared, Problem
from glue.topology.rules import connectors as rules
from glue.topology.rules import converters
from glue.topology.services import Services

_SERVER = frozenset(("name",))  # keys that Connect adds
# Prefixes below which anything may stand, and keys that Connect itself reads
_FREE = ("name", "consumer.override.", "producer.override.", "admin.override.", "key.converter.", "value.converter.",
         "header.converter.", "topic.creation.", "python.")  # fmt: skip


class Connector(WithConfig):
    """A connector file: the very body that ``POST /connectors`` takes."""

    name: str = Field(min_length=1)
    config: dict[str, str]
    initial_state: Literal["RUNNING", "PAUSED", "STOPPED"] | None = Field(
        None, description="State in which it is created (KIP-980)."
    )

    @property
    def plugin(self) -> str:
        """Class or alias of the plugin; empty where it is missing."""
        return self.config.get("connector.class", "")

    @property
    def topics(self) -> list[str]:
        """Topics a sink reads by name."""
        return split_list(self.config.get("topics", ""))


@dataclass(frozen=True)
class LiveConnector:
    """A connector: its config as it was put, and its status as Connect tells it."""

    config: dict[str, str]
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """State of the connector itself; its tasks may be in another."""
        return str(self.status.get("connector", {}).get("state", "UNKNOWN"))

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """``id``, ``state``, ``worker_id`` and, when failed, ``trace`` of each task."""
        return list(self.status.get("tasks", []))


class Connectors(Kind):
    name, section = "connector", "connectors"
    patches = "Connector name → patch of its body; null leaves it out, a new one is added."
    rules = (
        rules.names, rules.plugin_and_tasks, rules.topics_declared, rules.snowflake, converters.values, converters.keys,
    )  # fmt: skip
    delete_cost = "its tasks stop; its offsets stay"

    def load(self, files: Files) -> Iterator[tuple[str, Connector, Path]]:
        seen: dict[str, Path] = {}
        for body, file in self._bodies(files):
            body = files.resolve(body, file, for_worker=True)
            for key, value in body["config"].items() if isinstance(body.get("config"), Mapping) else ():
                if isinstance(value, bool | int | float):
                    message = f"is a {type(value).__name__}, not a string"
                    files.problem(file, f"config.{key}", message, f'write it in quotes: "{json.dumps(value)}"')
            connector = files.parse(Connector, body, file)
            if connector and connector.name in seen:
                message = f"{connector.name} is already declared in {seen[connector.name].name}"
                files.problem(file, "name", message, "rename one")
            elif connector:
                seen[connector.name] = file
                yield connector.name, connector, file

    def _bodies(self, files: Files) -> Iterator[tuple[dict[str, Any], Path]]:
        """Each connector's body with the profile's patch; a patch that names a plugin is a connector of its own."""
        names = set()
        given = files.connectors
        for file in _expand(given) if given else sorted((files.folder / "connectors").glob("*.json")):
            body = read_json(file, files.problems)
            name = str(body.get("name"))
            names.add(name)
            if files.patch.get(name, {}) is not None:
                yield merge_patch(body, files.patch.get(name, {})), file
        for name in sorted(files.patch.keys() - names) if not given else ():
            patch = files.patch[name]
            config = patch.get("config") if isinstance(patch, Mapping) else None
            if isinstance(config, Mapping) and "connector.class" in config:
                yield {"name": name, **patch}, files.profile
            else:
                fix = "correct the name, or give it a connector.class to declare it here"
                files.problem(files.profile, f"connectors.{name}", "patches no connector", fix)

    def dump(self, want: Connector) -> Any:
        return want.model_dump(exclude_none=True)

    def restore(self, body: Any) -> Connector:
        return Connector.model_validate(body)

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        return {"connector": json_schema(Connector)}

    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> Live:
        found = read_connectors(services)
        return Live(found, set(found))

    def diff(self, services: Services, name: str, want: Connector, live: Live) -> Change | None:
        return connector_change(want, live.found.get(name), services.definitions)

    def fingerprint(self, live: Live, name: str) -> Any:
        connector = live.found.get(name)
        return connector and {key: _shielded(key, value) for key, value in connector.config.items()}

    def check(self, services: Services, declared: Declared, change: Change) -> None:
        if change.action != Action.DELETE:
            known_plugin(services, declared.connectors[change.name])

    def verify(self, services: Services, declared: Declared, change: Change) -> None:
        """Field by field what the plugin refuses; no value that came back is quoted."""
        if change.action != Action.DELETE and (refused := _refused(services, declared.connectors[change.name])):
            file = declared.file(self.name, change.name)
            fix = f"correct {file.name if file else 'its config'}; mxctl plugins explain KEY"
            raise ServiceError(change.label, "\n       ".join(f"{key}: {text}" for key, text in refused), fix)

    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        connect, name = services.connect, change.name
        before = live.found.get(name)
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

    def validate(self, services: Services, declared: Declared) -> Iterator[Problem]:
        for connector in declared.connectors.values():
            file = declared.file(self.name, connector.name)
            try:
                known_plugin(services, connector)
            except ServiceError as error:
                yield Problem(file, "config.connector.class", error.why, error.fix)
                continue
            try:
                yield from (Problem(file, key, text) for key, text in _refused(services, connector))
            except MillionXError as error:
                yield Problem(file, "config", str(error), error.fix)
            known = services.definitions.of(connector.config)
            # ConfigDefs are not complete (Snowflake's is not), so only what looks like a slip of the pen is named.
            strays = [key for key in connector.config if key not in known and not key.startswith(_FREE)]
            for key in strays if services.definitions.plugin(connector.plugin) else ():
                if near := difflib.get_close_matches(key, known, 1, 0.9):
                    message, fix = "is not a key of this connector's plugins", f"did you mean {near[0]}?"
                    yield Problem(file, f"config.{key}", message, fix, warning=True)

    def export(self, services: Services, out: Exported) -> None:
        """A secret that stands in plain text in a live config is replaced by a reference, and a note says so."""
        live = read_connectors(services)
        for name, connector in sorted(live.items()):
            passwords = {k for k, one in services.definitions.of(connector.config).items() if one.type == "PASSWORD"}
            file = re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".") or "unnamed"
            config = {}
            for key, value in sorted(connector.config.items()):
                if key == "name":
                    continue
                if (key in passwords and not has_reference(value)) or holds_secret(key, value):
                    reference = f"${{file:secrets/{file}.properties:{key}}}"
                    where = f"put it where {reference} points"
                    out.notes.append(f"connector {name}: {key} is in plain text in the cluster; {where}")
                    value = reference
                config[key] = value
            out.dead_letters.add(config.get("errors.deadletterqueue.topic.name", ""))
            body = json.dumps({"name": name, "config": config}, indent=2, ensure_ascii=False)
            (out.config / "connectors" / f"{file}.json").write_text(body + "\n", encoding="utf-8")
        out.counts[self.plural] = len(live)


def _expand(given: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    for name in given:
        path = Path(name)
        inside = sorted(path.glob("*.json")) if name != "-" and path.is_dir() else [path]
        if not inside:
            raise UsageError(f"folder {name}", "holds no .json file", "name a folder of connector files")
        if name != "-" and not path.exists():
            raise UsageError(f"file {name}", "does not exist", "give a file, a folder or - for stdin")
        files += inside
    return files


def read_connectors(services: Services) -> dict[str, LiveConnector]:
    """Every connector with config and status, in one call."""
    return {
        name: LiveConnector({k: as_text(v) for k, v in body["info"]["config"].items() if v is not None}, body["status"])
        for name, body in services.connect.connectors().items()
    }


def connector_change(want: Connector, have: LiveConnector | None, definitions: Definitions) -> Change | None:
    """The change that brings a connector to its declaration. Plugins are asked for defaults only if texts differ."""
    if have is None:
        fields = config_changes({}, want.config, {}, _SERVER)
        return Change("connector", want.name, Action.CREATE, tuple(fields))
    if not config_changes(have.config, want.config, {}, _SERVER):
        return None
    known = {**definitions.of(have.config), **definitions.of(want.config)}
    fields = config_changes(have.config, want.config, known, _SERVER)
    if not fields:
        return None
    tasks = len(have.tasks)
    cost = [f"{tasks} task{'s' if tasks != 1 else ''} restarted; records since the last commit are processed again"]
    if any(one.path in ("topics", "topics.regex") for one in fields):
        cost.append("a newly read topic is read from its start")
    if any(one.path == "consumer.override.group.id" for one in fields):
        cost.append("a new consumer group: every record of its topics is processed again")
    if have.state in ("PAUSED", "STOPPED"):
        cost.append(f"it is {have.state} and stays so")
    return Change("connector", want.name, Action.UPDATE, tuple(fields), tuple(cost))


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
    why = f"the worker has no plugin {connector.plugin or '(connector.class is missing)'}"
    fix = f"did you mean {near[0]}?" if near else "install it into the worker's plugin.path; mxctl plugins get"
    raise ServiceError(f"connector {connector.name}", why, fix)


def _refused(services: Services, want: Connector) -> list[tuple[str, str]]:
    """What the plugin says against a config: ``config.KEY`` and a text."""
    answers = services.connect.validate(want.plugin, {**want.config, "name": want.name})
    return [(f"config.{key}", text) for key, texts in sorted(answers.items()) for text in texts]


@cache
def _shielded(key: str, value: str) -> str:
    """The value; a literal secret that someone put into a live config only as a slow hash: plan files are shared."""
    if not holds_secret(key, value):
        return value
    return hashlib.scrypt(value.encode(), salt=key.encode(), n=2**14, r=8, p=1).hex()
