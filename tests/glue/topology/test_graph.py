"""The picture: layers follow the flow, nothing overlaps, and the page needs nothing from outside."""

from __future__ import annotations

from itertools import combinations

import pytest

from glue.settings import Settings
from glue.topology.graph.layout import WIDTH, arrange, beneath, place
from glue.topology.graph.model import NodeKind, build
from glue.topology.graph.page import as_html
from glue.topology.graph.text import as_mermaid, as_text
from glue.topology.load import load


def test_the_projects_own_topology() -> None:
    graph = build(load(Settings()))
    layer = {node.label: node.layer for node in graph.nodes.values()}
    way = ["tiktok", "source.social.tiktok", "posts", "enriched.weaviate.vectors", "vectors", "sink.weaviate.vectors"]
    places = [layer[name] for name in [*way, "weaviate-sink", "Weaviate SocialPost"]]
    assert places == sorted(set(places))
    assert {node.label for node in graph.dead} == {"dead-letters-social", "dead-letters-market"}
    text = as_text(graph)
    assert "Snowflake ORDERS" in text and text.count("connector snowflake-sink") > 1
    mermaid = as_mermaid(graph)
    assert mermaid.count("-->") + mermaid.count("-.->") == len(graph.edges)


def test_the_stores_of_the_profile_postgres() -> None:
    text = as_text(build(load(Settings(profile="postgres"))))
    for store in ("PostgreSQL orders", "PostgreSQL price_history", "PostgreSQL weather_logs", "Weaviate SocialPost"):
        assert store in text
    assert "Snowflake" not in text


def test_no_two_boxes_overlap_and_all_lie_inside() -> None:
    graph = build(load(Settings()))
    drawn = place(graph)
    assert drawn.boxes.keys() == graph.nodes.keys() and len(drawn.edges) == len(graph.edges)
    for one, two in combinations(drawn.boxes.values(), 2):
        apart = abs(one.x - two.x) >= WIDTH or one.y + one.height <= two.y or two.y + two.height <= one.y
        assert apart, (one, two)
    assert all(box.x + WIDTH <= drawn.width and box.y + box.height <= drawn.height for box in drawn.boxes.values())


@pytest.mark.parametrize("profile", ["local", "compose", "postgres", "prod"])
@pytest.mark.parametrize("more", [0, 20])
@pytest.mark.parametrize("kind", [NodeKind.TOPIC, NodeKind.DEAD])
def test_each_part_has_one_place_in_or_beneath_the_columns(profile: str, more: int, kind: NodeKind) -> None:
    graph = build(load(Settings(profile=profile)))
    for number in range(more):
        graph.add(kind, f"of no part {number}")
    columns, _ = arrange(graph)
    under = beneath(graph, len(columns))
    drawn = [name for column in columns for name in column if not name.startswith("~")]
    assert sorted([*drawn, *under]) == sorted(graph.nodes)
    assert {node.id for node in graph.dead} <= under.keys()
    assert len(set(under.values())) == len(under)
    assert all(column < len(columns) for _, column in under.values())
    for (row, column), (other_row, other_column) in combinations(under.values(), 2):
        assert row != other_row or abs(column - other_column) > 1, "no room for a broad box"


def test_page_is_self_contained_and_escaped() -> None:
    graph = build(load(Settings()))
    next(iter(graph.nodes.values())).facts.append("<b>&")
    page = as_html(graph, "x", live=False)
    assert "<b>" not in page and "&lt;b&gt;&amp;" in page
    assert not any(outside in page for outside in ("src=", "href=", "http:", "https:", "@import", "<script"))


def test_a_cycle_does_not_hang() -> None:
    graph = build(load(Settings()))
    chain = next(node for node in graph.nodes.values() if node.kind == NodeKind.CHAIN)
    topic = next(left for left, right in graph.edges if right == chain.id)
    graph.edges.append((chain.id, topic))
    place(graph)
