"""Orders of a shop by GraphQL: pages by update time, each order with all of its lines and refunds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from connectors.shopify_graphql import GraphQl, Node
from connectors.shopify_queries import CONNECTIONS, INNER, REFUNDS, orders_query, refunds_query, rest_query, search
from connectors.source import Raw, Window
from glue.errors import ServiceUnavailableError

WHAT = "Shopify orders"


_AT_ONCE = 15  # orders: Shopify lets one query cost 1,000 points on every plan, and an order with its lines costs 64


def order_pages(graph: GraphQl, window: Window, size: int, personal: bool) -> Iterator[list[Raw]]:
    """Pages of complete orders, the oldest update first.

    Raises:
        MillionXError: as :meth:`connectors.shopify_graphql.GraphQl.ask`.
    """
    query, asked, after = orders_query(personal), search(window.since, window.until), None
    size, more = min(size, _AT_ONCE), True
    while more:
        ask = partial(_orders, graph, query, {"search": asked, "after": after})
        (nodes, after), size = graph.ask_sized(WHAT, size, ask)
        more = after is not None
        complete(graph, nodes)
        yield nodes


def _orders(graph: GraphQl, query: str, variables: Node, first: int) -> tuple[list[Raw], str | None]:
    data = graph.ask(WHAT, query, {**variables, "first": first})
    return _page(data.get("orders"))


def _page(connection: Any) -> tuple[list[Raw], str | None]:
    """The nodes of a connection, and where it goes on.

    Raises:
        ServiceUnavailableError: it is none.
    """
    nodes = connection.get("nodes") if isinstance(connection, dict) else None
    info = connection.get("pageInfo") if isinstance(connection, dict) else None
    if not isinstance(nodes, list) or not isinstance(info, dict):
        raise ServiceUnavailableError(WHAT, "the answer is not a page")
    return nodes, str(info["endCursor"]) if info.get("hasNextPage") else None


def complete(graph: GraphQl, orders: list[Raw]) -> None:
    """Put into ``orders`` what did not fit into their page: further lines, and what was refunded.

    Raises:
        MillionXError: a part of an order cannot be read, so that none of these orders is complete.
    """
    for order in orders:
        _exhaust(graph, order)
    owners = [order for order in orders if isinstance(order, dict) and isinstance(order.get("refunds"), list)]
    ids = [str(one["id"]) for order in owners for one in order["refunds"] if isinstance(one, dict) and "id" in one]
    found: dict[str, Node] = {}
    size = REFUNDS
    while missing := [one for one in ids if one not in found]:
        nodes, size = graph.ask_sized(WHAT, size, lambda many, of=missing: _refunds(graph, of[:many]))  # type: ignore[misc]
        found |= nodes
    for order in owners:
        order["refunds"] = [found.get(str(one.get("id")), one) for one in order["refunds"] if isinstance(one, dict)]


def _refunds(graph: GraphQl, ids: list[str]) -> dict[str, Node]:
    nodes = graph.ask(WHAT, refunds_query(), {"ids": ids}).get("nodes")
    found = {one["id"]: one for one in nodes or [] if isinstance(one, dict) and "id" in one}
    if set(ids) - set(found):
        raise ServiceUnavailableError(WHAT, "a refund that an order names is not there")
    for refund in found.values():
        _exhaust(graph, refund)
    return found


def _exhaust(graph: GraphQl, owner: Raw) -> None:
    """Read every connection of an order or a refund to its end; what has no id is no order, which its parser says."""
    for name in CONNECTIONS:
        connection: Any = owner.get(name) if isinstance(owner, dict) and "id" in owner else None
        info = connection.get("pageInfo") if isinstance(connection, dict) else None
        after = info.get("endCursor") if isinstance(info, dict) and info.get("hasNextPage") else None
        while after is not None:
            variables = {"id": owner["id"], "after": after}
            (nodes, after), _ = graph.ask_sized(WHAT, INNER, partial(_rest, graph, name, variables))
            connection["nodes"] += nodes


def _rest(graph: GraphQl, name: str, variables: Node, first: int) -> tuple[list[Raw], str | None]:
    node = graph.ask(WHAT, rest_query(name), {**variables, "first": first}).get("node")
    return _page(node.get(name) if isinstance(node, dict) else None)
