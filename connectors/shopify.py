"""Orders of a Shopify shop through ShopifyAPI: by update time, oldest first, one record a line item.

The library brings sessions, versions, paths and errors; pages are decoded here, because it builds all orders of a page
at once and one malformed order would take its neighbours with it. REST orders are legacy at Shopify: a GraphQL fetcher
replaces :meth:`Shopify.pages` and leaves the rest.
"""

from __future__ import annotations

import http.client
import json
import logging
import urllib.parse
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

import shopify
from pyactiveresource import connection as library
from pydantic import Field, SecretStr
from requests.utils import parse_header_links

from connectors.errors import CredentialError, ThrottledError
from connectors.http import retry_after
from connectors.models import MarketOrder
from connectors.shopify_connection import BoundedConnection
from connectors.shopify_orders import order_lines
from connectors.source import Context, Cursor, Fields, Page, Raw, Source, SourceOptions, Window, newest
from glue.errors import ServiceError, ServiceUnavailableError

_WHAT = "Shopify orders"


class ShopifyOptions(SourceOptions):
    """Options of a shop: ``base_url`` such as ``https://SHOP.myshopify.com``."""

    base_url: str
    api_version: str = Field("2024-10", pattern=r"^\d{4}-\d{2}$")
    token: SecretStr
    webhook_secrets: list[SecretStr] = Field(default_factory=list, description="Two while one rotates.")
    webhook_topics: list[str] = Field(
        default_factory=lambda: [
            "orders/create",
            "orders/updated",
            "orders/paid",
            "orders/fulfilled",
            "orders/cancelled",
        ],
        description="Webhooks that carry a whole order; others are answered and left.",
    )
    shop_domain: str | None = Field(None, description="Take webhooks of this shop only.")
    merchant_id: str = Field("", description="Whose orders these are; empty takes shop_domain or the host of base_url.")
    page_size: int = Field(250, ge=1, le=250)


class Shopify(Source[ShopifyOptions]):
    """Polls ``orders.json`` by ``updated_at_min``, which also finds orders that changed."""

    model = MarketOrder
    platform = "shopify"
    options_class = ShopifyOptions
    webhook = True

    def __init__(self, options: ShopifyOptions, context: Context) -> None:
        super().__init__(options, context)
        self._merchant = self.merchant_of(options)
        # The library logs headers, and with them the token, at DEBUG.
        logging.getLogger("pyactiveresource").setLevel(logging.WARNING)
        logging.getLogger("pyactiveresource.connection").setLevel(logging.WARNING)

    @classmethod
    def merchant_of(cls, options: ShopifyOptions) -> str:
        """The shop's domain, unless another name is declared."""
        return options.merchant_id or options.shop_domain or urllib.parse.urlsplit(options.base_url).hostname or ""

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Follow the Link headers; the cursor moves with every page, because pages are sorted by update time."""
        started, at = self.context.now(), cursor.get("time")
        query = {"status": "any", "order": "updated_at asc", "limit": self.options.page_size}
        if window.since:
            query["updated_at_min"] = window.since.isoformat()
        if window.until:
            query["updated_at_max"] = window.until.isoformat()
        path: str | None = f"{self._site()}/orders.json?{urllib.parse.urlencode(query)}"
        while path is not None:
            orders, path = self.context.http.attempt(_WHAT, partial(self._page, path))
            at = newest(_times(orders), started, at)
            yield Page(orders, {"time": at} if at else None)

    def _site(self) -> str:
        return f"{self.options.base_url.rstrip('/')}/admin/api/{self.options.api_version}"

    def _page(self, path: str) -> tuple[list[Raw], str | None]:
        """One page and the address of the next."""
        headers = {
            **shopify.ShopifyResource.headers, "X-Shopify-Access-Token": self.options.token.get_secret_value()
        }  # fmt: skip
        timeouts = self.context.http.timeouts
        try:
            answer = BoundedConnection(self._site(), timeouts.read, timeouts.total).get(path, headers)
        except library.Error as error:
            raise _kind(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise ServiceUnavailableError(_WHAT, f"connection failed ({type(error).__name__})") from None
        told = {name.lower(): value for name, value in answer.headers.items()}
        used, _, size = told.get("x-shopify-shop-api-call-limit", "").partition("/")
        if used.isdigit() and size.isdigit():
            self.context.http.bucket.used(int(used), int(size))
        try:
            orders = json.loads(answer.body)["orders"]
        except (ValueError, KeyError, TypeError):
            raise ServiceUnavailableError(_WHAT, "the answer is no page of orders") from None
        if not isinstance(orders, list):
            raise ServiceUnavailableError(_WHAT, "the answer is no page of orders")
        links = parse_header_links(told.get("link", ""))
        return orders, next((link["url"] for link in links if link.get("rel") == "next"), None)

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


def _kind(error: library.Error) -> Exception:
    """The library's error as ours; its text is left out, because it holds addresses and bodies."""
    code = error.code
    if code == 429:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        return ThrottledError(
            _WHAT, "throttled (429)", retry_after=retry_after({k.lower(): v for k, v in headers.items()})
        )
    if code in (401, 403):
        return CredentialError(_WHAT, f"it refused the token ({code})", "renew the token of this shop")
    if code is None or code >= 500 or code == 408:
        return ServiceUnavailableError(_WHAT, f"it answered {code}" if code else "no answer")
    return ServiceError(_WHAT, f"it answered {code}")
