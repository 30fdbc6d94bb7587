"""One node in full: facts, and tables of its parts, ready to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from glue.deadletters.triage import by_cause
from glue.errors import MillionXError
from glue.kafka.topics import read_topics
from glue.pipeline.parts import Chain
from glue.privacy.shown import cause, clean
from glue.secrets import shown
from glue.topology.graph.model import Graph, Node, NodeKind
from glue.topology.kinds.subject import read_subjects
from glue.topology.wait import root_cause
from glue.ui.collector import Collector, Snapshot
from glue.ui.view import node_view

Section = dict[str, Any]
_LIMIT = 2000  # characters of one cell


def node_detail(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> dict[str, Any]:
    """The node's view with ``about``, ``sections`` and, where records can be looked at, ``topic``."""
    makers = {
        NodeKind.TOPIC: _topic,
        NodeKind.DEAD: _dead,
        NodeKind.CHAIN: _chain,
        NodeKind.CONNECTOR: _connector,
        NodeKind.SOURCE: _source,
        NodeKind.STORE: _store,
    }
    about, sections = makers[node.kind](node, graph, snapshot, collector)
    links = [
        [way, ", ".join(graph.nodes[one].label for one in ends)]
        for way, ends in (
            ("From", [left for left, right in graph.edges if right == node.id]),
            ("To", [right for left, right in graph.edges if left == node.id]),
        )
        if ends
    ]
    return {
        **node_view(node, snapshot, graph),
        "about": about,
        "sections": [_table("Neighbours", ["Way", "Parts"], links), *sections],
        "topic": node.label if node.kind in (NodeKind.TOPIC, NodeKind.DEAD) else None,
    }


def _table(title: str, columns: list[str], rows: list[list[Any]], note: str = "") -> Section:
    cells = [[one[:_LIMIT] if isinstance(one, str) else one for one in row] for row in rows]
    return {"title": title, "columns": columns, "rows": cells, "note": note}


def _topic(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> tuple[str, list[Section]]:
    declared = snapshot.declared.topics[node.label]
    sections = []
    if snapshot.traffic is not None:
        ends = sorted((place[1], *end) for place, end in snapshot.traffic.ends.items() if place[0] == node.label)
        rows: list[list[Any]] = [[number, low, high, high - low] for number, low, high in ends]
        sections.append(_table("Partitions", ["Partition", "First", "Next", "Records at most"], rows))
        sections.append(_table("Settings", ["Setting", "Value"], _topic_settings(node.label, collector)))
    subject = f"{node.label}-value"
    if subject in snapshot.declared.subjects:
        sections.append(_schema(subject, collector))
    return declared.description, sections


def _topic_settings(name: str, collector: Collector) -> list[list[Any]]:
    try:
        found = read_topics(collector.services.admin, [name]).get(name)
    except MillionXError as error:
        return [["not known", clean(error.why)]]
    if found is None:
        return []
    kept = ("retention.ms", "retention.bytes", "cleanup.policy", "message.timestamp.type", "min.insync.replicas")
    rows: list[list[Any]] = [["copies of each partition", str(found.replication_factor)]]
    for key in kept:
        value = found.effective.get(key)
        if value is not None:
            rows.append([key, f"{value} ({_days(value)})" if key == "retention.ms" else value])
    return rows


def _days(milliseconds: str) -> str:
    days = int(milliseconds) / 86_400_000
    return "for ever" if days < 0 else f"{days:g} days"


def _schema(subject: str, collector: Collector) -> Section:
    try:
        found = read_subjects(collector.services.registry, [subject]).found
    except MillionXError as error:
        return _table("Schema", ["Field", "Type", "Privacy"], [], f"{subject}: {clean(error.why)}")
    live = found.get(subject)
    if live is None:
        return _table("Schema", ["Field", "Type", "Privacy"], [], f"{subject} is not registered: mxctl schemas apply")
    fields = live.schema.get("fields", []) if isinstance(live.schema, dict) else []
    rows: list[list[Any]] = [
        [one.get("name"), _type(one.get("type")), ", ".join(one.get("confluent:tags") or []) or "–"] for one in fields
    ]
    note = f"Subject {subject}, version {live.version}, id {live.schema_id}, compatibility {live.level}"
    return _table("Schema", ["Field", "Type", "Privacy"], rows, note)


def _type(avro: Any) -> str:
    if isinstance(avro, list):
        return " or ".join(_type(one) for one in avro)
    if isinstance(avro, dict):
        inner = avro.get("logicalType") or avro.get("type")
        return f"array of {_type(avro['items'])}" if inner == "array" else str(inner)
    return str(avro)


def _dead(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> tuple[str, list[Section]]:
    groups = by_cause(snapshot.letters.get(node.label, []))
    causes = [cause(one["class"], one["error"], one["message"]) for one in groups]
    rows: list[list[Any]] = [
        [one["letters"], one["open"], one["by"], why, one["example"]] for one, why in zip(groups, causes, strict=True)
    ]
    note = "Of the latest letters only; mxctl dlq stats counts all of them" if node.label in snapshot.cut else ""
    columns = ["Letters", "Open", "By", "Cause", "For instance"]
    about, sections = _topic(node, graph, snapshot, collector)
    return about, [_table("Causes", columns, rows, note or ("" if rows else "No dead letter.")), *sections]


def _lag(node: Node, snapshot: Snapshot) -> list[Section]:
    if node.part is None or not node.part.reads or snapshot.traffic is None:
        return []
    group, topics = node.part.group, node.part.reads
    lags = snapshot.traffic.lags(group, topics)
    rows: list[list[Any]] = [
        [topic, sum(lag for place, lag in lags.items() if place[0] == topic), _rate(snapshot.rates.read(group, topic))]
        for topic in topics
    ]
    return [_table("Reads", ["Topic", "Lag", "Records/s"], rows, f"Consumer group {group}")]


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.1f}"


def _chain(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> tuple[str, list[Section]]:
    config = snapshot.declared.chains[node.label].get("config", {})
    steps: list[list[Any]] = [
        [number, name, str(config.get(f"transforms.{name}.type", "")).rpartition(":")[2]]
        for number, name in enumerate(node.part.transforms if isinstance(node.part, Chain) else (), 1)
    ]
    sections = [_table("Transforms", ["Step", "Name", "Type"], steps), *_lag(node, snapshot)]
    if snapshot.traffic is not None and node.part is not None:
        rows: list[list[Any]] = [
            [member.client, len(member.partitions)] for member in snapshot.traffic.members.get(node.part.group, ())
        ]
        note = "" if rows else f"Nobody. To start one: mxctl transforms run {node.label}, or mxctl local up"
        sections.append(_table("Workers", ["Worker", "Partitions"], rows, note))
    sections.append(_config({str(key): str(value) for key, value in config.items()}))
    return str(snapshot.declared.chains[node.label].get("description", "")), sections


def _connector(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> tuple[str, list[Section]]:
    found = (snapshot.connectors or {}).get(node.label)
    sections = _lag(node, snapshot)
    if found is not None:
        tasks: list[list[Any]] = [
            [task.get("id"), str(task.get("state")), str(task.get("worker_id")), _trace(str(task.get("trace") or ""))]
            for task in found.tasks
        ]
        again = f"To start what failed again: mxctl connectors restart {node.label} --failed"
        note = again if node.state == "fail" else ""
        sections.insert(0, _table("Tasks", ["Task", "State", "Worker", "Root cause"], tasks, note))
    config = found.config if found is not None else snapshot.declared.connectors[node.label].config
    title = "Configuration" if found is not None else "Configuration as declared"
    secrets = _passwords(config, collector) if found is not None else ()
    return snapshot.declared.connectors[node.label].plugin, [*sections, _config(config, title, secrets)]


def _passwords(config: dict[str, str], collector: Collector) -> list[str]:
    """The keys that the plugin itself declares as passwords, whatever their names."""
    try:
        known = collector.services.definitions.of(config)
    except MillionXError:
        return list(config)  # the worker does not say, so any may be one
    return [key for key, definition in known.items() if definition.type == "PASSWORD"]


def _trace(trace: str) -> str:
    return clean(root_cause(trace)) if trace else ""


def _config(config: dict[str, str], title: str = "Configuration", secrets: Iterable[str] = ()) -> Section:
    rows: list[list[Any]] = [[key, clean(shown(key, value, secrets))] for key, value in sorted(config.items())]
    return _table(title, ["Key", "Value"], rows)


def _source(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> tuple[str, list[Section]]:
    source = snapshot.declared.sources[node.label]
    plain = {key: str(value) for key, value in source.items() if not isinstance(value, dict | list)}
    return "A producer; this page sees what it writes, not its process.", [_config(plain)]


def _store(node: Node, graph: Graph, snapshot: Snapshot, collector: Collector) -> tuple[str, list[Section]]:
    rows: list[list[Any]] = [
        [target.topic, target.connector, target.place, "replaces" if target.upserts else "adds a row"]
        for target in graph.pipeline.targets
        if target.label == node.label
    ]
    columns = ["Topic", "Connector", "Table or collection", "A second record of a key"]
    return "What a connector fills; its state is that of the connector.", [_table("Filled from", columns, rows)]
