"""The graph as text and as Mermaid."""

from __future__ import annotations

from glue.topology.graph.model import Graph, Node, NodeKind

_SIGN = {"ok": "●", "warn": "◐", "fail": "✗", "": "○"}
_SHAPES = {
    NodeKind.SOURCE: ("([", "])"),
    NodeKind.TOPIC: ("[[", "]]"),
    NodeKind.CHAIN: ("{{", "}}"),
    NodeKind.CONNECTOR: ("[", "]"),
    NodeKind.STORE: ("[(", ")]"),
    NodeKind.DEAD: (">", "]"),
}
_CLASSES = {
    "ok": "fill:#e6f4ea,stroke:#188038",
    "warn": "fill:#fef7e0,stroke:#b06000",
    "fail": "fill:#fce8e6,stroke:#c5221f",
}


def as_text(graph: Graph) -> str:
    """An indented tree from each source; what was shown before is only named. Dead letters at the end."""
    after: dict[str, list[str]] = {}
    fed = {right for _, right in graph.edges}
    for left, right in graph.edges:
        after.setdefault(left, []).append(right)
    lines: list[str] = []
    seen: set[str] = set()

    def show(node: Node, depth: int) -> None:
        again = node.id in seen and bool(after.get(node.id))
        lines.append(f"{'  ' * depth}{_SIGN[node.state]} {_name(node)}{' (see above)' if again else _facts(node)}")
        seen.add(node.id)
        for child in () if again else after.get(node.id, ()):
            if graph.nodes[child].kind != NodeKind.DEAD:
                show(graph.nodes[child], depth + 1)

    for node in graph.nodes.values():
        if node.id not in fed and node.kind != NodeKind.DEAD:
            show(node, 0)
    for node in graph.dead:
        writers = ", ".join(graph.nodes[left].label for left, right in graph.edges if right == node.id)
        lines.append(f"{_SIGN[node.state]} {_name(node)}{_facts(node)}, from {writers or 'nobody'}")
    return "\n".join(lines)


def _name(node: Node) -> str:
    return node.label if node.kind == NodeKind.STORE else f"{node.kind} {node.label}"


def _facts(node: Node) -> str:
    return f" — {', '.join(node.facts)}" if node.facts else ""


def as_mermaid(graph: Graph) -> str:
    """A flowchart that GitHub and others draw."""
    ids = {name: f"n{index}" for index, name in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for name, node in graph.nodes.items():
        left, right = _SHAPES[node.kind]
        text = "<br/>".join([node.label, *node.facts]).replace('"', "'")
        lines.append(f'  {ids[name]}{left}"{text}"{right}{f":::{node.state}" if node.state else ""}')
    for left_id, right_id in graph.edges:
        arrow = "-.->" if graph.nodes[right_id].kind == NodeKind.DEAD else "-->"
        lines.append(f"  {ids[left_id]} {arrow} {ids[right_id]}")
    lines += [f"  classDef {state} {style}" for state, style in _CLASSES.items()]
    return "\n".join(lines)
