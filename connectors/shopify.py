"""Orders of a Shopify shop: by update time, oldest first, one record a line item.

GraphQL is the way, REST an option: Shopify's REST API for orders is legacy. Both give the records of webhooks.
"""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field, SecretStr

from connectors.models import MarketOrder
from connectors.shopify_bulk import JobLostError
from connectors.shopify_bulk import begin as begin_job
from connectors.shopify_bulk import orders as job_orders
from connectors.shopify_bulk import wait as wait_for_job
from connectors.shopify_graphql import GraphQl
from connectors.shopify_nodes import is_node, rest_order
from connectors.shopify_orders import order_lines
from connectors.shopify_pages import complete, order_pages
from connectors.shopify_rest import RestOrders
from connectors.source import Context, Cursor, Fields, Page, Raw, Source, SourceOptions, Window, newest
from glue.errors import ServiceError

log = logging.getLogger(__name__)


class ShopifyOptions(SourceOptions):
    """Options of a shop: ``base_url`` such as ``https://SHOP.myshopify.com``."""

    base_url: str
    api: Literal["graphql", "rest"] = Field("graphql", description="rest: the legacy API, without bulk operations.")
    api_version: str = Field("2026-10", pattern=r"^\d{4}-\d{2}$")
    token: SecretStr
    webhook_secrets: list[SecretStr] = Field(
        default_factory=list, description="Of the webhooks; two during a rotation."
    )
    webhook_topics: list[str] = Field(
        default_factory=lambda: [
            "orders/create",
            "orders/updated",
            "orders/paid",
            "orders/fulfilled",
            "orders/cancelled",
        ],
        description="Webhooks that carry a whole order; those of privacy law are taken too, others refused.",
    )
    shop_domain: str | None = Field(None, description="Take webhooks of this shop only.")
    merchant_id: str = Field("", description="Shop named in the records; empty: shop_domain, or the host of base_url.")
    page_size: int = Field(
        50,
        ge=1,
        le=250,
        description="Orders asked for at once; GraphQL asks for fewer where Shopify's cost limit says so.",
    )
    bulk_after_days: int | None = Field(
        60, ge=0, description="A window that begins longer ago is read by a bulk operation; null: none is."
    )
    customer_fields: bool = Field(
        True, description="Whether GraphQL asks for what needs Shopify's approval: name, phone, e-mail, address."
    )


class Shopify(Source[ShopifyOptions]):
    """Polls orders by their time of update, which also finds orders that changed."""

    model = MarketOrder
    platform = "shopify"
    options_class = ShopifyOptions
    webhook = True

    def __init__(self, options: ShopifyOptions, context: Context) -> None:
        super().__init__(options, context)
        self._merchant = self.merchant_of(lambda name: str(getattr(options, name)))

    @classmethod
    def merchant_of(cls, option: Callable[[str], str]) -> str:
        """The shop's domain, unless another name is declared."""
        return (
            option("merchant_id") or option("shop_domain") or urllib.parse.urlsplit(option("base_url")).hostname or ""
        )

    @classmethod
    def api_version_of(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        """Its own option."""
        return "shopify", str(options["api_version"])

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """The cursor moves with every page, because pages are sorted by update time."""
        options, started, at = self.options, self.context.now(), cursor.get("time")
        shop = (self.context.http, options.base_url, options.api_version, options.token.get_secret_value())
        if options.api == "rest":
            listed = RestOrders(*shop).pages(window, options.page_size)
        else:
            graph = GraphQl(*shop)
            if self._is_long(window, started) or "bulk" in cursor:
                try:
                    yield from self._in_bulk(graph, window, cursor, started)
                    return
                except JobLostError as error:
                    log.warning("%s: reading page by page instead", error)
            listed = order_pages(graph, window, options.page_size, options.customer_fields)
        for orders in listed:
            at = newest(_times(orders), started, at)
            yield Page(orders, {"time": at} if at else None)

    def _is_long(self, window: Window, now: datetime) -> bool:
        days = self.options.bulk_after_days
        return days is not None and window.since is not None and now - window.since > timedelta(days=days)

    def _in_bulk(self, graph: GraphQl, window: Window, cursor: Cursor, started: datetime) -> Iterator[Page]:
        """The orders of a bulk operation. They come in no order: ``time`` moves when the last of them was sent."""
        before = {name: value for name, value in cursor.items() if name != "bulk"}
        state = cursor.get("bulk") or {}
        try:
            if not state:
                job = begin_job(graph, window, self.options.customer_fields)
                state = {"job": job, "started": started.isoformat(), "done": 0, "newest": before.get("time")}
                yield Page([], {**before, "bulk": state})
            for orders in job_orders(graph, wait_for_job(graph, state["job"]), state["done"]):
                complete(graph, orders)
                seen = newest(_times(orders), datetime.fromisoformat(state["started"]), state["newest"])
                state = {**state, "done": state["done"] + len(orders), "newest": seen}
                yield Page(orders, {**before, "bulk": state})
        except (ServiceError, JobLostError):
            yield Page([], before)  # the next run begins anew
            raise
        yield Page([], {**before, "time": state["newest"]} if state["newest"] else before)

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """Each line item."""
        return order_lines(rest_order(raw) if is_node(raw) else raw, collected_at, self._merchant)


def _times(orders: list[Raw]) -> Iterator[datetime]:
    for order in orders:
        try:
            time = datetime.fromisoformat(order["updatedAt"] if is_node(order) else order["updated_at"])
        except (KeyError, TypeError, ValueError):
            continue
        if time.tzinfo is not None:
            yield time
