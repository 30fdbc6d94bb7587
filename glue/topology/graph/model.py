"""The graph behind the pictures: what feeds what, in layers from sources to stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from glue.pipeline.parts import Part
from glue.pipeline.routes import Pipeline
from glue.topology.model import Declared


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
        part: the source, chain or connector that it stands for.
    """

    id: str
    kind: NodeKind
    label: str
    part: Part | None = None
    layer: int = 0
    state: str = ""
    facts: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass
class Graph:
    """Nodes by id, and edges, of a pipeline."""

    pipeline: Pipeline
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
    pipeline = Pipeline.of(declared)
    graph = Graph(pipeline)
    for source in pipeline.sources.values():
        _part(graph, NodeKind.SOURCE, source)
    for name in pipeline.topics:
        _topic(graph, name)
    for chain in pipeline.chains.values():
        _part(graph, NodeKind.CHAIN, chain).facts.append(" → ".join(chain.transforms) or "no transforms")
    for connector in pipeline.connectors.values():
        node = _part(graph, NodeKind.CONNECTOR, connector)
        for target in connector.targets:
            graph.link(node, graph.add(NodeKind.STORE, target.label))
    _set_layers(graph)
    return graph


def _part(graph: Graph, kind: NodeKind, part: Part) -> Node:
    node = graph.add(kind, part.name)
    node.part = part
    for topic in part.reads:
        graph.link(_topic(graph, topic), node)
    for topic in (*part.writes, *((part.dead_letters,) if part.dead_letters else ())):
        graph.link(node, _topic(graph, topic))
    return node


def _topic(graph: Graph, name: str) -> Node:
    return graph.add(NodeKind.DEAD if name in graph.pipeline.dead_letters else NodeKind.TOPIC, name)


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
