"""Orders of a Shopify shop through ShopifyAPI: by update time, oldest first, one record a line item.

The library brings versions, paths and headers. Pages are fetched and decoded here: its connection has no end to a whole
answer, and it builds all orders of a page at once, so that one malformed order would take its neighbours with it. REST
orders are legacy at Shopify: a GraphQL fetcher replaces :meth:`Shopify.pages` and leaves the rest.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import shopify
from pydantic import Field, SecretStr
from requests.utils import parse_header_links
from shopify.api_version import Release

from connectors.api_versions import check_answered
from connectors.http import check_status
from connectors.models import MarketOrder
from connectors.shopify_orders import order_lines
from connectors.source import Context, Cursor, Fields, Page, Raw, Source, SourceOptions, Window, newest
from glue.errors import ServiceUnavailableError

_WHAT = "Shopify orders"


class ShopifyOptions(SourceOptions):
    """Options of a shop: ``base_url`` such as ``https://SHOP.myshopify.com``."""

    base_url: str
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
        description="Webhooks that carry a whole order; others are acknowledged and ignored.",
    )
    shop_domain: str | None = Field(None, description="Take webhooks of this shop only.")
    merchant_id: str = Field("", description="Shop named in the records; empty: shop_domain, or the host of base_url.")
    page_size: int = Field(250, ge=1, le=250)


class Shopify(Source[ShopifyOptions]):
    """Polls ``orders.json`` by ``updated_at_min``, which also finds orders that changed."""

    model = MarketOrder
    platform = "shopify"
    options_class = ShopifyOptions
    webhook = True

    def __init__(self, options: ShopifyOptions, context: Context) -> None:
        super().__init__(options, context)
        self._merchant = self.merchant_of(lambda name: str(getattr(options, name)))
        self._orders = Release(options.api_version).api_path(options.base_url.rstrip("/")) + "/orders.json"

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
        """Follow the Link headers; the cursor moves with every page, because pages are sorted by update time."""
        started, at = self.context.now(), cursor.get("time")
        query = {"status": "any", "order": "updated_at asc", "limit": self.options.page_size}
        if window.since:
            query["updated_at_min"] = window.since.isoformat()
        if window.until:
            query["updated_at_max"] = window.until.isoformat()
        address: str | None = f"{self._orders}?{urllib.parse.urlencode(query)}"
        while address is not None:
            orders, address = self.context.http.attempt(_WHAT, partial(self._page, address))
            at = newest(_times(orders), started, at)
            yield Page(orders, {"time": at} if at else None)

    def _page(self, address: str) -> tuple[list[Raw], str | None]:
        """One page and the address of the next."""
        http = self.context.http
        token = {"X-Shopify-Access-Token": self.options.token.get_secret_value()}
        answer = http.send(_WHAT, address, headers={**shopify.ShopifyResource.headers, **token})
        check_status(_WHAT, answer)
        check_answered(_WHAT, self.options.api_version, answer.headers.get("x-shopify-api-version", ""), http.stats)
        used, _, size = answer.headers.get("x-shopify-shop-api-call-limit", "").partition("/")
        if used.isdigit() and size.isdigit():
            http.bucket.used(int(used), int(size))
        page = answer.json(_WHAT)
        orders = page.get("orders") if isinstance(page, dict) else None
        if not isinstance(orders, list):
            raise ServiceUnavailableError(_WHAT, "the answer is not a page of orders")
        links = parse_header_links(answer.headers.get("link", ""))
        following = next((link["url"] for link in links if link.get("rel") == "next"), None)
        # Only its query: the token goes to the shop that the source names, wherever a link points.
        return orders, following and f"{self._orders}?{urllib.parse.urlsplit(following).query}"

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """Each line item."""
        return order_lines(raw, collected_at, self._merchant)


def _times(orders: list[Raw]) -> Iterator[datetime]:
    for order in orders:
        try:
            time = datetime.fromisoformat(order["updated_at"])
        except (KeyError, TypeError, ValueError):
            continue
        if time.tzinfo is not None:
            yield time
