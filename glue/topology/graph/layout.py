"""Where boxes and lines go: layers from left to right, long lines with a slot of their own in each layer they pass.

The method is Sugiyama's: layers, invisible slots, and an order by the mean place of neighbours so that few lines cross.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from glue.topology.graph.model import Graph, Node, NodeKind

WIDTH, LINE, PAD = 232, 17, 12
_GAP_X, _GAP_Y, _SLOT = 64, 18, 4


@dataclass(frozen=True)
class Box:
    """A place: left, top, height; a slot of a passing line is low and has no box drawn."""

    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        """Where lines meet it."""
        return self.y + self.height // 2


@dataclass
class Placed:
    """Boxes by node id, and lines as (class, SVG path)."""

    boxes: dict[str, Box] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    width: int = 0
    height: int = 0


def place(graph: Graph) -> Placed:
    """Lay the graph out."""
    layers, routes = arrange(graph)
    heights = {node.id: 2 * PAD + LINE * (2 + len(node.facts)) - 2 for node in graph.nodes.values()}
    totals = [sum(heights.get(one, _SLOT) + _GAP_Y for one in layer) - _GAP_Y for layer in layers]
    body = max(totals, default=0)
    places: dict[str, Box] = {}
    for column, (layer, total) in enumerate(zip(layers, totals, strict=True)):
        y = 4 + (body - total) // 2
        for one in layer:
            places[one] = Box(4 + column * (WIDTH + _GAP_X), y, heights.get(one, _SLOT))
            y += places[one].height + _GAP_Y
    under = beneath(graph, len(layers))
    tall = max((heights[name] for name in under), default=0)
    for name, (row, column) in under.items():
        places[name] = Box(4 + column * (WIDTH + _GAP_X), body + 60 + row * (tall + _GAP_Y), heights[name])
    drawn = Placed({name: places[name] for name in graph.nodes})
    drawn.edges = [("", _through([places[one] for one in route])) for route in routes]
    drawn.edges += [
        ("dead", _down(places[left], places[right])) for left, right in graph.edges if _is_dead(graph, right)
    ]
    drawn.width = max((box.x for box in places.values()), default=0) + WIDTH + 8
    drawn.height = max((box.y + box.height for box in places.values()), default=0) + 8
    return drawn


def arrange(graph: Graph) -> tuple[list[list[str]], list[list[str]]]:
    """Columns of ids in the order in which few lines cross, and each line as the ids it passes.

    An id that starts with ``~`` is a slot: room for a line that passes a column. What lies beneath is in neither.
    """
    layers, routes = _slots(graph)
    _order(layers, routes)
    return layers, routes


def beneath(graph: Graph, count: int) -> dict[str, tuple[int, int]]:
    """Row and column, each from 0, of what lies beneath ``count`` columns: dead letters, then what no line reaches.

    Every second column is used, so that a box there may be broader; what finds no room in a row begins the next one.
    """
    joined = _joined(graph)
    loose = [name for name in graph.nodes if not _is_dead(graph, name) and name not in joined]
    columns = range(1, count, 2) or range(1)
    names = [*(node.id for node in graph.dead), *loose]
    return {name: (index // len(columns), columns[index % len(columns)]) for index, name in enumerate(names)}


def _joined(graph: Graph) -> set[str]:
    return {name for edge in graph.edges for name in edge}


def _is_dead(graph: Graph, name: str) -> bool:
    return graph.nodes[name].kind == NodeKind.DEAD


def _slots(graph: Graph) -> tuple[list[list[str]], list[list[str]]]:
    """Layers of ids, and each line as the ids it passes; a line over several layers gets a slot in each."""
    columns: dict[int, list[str]] = {}
    joined = _joined(graph)
    for node in graph.nodes.values():
        if node.kind != NodeKind.DEAD and node.id in joined:
            columns.setdefault(node.layer, []).append(node.id)
    routes = []
    for left, right in graph.edges:
        if _is_dead(graph, right):
            continue
        passed = [f"~{left}>{right}@{layer}" for layer in range(_layer(graph, left) + 1, _layer(graph, right))]
        for offset, slot in enumerate(passed):
            columns.setdefault(_layer(graph, left) + 1 + offset, []).append(slot)
        routes.append([left, *passed, right])
    return [columns[index] for index in sorted(columns)], routes


def _layer(graph: Graph, name: str) -> int:
    node: Node = graph.nodes[name]
    return node.layer


def _order(layers: list[list[str]], routes: list[list[str]]) -> None:
    """Sort each layer by the mean place of what it is joined to, left to right and back, a few times."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for route in routes:
        for left, right in pairwise(route):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    for turn in range(6):
        neighbours = before if turn % 2 == 0 else after
        for layer in layers if turn % 2 == 0 else reversed(layers):
            rank = {name: index / max(1, len(one) - 1) for one in layers for index, name in enumerate(one)}
            mean = {
                name: sum(rank[other] for other in near) / len(near) if (near := neighbours.get(name)) else rank[name]
                for name in layer
            }
            layer.sort(key=mean.__getitem__)


def _through(boxes: list[Box]) -> str:
    """A smooth line from the right of the first box through the slots to the left of the last."""
    path = f"M{boxes[0].x + WIDTH},{boxes[0].middle}"
    x, y = boxes[0].x + WIDTH, boxes[0].middle
    for box in boxes[1:]:
        bend = (box.x - x) // 2
        path += f" C{x + bend},{y} {box.x - bend},{box.middle} {box.x},{box.middle}"
        if box is not boxes[-1]:
            path += f" H{box.x + WIDTH}"
            x = box.x + WIDTH
        y = box.middle
    return path


def _down(left: Box, right: Box) -> str:
    """A line from the foot of a box down to dead letters."""
    x1, y1, x2, y2 = left.x + WIDTH // 2, left.y + left.height, right.x + WIDTH // 2, right.y
    bend = max(24, (y2 - y1) // 2)
    return f"M{x1},{y1} C{x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2}"
