"""The graph as one HTML file that needs nothing else: drawn as SVG here, readable in light and dark, and as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from glue.topology.graph.layout import LINE, PAD, WIDTH, Box, place
from glue.topology.graph.model import Graph, Node, NodeKind

_STATE_WORDS = {"ok": "working", "warn": "check", "fail": "failed", "": "as declared"}
_STYLE = """
:root{--bg:#f7f8fa;--card:#fff;--ink:#1b2330;--dim:#5b6675;--line:#b9c2cf;--edge:#8a96a6;--ok:#1a7f4b;--warn:#b35c00;
--fail:#c42b1c;--none:#7a8594}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b212a;--ink:#e8edf4;--dim:#9aa7b8;--line:#364150;
--edge:#66748a;--ok:#4cc38a;--warn:#f0a04b;--fail:#ff6f61;--none:#8693a5}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
header{padding:20px 24px 4px}h1{font-size:20px;margin:0 0 4px}p{margin:0;color:var(--dim)}
.legend{display:flex;flex-wrap:wrap;gap:6px 18px;padding:10px 24px;color:var(--dim)}
.dot{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:6px}
.ok{background:var(--ok)}.warn{background:var(--warn)}.fail{background:var(--fail)}.none{background:var(--none)}
.chart{overflow-x:auto;padding:4px 24px 12px}svg{display:block;width:100%;height:auto}
svg text{fill:var(--ink);font:13px system-ui,sans-serif}svg .kind{fill:var(--dim);font-size:11px}
svg .fact{fill:var(--dim);font-size:12px}svg rect{fill:var(--card);stroke:var(--line)}
svg path{fill:none;stroke:var(--edge);stroke-width:1.4}svg path.dead{stroke-dasharray:4 4;opacity:.55}
svg g:hover rect{stroke:var(--ink)}
table{border-collapse:collapse;margin:8px 24px 32px;width:calc(100% - 48px)}
th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:600}
"""


def as_html(graph: Graph, title: str, live: bool) -> str:
    """The page.

    Args:
        title: heading, e.g. the profile.
        live: whether states are of now; the page says when it was made.
    """
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    note = f"Live state at {made}." if live else f"As declared; made {made}."
    legend = "".join(
        f'<span><i class="dot {state or "none"}"></i>{word}</span>'
        for state, word in _STATE_WORDS.items()
        if live or not state
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{escape(title)}</h1><p>{note}</p></header>"
        f'<div class="legend">{legend}<span>dashed: to dead letters</span></div>'
        f'<div class="chart">{_svg(graph)}</div>{_table(graph)}</body></html>\n'
    )


def _svg(graph: Graph) -> str:
    drawn = place(graph)
    edges = "".join(f'<path class="{kind}" d="{points}"/>' for kind, points in drawn.edges)
    boxes = "".join(_box(graph.nodes[name], box) for name, box in drawn.boxes.items())
    return (
        f'<svg viewBox="0 0 {drawn.width} {drawn.height}" style="min-width:{drawn.width * 2 // 3}px" role="img" '
        f'aria-label="The topology; the table below says the same">{edges}{boxes}</svg>'
    )


def _box(node: Node, box: Box) -> str:
    x, y = box.x, box.y
    full = "\n".join([f"{node.kind} {node.label}", *node.facts])
    color = f"var(--{node.state or 'none'})"
    rows = "".join(
        f'<text class="fact" x="{x + PAD}" y="{y + PAD + LINE * (3 + i) - 4}">{escape(_cut(fact, 34))}</text>'
        for i, fact in enumerate(node.facts)
    )
    return (
        f"<g><title>{escape(full)}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{box.height}" rx="8"/>'
        f'<circle cx="{x + WIDTH - 14}" cy="{y + 16}" r="5" style="fill:{color}"/>'
        f'<text class="kind" x="{x + PAD}" y="{y + PAD + 8}">{node.kind}</text>'
        f'<text x="{x + PAD}" y="{y + PAD + LINE + 10}">{escape(_cut(node.label, 28))}</text>{rows}</g>'
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _table(graph: Graph) -> str:
    rows = "".join(
        f"<tr><td>{node.kind}</td><td>{escape(node.label)}</td>"
        f'<td><i class="dot {node.state or "none"}"></i>{_STATE_WORDS[node.state]}</td>'
        f"<td>{escape('; '.join(node.facts))}</td></tr>"
        for node in sorted(graph.nodes.values(), key=lambda one: (one.kind == NodeKind.DEAD, one.layer, one.label))
    )
    heads = "".join(f"<th>{head}</th>" for head in ("Kind", "Name", "State", "Facts"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
