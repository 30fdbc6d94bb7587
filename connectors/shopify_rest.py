"""Orders of a shop by the REST API, which is legacy at Shopify: pages by update time, linked by headers."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from functools import partial

import shopify
from requests.utils import parse_header_links
from shopify.api_version import Release

from connectors.api_versions import check_answered
from connectors.http import Http, check_status
from connectors.source import Raw, Window
from glue.errors import ServiceUnavailableError

_WHAT = "Shopify orders"


class RestOrders:
    """One shop's list of orders.

    Pages are fetched and decoded here: ShopifyAPI's connection has no end to a whole answer, and it builds all
    orders of a page at once, so that one malformed order would take its neighbours with it.
    """

    def __init__(self, http: Http, base_url: str, version: str, token: str) -> None:
        self._http = http
        self._version = version
        self._address = Release(version).api_path(base_url.rstrip("/")) + "/orders.json"
        self._headers = {**shopify.ShopifyResource.headers, "X-Shopify-Access-Token": token}

    def pages(self, window: Window, size: int) -> Iterator[list[Raw]]:
        """Pages of orders, the oldest update first.

        Raises:
            MillionXError: as :meth:`connectors.http.Http.attempt`.
        """
        query = {"status": "any", "order": "updated_at asc", "limit": str(size)}
        if window.since:
            query["updated_at_min"] = window.since.isoformat()
        if window.until:
            query["updated_at_max"] = window.until.isoformat()
        address: str | None = f"{self._address}?{urllib.parse.urlencode(query)}"
        while address is not None:
            orders, address = self._http.attempt(_WHAT, partial(self._page, address))
            yield orders

    def _page(self, address: str) -> tuple[list[Raw], str | None]:
        """One page and the address of the next."""
        answer = self._http.send(_WHAT, address, headers=self._headers)
        check_status(_WHAT, answer)
        check_answered(_WHAT, self._version, answer.headers.get("x-shopify-api-version", ""), self._http.stats)
        used, _, size = answer.headers.get("x-shopify-shop-api-call-limit", "").partition("/")
        if used.isdigit() and size.isdigit():
            self._http.bucket.used(int(used), int(size))
        page = answer.json(_WHAT)
        orders = page.get("orders") if isinstance(page, dict) else None
        if not isinstance(orders, list):
            raise ServiceUnavailableError(_WHAT, "the answer is not a page of orders")
        links = parse_header_links(answer.headers.get("link", ""))
        following = next((link["url"] for link in links if link.get("rel") == "next"), None)
        # Only its query: the token goes to the shop that the source names, wherever a link points.
        return orders, following and f"{self._address}?{urllib.parse.urlsplit(following).query}"
