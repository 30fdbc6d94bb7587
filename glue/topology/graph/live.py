"""Live state put onto the graph: records in topics, connectors and their lag, workers of chains and theirs."""

from __future__ import annotations

from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException

from glue.topology.graph.model import Graph, Node, NodeKind
from glue.topology.kafka_read import TIMEOUT, kafka_unavailable, watermarks
from glue.topology.live import read_connectors
from glue.topology.model import Declared, split_list
from glue.topology.services import Services
from glue.topology.wait import health

Ends = dict[tuple[str, int], tuple[int, int]]


def add_live_state(graph: Graph, services: Services, declared: Declared) -> None:
    """Fill state and facts of the nodes.

    Raises:
        ServiceUnavailableError: Kafka or Connect does not answer.
    """
    ends = watermarks(services.settings.kafka, list(declared.topics))
    connectors = read_connectors(services)
    groups = {
        node.label: _group_of(declared, node.label) for node in graph.nodes.values() if node.kind == NodeKind.CHAIN
    }
    groups |= {name: f"connect-{name}" for name in connectors}
    positions = _positions(services.admin, groups)
    members = _members(services.admin, list(groups.values()))
    for node in graph.nodes.values():
        if node.kind in (NodeKind.TOPIC, NodeKind.DEAD):
            _topic(node, ends)
        elif node.kind == NodeKind.CONNECTOR:
            one = health(connectors.get(node.label))
            node.state = {"ok": "ok", "failed": "fail"}.get(one.state, "warn")
            node.facts.append(one.detail if node.label in connectors else "not created")
            node.facts.append(_lag(positions.get(node.label, {}), ends, declared.connectors[node.label].topics))
        elif node.kind == NodeKind.CHAIN:
            count = members.get(groups[node.label], 0)
            node.state = "ok" if count else "warn"
            node.facts.append(f"{count} workers" if count else "not running")
            topics = split_list(str(declared.chains[node.label].get("config", {}).get("topics", "")))
            node.facts.append(_lag(positions.get(node.label, {}), ends, topics))
    for left, right in graph.edges:
        if graph.nodes[right].kind == NodeKind.STORE:
            graph.nodes[right].state = graph.nodes[left].state


def _topic(node: Node, ends: Ends) -> None:
    mine = [high - low for (topic, _), (low, high) in ends.items() if topic == node.label]
    if not mine:
        node.state, node.facts = "fail", [*node.facts, "missing"]
        return
    count = sum(mine)
    node.state = "warn" if node.kind == NodeKind.DEAD and count else "ok"
    node.facts.append(f"{count:,} records")


def _lag(positions: dict[tuple[str, int], int], ends: Ends, topics: list[str]) -> str:
    behind = sum(
        max(0, high - max(low, positions.get((topic, partition), low)))
        for (topic, partition), (low, high) in ends.items()
        if topic in topics
    )
    return f"lag {behind:,}"


def _group_of(declared: Declared, chain: str) -> str:
    return str(declared.chains[chain].get("config", {}).get("group.id") or f"millionx-{chain}")


def _positions(admin: Any, groups: dict[str, str]) -> dict[str, dict[tuple[str, int], int]]:
    """Committed offsets by name of the chain or connector."""
    found: dict[str, dict[tuple[str, int], int]] = {}
    for name, group in groups.items():
        try:
            futures = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=TIMEOUT)
            for future in futures.values():
                parts = future.result(TIMEOUT).topic_partitions
                found[name] = {(p.topic, p.partition): p.offset for p in parts if p.offset >= 0}
        except KafkaException as error:
            if error.args[0].retriable():
                raise kafka_unavailable(f"group {group}", error) from None
    return found


def _members(admin: Any, groups: list[str]) -> dict[str, int]:
    """Members by group; a group that is not there has none."""
    counts: dict[str, int] = {}
    if not groups:
        return counts
    for group, future in admin.describe_consumer_groups(groups, request_timeout=TIMEOUT).items():
        try:
            counts[group] = len(future.result(TIMEOUT).members)
        except KafkaException as error:
            if error.args[0].retriable():
                raise kafka_unavailable(f"group {group}", error) from None
    return counts
