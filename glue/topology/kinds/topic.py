"""Topics: ``connect-config/topics.json`` and Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from glue.errors import ServiceError
from glue.kafka.reads import TIMEOUT, record_count, watermarks
from glue.kafka.topics import LiveTopic, add_partitions, create_topic, delete_topic, read_topics, set_configs, topic_ids
from glue.overlay import merge_patch
from glue.times import split_list
from glue.topology.change import Action, Change, FieldChange, Undo, impossible
from glue.topology.configdef import KeyDef, same_value
from glue.topology.files import Files, Strict, WithConfig, json_schema
from glue.topology.kinds.contract import Exported, Kind, Live
from glue.topology.memory import Memory
from glue.topology.model import Declared, Problem
from glue.topology.rules.names import copies, topic_names
from glue.topology.services import Services

INTERNAL = ("__", "_mxctl.", "_schemas", "connect-")
# Settings that a server adds or changes by itself; nobody declared them, so they are not a difference.
_SERVER = ("confluent.", "leader.replication.throttled.", "follower.replication.throttled.")


class Topic(WithConfig):
    """A Kafka topic."""

    partitions: int = Field(ge=1, description="Number of partitions; it can grow, never shrink.")
    replication_factor: int = Field(-1, description="Copies of each partition; -1 leaves it to the broker.")
    dead_letters: bool = Field(False, description="Records that could not be processed end here.")
    description: str = ""


class TopicDefaults(WithConfig):
    """What a topic gets where it does not say otherwise."""

    partitions: int | None = Field(None, ge=1)
    replication_factor: int | None = None


class TopicsFile(Strict):
    """``topics.json``."""

    schema_: str | None = Field(None, alias="$schema")
    defaults: TopicDefaults = TopicDefaults()
    topics: dict[str, dict[str, Any]]


class Topics(Kind):
    name, section, patches = "topic", "topics", "Patches topics.json."
    rules = (topic_names, copies)

    def load(self, files: Files) -> Iterator[tuple[str, Topic, Path]]:
        file = files.folder / "topics.json"
        parsed = files.parse(TopicsFile, files.read(file, files.patch), file) if file.exists() else None
        defaults = parsed.defaults.model_dump(exclude_none=True) if parsed else {}
        for name, entry in parsed.topics.items() if parsed else ():
            if topic := files.parse(Topic, merge_patch(defaults, entry), file, f"topics.{name}"):
                yield name, topic, file

    def dump(self, want: Topic) -> Any:
        return want.model_dump()

    def restore(self, body: Any) -> Topic:
        return Topic.model_validate(body)

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        made, topic = json_schema(TopicsFile), Topic.model_json_schema()
        topic.pop("$defs", None)
        # A topic may leave to `defaults` what it does not say itself, so nothing is required here.
        made["properties"]["topics"]["additionalProperties"] = {**topic, "required": []}
        return {"topics": made}

    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> Live:
        found = read_topics(services.admin, wanted)
        return Live(found, set(found))

    def diff(self, services: Services, name: str, want: Topic, live: Live) -> Change | None:
        change = topic_change(name, want, live.found.get(name))
        return _with_loss(services, change) if change and change.action == Action.RECREATE else change

    def deletions(self, services: Services, notes: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
        ids = topic_ids(services.admin, notes)
        for change in super().deletions(services, notes):
            # Of another id it is one that someone else made after ours was deleted.
            if notes[change.name].get("topic_id") == ids.get(change.name):
                yield _with_loss(services, change)

    def fingerprint(self, live: Live, name: str) -> Any:
        topic = live.found.get(name)
        return topic and [topic.partitions, topic.replication_factor, topic.overrides]

    def notes(self, services: Services, names: list[str]) -> dict[str, dict[str, Any]]:
        return {name: {"topic_id": one} for name, one in topic_ids(services.admin, names).items()}

    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        admin, name = services.admin, change.name
        if change.action == Action.UPDATE:
            return _update(admin, declared.topics[name], live.found[name], change)
        if change.action in (Action.DELETE, Action.RECREATE):
            delete_topic(admin, name)
        if change.action in (Action.CREATE, Action.RECREATE):
            want = declared.topics[name]
            create_topic(admin, name, want.partitions, want.replication_factor, want.config)
        if change.action == Action.CREATE:
            text = f"delete topic {name} again, if nothing has been written to it"
            return Undo(text, lambda: _delete_empty(services, name))
        return impossible(f"topic {name} was deleted; its records are gone")

    def validate(self, services: Services, declared: Declared) -> Iterator[Problem]:
        brokers = len(services.admin.list_topics(timeout=TIMEOUT).brokers)
        for name, topic in declared.topics.items():
            if topic.replication_factor > brokers:
                message = f"{topic.replication_factor} copies, but the number of brokers is {brokers}"
                file = declared.file(self.name, name)
                yield Problem(file, f"topics.{name}.replication_factor", message, "lower it in the profile")

    def export(self, services: Services, out: Exported) -> None:
        names = [name for name in read_topics(services.admin, ()) if not name.startswith(INTERNAL)]
        live = read_topics(services.admin, names)
        entries = {name: _entry(live[name], name in out.dead_letters) for name in sorted(names)}
        (out.config / "topics.json").write_text(json.dumps({"topics": entries}, indent=2) + "\n", encoding="utf-8")
        out.counts[self.plural] = len(entries)


def topic_change(name: str, want: Topic, have: LiveTopic | None) -> Change | None:
    """The change that brings a topic to its declaration."""
    if have is None:
        sizes = [FieldChange("partitions", None, str(want.partitions))]
        if want.replication_factor > 0:
            sizes.append(FieldChange("replication_factor", None, str(want.replication_factor)))
        configs = [FieldChange(f"config.{k}", None, v) for k, v in sorted(want.config.items())]
        return Change("topic", name, Action.CREATE, (*sizes, *configs))
    fields, cost, action = [], [], Action.UPDATE
    if want.partitions != have.partitions:
        fields.append(FieldChange("partitions", str(have.partitions), str(want.partitions)))
        if want.partitions < have.partitions:
            action = Action.RECREATE
            lost = "its records and consumers' offsets are lost"
            cost.append(f"topic recreated: Kafka cannot take partitions away; {lost}")
        else:
            cost.append("keys map to other partitions from now on; consumers rebalance")
    if want.replication_factor > 0 and want.replication_factor != have.replication_factor:
        fields.append(FieldChange("replication_factor", str(have.replication_factor), str(want.replication_factor)))
        cost.append("not done by mxctl: reassign the partitions with kafka-reassign-partitions")
    configs = list(_config_changes(want.config, have))
    cost += [text for one in configs if (text := _cost(one))]
    fields += configs
    return Change("topic", name, action, tuple(fields), tuple(cost)) if fields else None


def _config_changes(want: Mapping[str, str], have: LiveTopic) -> Iterator[FieldChange]:
    for key in sorted(want.keys() | have.overrides.keys()):
        before, after = have.effective.get(key), want.get(key)
        if after is not None:
            if before is None or not same_value(key, before, after, _type(key, before, after)):
                yield FieldChange(f"config.{key}", before, after)
        elif not key.startswith(_SERVER):
            yield FieldChange(f"config.{key}", have.overrides[key], None)


def _type(key: str, before: str, after: str) -> KeyDef:
    if key == "compression.type":
        return KeyDef("STRING")
    texts = {text.strip().lower() for text in (before, after)}
    return KeyDef("BOOLEAN") if texts <= {"true", "false"} else KeyDef("DOUBLE")


def _cost(change: FieldChange) -> str:
    before, after = change.before or "", change.after or ""
    if change.path in ("config.retention.ms", "config.retention.bytes"):
        numbers = [int(one) for one in (before, after) if one.removeprefix("-").isdigit()]
        if len(numbers) == 2 and numbers[1] >= 0 and (numbers[0] < 0 or numbers[1] < numbers[0]):
            return "records older than the new retention are deleted"
    if change.path == "config.cleanup.policy" and "compact" in {*split_list(after)} - {*split_list(before)}:
        return "older values of a key are compacted away"
    return ""


def _with_loss(services: Services, change: Change) -> Change:
    count = record_count(services.kafka, change.name)
    return replace(change, cost=(*change.cost, f"{count} records are deleted"))


def _update(admin: Any, want: Topic, have: LiveTopic, change: Change) -> Undo:
    name, grown = change.name, any(one.path == "partitions" for one in change.fields)
    if grown:
        add_partitions(admin, name, want.partitions)
    keys = [one.path.removeprefix("config.") for one in change.fields if one.path.startswith("config.")]
    before = {key: have.overrides.get(key) for key in keys}
    set_configs(admin, name, {key: want.config.get(key) for key in keys})
    if grown:
        return impossible(f"topic {name} has more partitions now; Kafka cannot take them away")
    return Undo(f"put back the configs of topic {name}", lambda: set_configs(admin, name, before))


def _delete_empty(services: Services, name: str) -> None:
    if count := record_count(services.kafka, name):
        raise ServiceError(f"topic {name}", f"{count} records have been written to it since, so it stays")
    delete_topic(services.admin, name)


def _entry(topic: LiveTopic, dead_letters: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"partitions": topic.partitions, "replication_factor": topic.replication_factor}
    if dead_letters:
        body["dead_letters"] = True
    if topic.overrides:
        body["config"] = dict(sorted(topic.overrides.items()))
    return body


def topic_rows(services: Services, declared: Declared, *, internal: bool = False) -> list[dict[str, Any]]:
    """One row a topic, live or declared. ``records`` is what it holds at most (compaction makes it fewer).

    Args:
        internal: also those of Kafka, Connect, the registry and mxctl itself.
    """
    live = read_topics(services.admin, declared.topics)
    names = [n for n in sorted(live.keys() | declared.topics.keys()) if internal or not n.startswith(INTERNAL)]
    counts: dict[str, int] = {}
    for (topic, _), (low, high) in watermarks(services.kafka, [n for n in names if n in live]).items():
        counts[topic] = counts.get(topic, 0) + high - low
    rows = []
    for name in names:
        have, want = live.get(name), declared.topics.get(name)
        drift = "differs" if want and topic_change(name, want, have) else "as declared"
        rows.append(
            {
                "name": name,
                "partitions": have.partitions if have else None,
                "copies": have.replication_factor if have else None,
                "retention_ms": have.effective.get("retention.ms") if have and want else None,
                "records": counts.get(name),
                "dead_letters": bool(want and want.dead_letters),
                "state": "missing" if have is None else "not declared" if want is None else drift,
            }
        )
    return rows
