"""The graph behind the pictures: what feeds what, in layers from sources to stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from glue.topology.model import Connector, Declared, split_list
from glue.topology.rules.connectors import sink_topics
from glue.topology.rules.dead_letters import TOPIC as DEAD_LETTERS


class NodeKind(StrEnum):
    """What a node is."""

    SOURCE = "source"
    TOPIC = "topic"
    CHAIN = "chain"
    CONNECTOR = "connector"
    STORE = "store"
    DEAD = "dead letters"


@dataclass
class Node:
    """One box.

    Attributes:
        state: ``ok``, ``warn``, ``fail``, or empty where nothing is known.
        facts: texts shown in it.
        numbers: the live figures behind the facts: ``records``, ``lag``, ``workers``, ``tasks``, ``running``, where
            the node has them.
    """

    id: str
    kind: NodeKind
    label: str
    layer: int = 0
    state: str = ""
    facts: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass
class Graph:
    """Nodes by id, and edges; an edge to dead letters is ``True`` in ``dead``."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def add(self, kind: NodeKind, name: str) -> Node:
        """The node of that kind and name, made when it is new."""
        return self.nodes.setdefault(f"{kind}/{name}", Node(f"{kind}/{name}", kind, name))

    def link(self, left: Node, right: Node) -> None:
        """An edge, once."""
        if (left.id, right.id) not in self.edges:
            self.edges.append((left.id, right.id))

    def layers(self) -> list[list[Node]]:
        """Nodes but dead letters by layer, each after all that feed it."""
        count = max((node.layer for node in self.nodes.values()), default=0) + 1
        found: list[list[Node]] = [[] for _ in range(count)]
        for node in self.nodes.values():
            if node.kind != NodeKind.DEAD:
                found[node.layer].append(node)
        return [layer for layer in found if layer]

    @property
    def dead(self) -> list[Node]:
        """The dead-letter topics."""
        return [node for node in self.nodes.values() if node.kind == NodeKind.DEAD]


def build(declared: Declared) -> Graph:
    """The graph of what is declared."""
    graph = Graph()
    for name, source in declared.sources.items():
        node = graph.add(NodeKind.SOURCE, name)
        if source.get("topic"):
            graph.link(node, _topic(graph, declared, str(source["topic"])))
        if source.get("dead_letters"):
            graph.link(node, _topic(graph, declared, str(source["dead_letters"])))
    for name in declared.topics:
        _topic(graph, declared, name)
    for name, chain in declared.chains.items():
        config, node = chain.get("config", {}), graph.add(NodeKind.CHAIN, name)
        node.facts.append(" → ".join(split_list(str(config.get("transforms", "")))) or "no transforms")
        for topic in split_list(str(config.get("topics", ""))):
            graph.link(_topic(graph, declared, topic), node)
        for key in ("output.topic", DEAD_LETTERS):
            if config.get(key):
                graph.link(node, _topic(graph, declared, str(config[key])))
    for connector in declared.connectors.values():
        node = graph.add(NodeKind.CONNECTOR, connector.name)
        for topic in sink_topics(declared, connector):
            graph.link(_topic(graph, declared, topic), node)
        if connector.config.get(DEAD_LETTERS):
            graph.link(node, _topic(graph, declared, connector.config[DEAD_LETTERS]))
        for store in stores_of(connector):
            graph.link(node, graph.add(NodeKind.STORE, store))
    _set_layers(graph)
    return graph


def _topic(graph: Graph, declared: Declared, name: str) -> Node:
    topic = declared.topics.get(name)
    return graph.add(NodeKind.DEAD if topic and topic.dead_letters else NodeKind.TOPIC, name)


def stores_of(connector: Connector) -> dict[str, list[str]]:
    """What a sink fills, by the name it has in the graph, and the topics each is filled from; none: from all."""
    config = connector.config
    if "snowflake.database.name" in config:
        filled: dict[str, list[str]] = {}
        for part in split_list(config.get("snowflake.topic2table.map", "")):
            topic, _, table = part.rpartition(":")
            filled.setdefault(f"Snowflake {table}", []).append(topic)
        return filled or {f"Snowflake {config['snowflake.database.name']}": []}
    if "collection.mapping" in config:
        filled = {}
        for part in split_list(config["collection.mapping"]):
            topic, _, collection = part.rpartition(":")
            filled.setdefault(f"Weaviate {collection}", []).extend([topic] if topic else [])
        return filled
    return {}


def _set_layers(graph: Graph) -> None:
    """The longest way from a source; cycles end at the number of nodes."""
    data = [(a, b) for a, b in graph.edges if graph.nodes[b].kind != NodeKind.DEAD]
    for _ in graph.nodes:
        moved = False
        for left, right in data:
            wanted = graph.nodes[left].layer + 1
            if graph.nodes[right].layer < wanted <= len(graph.nodes):
                graph.nodes[right].layer, moved = wanted, True
        if not moved:
            break
