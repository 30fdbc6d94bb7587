"""Live state put onto the graph: records in topics, connectors and their lag, workers of chains and theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from glue.topology.graph.model import Graph, Node, NodeKind
from glue.topology.graph.traffic import Traffic, chain_group, read_traffic, really_done, sink_group
from glue.topology.live import LiveConnector, read_connectors
from glue.topology.model import Declared, split_list
from glue.topology.rules.connectors import sink_topics
from glue.topology.services import Services
from glue.topology.wait import health


def add_live_state(graph: Graph, services: Services, declared: Declared) -> None:
    """Fill state, facts and numbers of the nodes.

    Raises:
        ServiceUnavailableError: Kafka or Connect does not answer.
    """
    traffic = read_traffic(services.admin, declared)
    done = really_done(services.settings.kafka, traffic.almost_done())
    put_connectors(graph, read_connectors(services))
    put_traffic(graph, declared, replace(traffic, done=frozenset(done)))


def put_traffic(graph: Graph, declared: Declared, traffic: Traffic) -> None:
    """What Kafka tells: records of topics, workers of chains, lag of all who read."""
    for node in graph.nodes.values():
        if node.kind in (NodeKind.TOPIC, NodeKind.DEAD):
            _topic(node, traffic.records(node.label))
        elif node.kind == NodeKind.CHAIN:
            count = len(traffic.members.get(chain_group(declared, node.label), ()))
            node.numbers["workers"] = count
            node.state = "ok" if count else "warn"
            node.facts.append(f"{count} workers" if count else "not running")
        reads = reads_of(declared, node)
        if reads is not None:
            node.numbers["lag"] = traffic.lag(*reads)
            node.facts.append(f"lag {node.numbers['lag']:,}")


def reads_of(declared: Declared, node: Node) -> tuple[str, list[str]] | None:
    """The consumer group of a node and the topics it reads; None for what reads none."""
    if node.kind == NodeKind.CHAIN:
        topics = split_list(str(declared.chains[node.label].get("config", {}).get("topics", "")))
        return chain_group(declared, node.label), topics
    if node.kind == NodeKind.CONNECTOR and (sunk := sink_topics(declared, declared.connectors[node.label])):
        return sink_group(node.label), list(sunk)
    return None


def put_connectors(graph: Graph, connectors: Mapping[str, LiveConnector]) -> None:
    """What Connect tells: the state of connectors and their tasks, which is also that of the stores they fill."""
    for node in graph.nodes.values():
        if node.kind == NodeKind.CONNECTOR:
            found = connectors.get(node.label)
            one = health(found)
            node.state = {"ok": "ok", "failed": "fail"}.get(one.state, "warn")
            node.facts.append(one.detail if found else "not created")
            tasks = found.tasks if found else []
            node.numbers["tasks"] = len(tasks)
            node.numbers["running"] = sum(task.get("state") == "RUNNING" for task in tasks)
    for left, right in graph.edges:
        if graph.nodes[right].kind == NodeKind.STORE:
            graph.nodes[right].state = graph.nodes[left].state


def _topic(node: Node, records: int | None) -> None:
    if records is None:
        node.state, node.facts = "fail", [*node.facts, "missing"]
        return
    node.numbers["records"] = records
    node.state = "warn" if node.kind == NodeKind.DEAD and records else "ok"
    node.facts.append(f"{records:,} records")
