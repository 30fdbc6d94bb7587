"""The graph as the page draws it: nodes with state, figures and last error, lines with their rate, one sentence."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from glue.deadletters.read import Letter
from glue.deadletters.show import letter_cause
from glue.pipeline.parts import Connector
from glue.privacy.shown import clean
from glue.settings import get_settings
from glue.topology.graph.layout import arrange, beneath
from glue.topology.graph.live import put_connectors, put_traffic
from glue.topology.graph.model import Graph, Node, NodeKind, build
from glue.ui.collector import CONNECT, EVERY, KAFKA, REGISTRY, Snapshot

_SOON = 7  # days before a request must be done
_NEVER = 7_258_118_400_000  # ms since the epoch, in 2200
_FRESH = 600_000  # milliseconds since its last record in which a source counts as at work
WORDS = {"ok": "healthy", "idle": "idle", "warn": "check", "fail": "failed", "unknown": "unknown"}
_WORST = ("fail", "unknown", "warn")


def live_graph(snapshot: Snapshot) -> Graph:
    """The declared graph with live state; ``state`` is one of ``WORDS``."""
    graph = build(snapshot.declared)
    for node in graph.nodes.values():
        node.facts.clear()
    if snapshot.connectors is not None:
        put_connectors(graph, snapshot.connectors)
    if snapshot.traffic is not None:
        put_traffic(graph, snapshot.traffic)
    for node in graph.nodes.values():
        _judge(node, snapshot, graph)
    return graph


def _judge(node: Node, snapshot: Snapshot, graph: Graph) -> None:
    if (snapshot.traffic if _told_by(node) == KAFKA else snapshot.connectors) is None:
        node.state = "unknown"
        return
    if node.kind == NodeKind.SOURCE:
        newest = newest_record(node, snapshot, graph)
        fresh = newest is not None and time.time() * 1000 - newest < _FRESH
        node.state = "ok" if fresh else "idle"
    elif node.kind == NodeKind.DEAD and node.state != "fail":
        node.state = "warn" if open_letters(node, snapshot) else "ok"
    elif node.kind == NodeKind.TOPIC and node.state == "ok" and f"{node.label}-value" in snapshot.declared.subjects:
        subjects = snapshot.subjects
        missing = REGISTRY in snapshot.errors if subjects is None else f"{node.label}-value" not in subjects
        node.state = "warn" if missing else "ok"
    by_hand = any(one.by_hand for one in snapshot.requests)
    if _asked_for(node, snapshot) and node.state == "ok" and (by_hand or _days_left(snapshot) < _SOON):
        node.state = "warn"
    node.state = node.state or "unknown"


def _told_by(node: Node) -> str:
    """The service that knows the state of a node."""
    return KAFKA if node.kind in (NodeKind.TOPIC, NodeKind.DEAD, NodeKind.CHAIN, NodeKind.SOURCE) else CONNECT


def _asked_for(node: Node, snapshot: Snapshot) -> bool:
    """Whether requests of persons or shops wait in this topic."""
    return bool(snapshot.requests) and node.kind == NodeKind.TOPIC and node.label == get_settings().requests_topic


def _days_left(snapshot: Snapshot) -> int:
    """Until the first request must be done."""
    due = min((one.due for one in snapshot.requests if not one.done), default=_NEVER)
    return int((due / 1000 - time.time()) // 86_400)


def newest_record(node: Node, snapshot: Snapshot, graph: Graph) -> int | None:
    """Milliseconds since the epoch of the newest record of a topic, or of the topic that a source fills."""
    if snapshot.traffic is None:
        return None
    if node.kind in (NodeKind.TOPIC, NodeKind.DEAD):
        return snapshot.traffic.newest.get(node.label)
    if node.kind != NodeKind.SOURCE:
        return None
    fed = (graph.nodes[right] for left, right in graph.edges if left == node.id)
    found = [snapshot.traffic.newest.get(one.label, 0) for one in fed if one.kind == NodeKind.TOPIC]
    return max(found, default=0) or None


def open_letters(node: Node, snapshot: Snapshot) -> int:
    """Open letters in a dead-letter topic, or by a source, a chain or a connector."""
    return sum(map(len, _open(node, snapshot)))


def _open(node: Node, snapshot: Snapshot) -> list[list[Letter]]:
    if node.kind == NodeKind.DEAD:
        return [letters for (topic, _), letters in snapshot.open.items() if topic == node.label]
    return [letters for (_, by), letters in snapshot.open.items() if node.part and by == node.part.by]


def trouble(node: Node, snapshot: Snapshot) -> str:
    """What is wrong with a node, in a sentence; empty where nothing is."""
    if node.state == "unknown":
        service = _told_by(node)
        return f"{service} does not answer" if service in snapshot.errors else "not looked at yet"
    if node.kind == NodeKind.CONNECTOR and node.state in ("warn", "fail"):
        return clean(node.facts[0])
    if node.kind == NodeKind.STORE and node.state in ("warn", "fail"):
        return "its connector does not work"
    if node.kind == NodeKind.CHAIN and node.state == "warn":
        return "not running: no worker reads its topics"
    if node.kind == NodeKind.DEAD and node.state == "warn":
        return f"{open_letters(node, snapshot):,} open"
    if node.state == "fail":
        return "the topic is missing"
    if _asked_for(node, snapshot):
        return f"{_requests(snapshot)}: mxctl person requests"
    if node.state == "warn":
        down = snapshot.subjects is None
        return f"{REGISTRY} does not answer" if down else "its schema is not registered"
    return ""


def _requests(snapshot: Snapshot) -> str:
    count, days = sum(not one.done for one in snapshot.requests), _days_left(snapshot)
    when = f"the first is due in {days} days" if days >= 0 else "the first is overdue"
    told = [f"{count} {'request' if count == 1 else 'requests'} open, {when}"] if count else []
    if by_hand := sum(bool(one.by_hand) for one in snapshot.requests):
        told.append(f"{by_hand} done but for a shop's key, to be removed by hand")
    return "; ".join(told)


def graph_view(snapshot: Snapshot) -> dict[str, Any]:
    """All that the page needs for one drawing."""
    graph = live_graph(snapshot)
    columns, routes = arrange(graph)
    nodes = [node_view(node, snapshot, graph) for node in graph.nodes.values()]
    return {
        "profile": snapshot.declared.profile,
        "at": int(time.time() * 1000),
        "every": EVERY,
        "summary": summary(graph, snapshot),
        "services": [
            {"name": name, "ok": name not in snapshot.errors, "text": snapshot.errors.get(name, "answers")}
            for name in (KAFKA, CONNECT, REGISTRY)
        ],
        "totals": _totals(graph, snapshot),
        "columns": columns,
        "routes": routes,
        "beneath": [
            {"id": name, "row": row, "column": column} for name, (row, column) in beneath(graph, len(columns)).items()
        ],
        "nodes": nodes,
        "edges": [
            {
                "from": left,
                "to": right,
                "dead": graph.nodes[right].kind == NodeKind.DEAD,
                "rate": edge_rate(graph, snapshot, left, right),
                "open": (part := graph.nodes[left].part) is not None
                and (graph.nodes[right].label, part.by) in snapshot.open,
            }
            for left, right in graph.edges
        ],
    }


def _totals(graph: Graph, snapshot: Snapshot) -> dict[str, float | None]:
    kinds = {name: node.kind for name, node in graph.nodes.items()}
    fed = {right for left, right in graph.edges if kinds[left] == NodeKind.SOURCE and kinds[right] == NodeKind.TOPIC}
    sunk = [edge for edge in graph.edges if kinds[edge[1]] == NodeKind.CONNECTOR]
    known = snapshot.traffic is not None
    return {
        "in": _total([snapshot.rates.written(graph.nodes[one].label) for one in fed]),
        "stored": _total([edge_rate(graph, snapshot, *edge) for edge in sunk]),
        "lag": sum(node.numbers.get("lag", 0) for node in graph.nodes.values()) if known else None,
        "dead": sum(open_letters(node, snapshot) for node in graph.dead) if known else None,
    }


def _total(rates: list[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def node_view(node: Node, snapshot: Snapshot, graph: Graph) -> dict[str, Any]:
    """One node: identity, state with its word and reason, and the figures that it has."""
    rates = snapshot.rates
    rate: float | None = None
    if node.kind in (NodeKind.TOPIC, NodeKind.DEAD):
        rate = rates.written(node.label)
    elif node.part and node.part.reads:
        rate = _total([rates.read(node.part.group, topic) for topic in node.part.reads])
    else:
        rate = _total(
            [edge_rate(graph, snapshot, a, b) for a, b in graph.edges if node.id in (a, b) and not _dead(graph, b)]
        )
    return {
        "id": node.id,
        "kind": str(node.kind),
        "name": node.label,
        "state": node.state,
        "word": WORDS[node.state],
        "why": trouble(node, snapshot),
        "rate": rate,
        "newest": newest_record(node, snapshot, graph),
        "open": open_letters(node, snapshot),
        "last_error": last_error(node, snapshot),
        **node.numbers,
    }


def last_error(node: Node, snapshot: Snapshot) -> dict[str, Any] | None:
    """The cause of the newest open letter of a source, chain or connector; of any, for dead letters."""
    newest = max((letters[0] for letters in _open(node, snapshot)), key=lambda one: one.timestamp, default=None)
    return None if newest is None else {"text": letter_cause(newest), "at": newest.timestamp, "id": newest.id}


def _dead(graph: Graph, name: str) -> bool:
    return graph.nodes[name].kind == NodeKind.DEAD


def edge_rate(graph: Graph, snapshot: Snapshot, left: str, right: str) -> float | None:
    """Records a second along a line: what is written to a topic, or what a reader committed."""
    one, other = graph.nodes[left], graph.nodes[right]
    if other.kind in (NodeKind.TOPIC, NodeKind.DEAD):
        return snapshot.rates.written(other.label)
    if other.part:
        return snapshot.rates.read(other.part.group, one.label)
    if isinstance(one.part, Connector):
        topics = (target.topic for target in one.part.targets if target.label == other.label)
        return _total([snapshot.rates.read(one.part.group, topic) for topic in topics])
    return None


def summary(graph: Graph, snapshot: Snapshot) -> dict[str, str]:
    """One sentence on the whole: ``state``, ``text``, and ``key``, which changes only when there is news."""
    nodes = list(graph.nodes.values())
    counts = Counter(node.state for node in nodes)
    state = next((one for one in _WORST if counts[one]), "ok")
    if state == "ok":
        return {"state": "ok", "text": f"All {len(nodes)} parts healthy", "key": "well"}
    down = [name for name in (KAFKA, CONNECT, REGISTRY) if name in snapshot.errors]
    parts = [f"{name} does not answer" for name in down]
    troubled = sorted((n for n in nodes if n.state in ("fail", "warn")), key=lambda n: _WORST.index(n.state))
    # A store only repeats its connector, and a topic the registry: said once is enough.
    reasons = [
        f"{node.label}: {why}"
        for node in troubled
        if node.kind != NodeKind.STORE and not (why := trouble(node, snapshot)).endswith("does not answer")
    ]
    parts += [*reasons[:2], *([f"{len(reasons) - 2} more"] if len(reasons) > 2 else [])]
    well = counts["ok"] + counts["idle"]
    text = ". ".join([*(parts or ["No answers yet"]), f"{well} of {len(nodes)} parts healthy"])
    return {
        "state": state if not down else "fail",
        "text": text,
        "key": "|".join([*down, *(f"{node.id}={node.state}" for node in nodes if node.state in _WORST)]),
    }
