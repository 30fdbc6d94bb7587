"""Live state put onto the graph: records in topics, connectors and their lag, workers of chains and theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from glue.topology.graph.model import Graph, Node, NodeKind
from glue.topology.graph.traffic import Traffic, read_traffic, really_done
from glue.topology.kinds.connector import LiveConnector, read_connectors
from glue.topology.services import Services
from glue.topology.wait import health


def add_live_state(graph: Graph, services: Services) -> None:
    """Fill state, facts and numbers of the nodes.

    Raises:
        ServiceUnavailableError: Kafka or Connect does not answer.
    """
    traffic = read_traffic(services.admin, graph.pipeline)
    done = really_done(services.kafka, traffic.almost_done())
    put_connectors(graph, read_connectors(services))
    put_traffic(graph, replace(traffic, done=frozenset(done)))


def put_traffic(graph: Graph, traffic: Traffic) -> None:
    """What Kafka tells: records of topics, workers of chains, lag of all who read."""
    for node in graph.nodes.values():
        if node.kind in (NodeKind.TOPIC, NodeKind.DEAD):
            _topic(node, traffic.records(node.label))
        elif node.kind == NodeKind.CHAIN:
            count = len(traffic.members.get(node.part.group, ())) if node.part else 0
            node.numbers["workers"] = count
            node.state = "ok" if count else "warn"
            node.facts.append(f"{count} workers" if count else "not running")
        if node.part and node.part.reads:
            node.numbers["lag"] = traffic.lag(node.part.group, node.part.reads)
            node.facts.append(f"lag {node.numbers['lag']:,}")


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
