"""What differs between declared and live, resource by resource, in meaning, and what each change will cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from glue.topology.avro_form import canonical
from glue.topology.compare import FieldChange, config_changes, same_value
from glue.topology.defaults import Definitions, KeyDef
from glue.topology.live import LiveConnector, LiveSubject, LiveTopic
from glue.topology.model import Connector, Kind, Subject, Topic


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One resource that differs. ``cost`` says in words what doing it will take."""

    kind: Kind
    name: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    cost: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """``topic source.social.tiktok``."""
        return f"{self.kind} {self.name}"


# Topic settings that a server adds or changes by itself; nobody declared them, so they are no difference.
_SERVER_TOPIC = ("confluent.", "leader.replication.throttled.", "follower.replication.throttled.")
_SERVER_CONNECTOR = frozenset(("name",))
_TOPIC_TYPES = {"cleanup.policy": KeyDef("LIST"), "compression.type": KeyDef("STRING")}


def topic_change(name: str, want: Topic, have: LiveTopic | None) -> Change | None:
    """The change that brings a topic to its declaration."""
    if have is None:
        sizes = [FieldChange("partitions", None, str(want.partitions))]
        if want.replication_factor > 0:
            sizes.append(FieldChange("replication_factor", None, str(want.replication_factor)))
        configs = [FieldChange(f"config.{k}", None, v) for k, v in sorted(want.config.items())]
        return Change(Kind.TOPIC, name, Action.CREATE, (*sizes, *configs))
    fields, cost, action = [], [], Action.UPDATE
    if want.partitions != have.partitions:
        fields.append(FieldChange("partitions", str(have.partitions), str(want.partitions)))
        if want.partitions < have.partitions:
            action = Action.RECREATE
            cost.append(
                "topic recreated: Kafka can not take partitions away; its records and consumers' offsets are lost"
            )
        else:
            cost.append("keys map to other partitions from now on; consumers rebalance")
    if want.replication_factor > 0 and want.replication_factor != have.replication_factor:
        fields.append(FieldChange("replication_factor", str(have.replication_factor), str(want.replication_factor)))
        cost.append("not done by mxctl: reassign the partitions with kafka-reassign-partitions")
    configs = list(_topic_configs(want.config, have))
    fields += configs
    cost += [text for one in configs if (text := _topic_cost(one))]
    return Change(Kind.TOPIC, name, action, tuple(fields), tuple(cost)) if fields else None


def _topic_configs(want: Mapping[str, str], have: LiveTopic) -> Iterator[FieldChange]:
    for key in sorted(want.keys() | have.overrides.keys()):
        before, after = have.effective.get(key), want.get(key)
        definition = _topic_type(key, before, after)
        if after is not None:
            if before is None or not same_value(key, before, after, definition):
                yield FieldChange(f"config.{key}", before, after)
        elif not key.startswith(_SERVER_TOPIC):
            yield FieldChange(f"config.{key}", have.overrides[key], None)


def _topic_type(key: str, before: str | None, after: str | None) -> KeyDef:
    if key in _TOPIC_TYPES:
        return _TOPIC_TYPES[key]
    texts = {text.strip().lower() for text in (before, after) if text is not None}
    return KeyDef("BOOLEAN") if texts <= {"true", "false"} else KeyDef("DOUBLE")


def _topic_cost(change: FieldChange) -> str:
    if change.path in ("config.retention.ms", "config.retention.bytes") and change.before and change.after:
        before, after = int(change.before), int(change.after)
        if 0 <= after < (before if before >= 0 else after + 1):
            return "records older than the new retention are deleted"
    if change.path == "config.cleanup.policy" and "compact" in (change.after or ""):
        return "older values of a key are compacted away"
    return ""


def subject_change(name: str, want: Subject, have: LiveSubject | None, default_level: str | None) -> Change | None:
    """The change that brings a subject to its declaration; a level equal to the registry's default is no change."""
    level = have.level if have else default_level
    fields: list[FieldChange] = []
    if want.compatibility and want.compatibility != level:
        fields.append(FieldChange("compatibility", level, want.compatibility))
    if have is None:
        fields.append(FieldChange("schema", None, want.schema.get("name", want.file.name)))
        return Change(Kind.SUBJECT, name, Action.CREATE, tuple(fields))
    schema = list(schema_fields(canonical(have.schema), canonical(want.schema)))
    cost = (f"version {have.version + 1} is registered; producers use it from their next start",) if schema else ()
    fields += schema
    return Change(Kind.SUBJECT, name, Action.UPDATE, tuple(fields), cost) if fields else None


def schema_fields(before: Any, after: Any, path: str = "schema") -> Iterator[FieldChange]:
    """Where two canonical schemas differ; fields of records are matched by name."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            left, right = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if key == "fields" and isinstance(left, list) and isinstance(right, list):
                yield from _record_fields(left, right, path)
            else:
                yield from schema_fields(left, right, f"{path}.{key}")
        return
    yield FieldChange(path, _brief(before), _brief(after))


def _record_fields(left: list[dict[str, Any]], right: list[dict[str, Any]], path: str) -> Iterator[FieldChange]:
    old = {field["name"]: field for field in left}
    new = {field["name"]: field for field in right}
    for name in sorted(old.keys() | new.keys()):
        yield from schema_fields(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{path}.{name}")
    shared = [n for n in old if n in new]
    if shared != [n for n in new if n in old]:
        yield FieldChange(
            f"{path}.fields", "order " + ", ".join(shared), "order " + ", ".join(n for n in new if n in old)
        )


_ABSENT: Any = object()  # a default of null is not the same as no default


def _brief(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def connector_change(want: Connector, have: LiveConnector | None, definitions: Definitions) -> Change | None:
    """The change that brings a connector to its declaration. Plugins are asked for defaults only if texts differ."""
    if have is None:
        fields = config_changes({}, want.config, {}, _SERVER_CONNECTOR)
        return Change(Kind.CONNECTOR, want.name, Action.CREATE, tuple(fields))
    if not config_changes(have.config, want.config, {}, _SERVER_CONNECTOR):
        return None
    known = {**definitions.of(have.config), **definitions.of(want.config)}
    fields = config_changes(have.config, want.config, known, _SERVER_CONNECTOR)
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
    return Change(Kind.CONNECTOR, want.name, Action.UPDATE, tuple(fields), tuple(cost))


def chain_change(name: str, want: Mapping[str, Any], applied: Mapping[str, str] | None) -> Change | None:
    """The change that brings a transform chain to its declaration; compared with what was applied last."""
    config = {key: str(value) for key, value in want.get("config", {}).items()}
    fields = tuple(config_changes(applied or {}, config, {}, frozenset()))
    if applied is None:
        return Change(Kind.CHAIN, name, Action.CREATE, fields)
    if not fields:
        return None
    cost = ("its service takes it over at its next start; what it has processed already stays as it is",)
    return Change(Kind.CHAIN, name, Action.UPDATE, fields, cost)


def store_change(name: str, pending: list[str]) -> Change | None:
    """The change that brings a store to its declaration; its own client says in words what that is."""
    if not pending:
        return None
    return Change(Kind.STORE, name, Action.UPDATE, tuple(FieldChange(one, None, None) for one in pending))


def to_json(change: Change) -> dict[str, Any]:
    """A change as a plan file, the history and ``-o json`` hold it."""
    return {
        "kind": str(change.kind),
        "name": change.name,
        "action": str(change.action),
        "fields": [{"path": one.path, "before": one.before, "after": one.after} for one in change.fields],
        "cost": list(change.cost),
    }
