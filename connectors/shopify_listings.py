"""What public Shopify shops show: every variant with its price, from the ``/products.json`` that each shop has.

Politely: robots.txt, the rate of the file, and pages that did not change since the last run are not sent again
(``If-None-Match``). What a shop does not say is not made up: it has no stock in units here and no ratings. Its currency
is the one that its ``/meta.json`` names, unless the file does.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import Field, field_validator

from connectors.errors import BlockedError, EmptyListingError
from connectors.http import Answer, check_status
from connectors.models_market import MarketListing
from connectors.policies import Strict
from connectors.robots import Robots
from connectors.source import (
    Context,
    Cursor,
    Fields,
    Page,
    Raw,
    Source,
    SourceOptions,
    Window,
    each_of,
    listing,
    mapping,
    required,
    text_or_none,
)
from glue.errors import DataError, ServiceError, ServiceUnavailableError

_ONE_VARIANT = "default title"  # how the platform calls the variant of a product that has none


class Shop(Strict):
    """A public shop: ``url`` such as ``https://shop.example``."""

    url: str = Field(pattern=r"^https?://[^/\s]+(?:/[^\s?#]*)?$")
    currency: str = Field("", pattern=r"^(?:[A-Z]{3})?$", description="Of its prices; empty: as its meta.json says.")
    seller_id: str = Field("", description="Shop named in the records; empty: the host of its url.")

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def id(self) -> str:
        """Who sells."""
        return self.seller_id or urllib.parse.urlsplit(self.url).hostname or ""


class ShopifyListingsOptions(SourceOptions):
    """Options of the source of public Shopify shops."""

    shops: list[Shop] = Field(min_length=1)
    page_size: int = Field(250, ge=1, le=250)
    most_pages: int = Field(40, ge=1, description="Pages read of one shop in a run; a larger shop is an error.")
    user_agent: str = "MillionX-sensory/0.1"
    obey_robots: bool = True


class ShopifyListings(Source[ShopifyListingsOptions]):
    """Each shop as a whole. The cursor holds the ETag of each page of each shop."""

    model = MarketListing
    platform = "shopify"
    options_class = ShopifyListingsOptions

    def __init__(self, options: ShopifyListingsOptions, context: Context) -> None:
        super().__init__(options, context)
        fix = "ask the shop's owner; with permission, set obey_robots to false"
        self._robots = Robots(options.user_agent, options.obey_robots, fix)
        self._began: dict[str, datetime] = {}  # when the reading of each shop began

    def start(self, cursor: Cursor, overlap: timedelta) -> datetime | None:
        """No beginning: what a shop shows is what there is."""
        return None

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Shop after shop; one that is closed or gone does not hold back the others."""
        tags: dict[str, dict[str, str]] = dict(cursor.get("tags") or {})
        return each_of(self.options.shops, partial(self._shop, tags))

    def _shop(self, tags: dict[str, dict[str, str]], shop: Shop) -> Iterator[Page]:
        """Its tags are kept only when it was read to its end: a page behind one that did not change may be unread."""
        http, what = self.context.http, f"shop {shop.id}"
        self._robots.check(f"{shop.url}/products.json", http)
        self._began[shop.id] = self.context.now()
        known, fresh = tags.get(shop.id, {}), dict[str, str]()
        about: dict[str, Any] = {}
        for number in range(1, self.options.most_pages + 1):
            http.wait(self._robots.delay(shop.url))
            answer, products = http.attempt(what, partial(self._get, what, shop, number, known.get(str(number), "")))
            if answer.status == 304:
                fresh[str(number)] = known[str(number)]
                ended = str(number + 1) not in known
            else:
                ended = len(products) < self.options.page_size
                fresh |= {str(number): answer.headers["etag"]} if "etag" in answer.headers else {}
                if products and not about:
                    about = self._about(what, shop)
                yield Page([{"product": one, "shop": about} for one in products])
            if ended:
                tags[shop.id] = fresh
                yield Page([], {"tags": dict(tags)})
                return
        raise ServiceError(what, f"it has more than {self.options.most_pages} pages", "raise most_pages")

    def _get(self, what: str, shop: Shop, page: int, tag: str) -> tuple[Answer, list[Raw]]:
        """A page and its products: an answer that holds none is worth another try."""
        headers = {"User-Agent": self.options.user_agent, **({"If-None-Match": tag} if tag else {})}
        query = {"limit": self.options.page_size, "page": page}
        answer = self.context.http.send(what, f"{shop.url}/products.json", query, headers)
        _check(what, answer)
        return answer, ([] if answer.status == 304 else _products(what, answer))

    def _about(self, what: str, shop: Shop) -> dict[str, Any]:
        """What the shop says of itself."""

        def ask() -> Any:
            answer = self.context.http.send(
                what, f"{shop.url}/meta.json", headers={"User-Agent": self.options.user_agent}
            )
            if answer.status in (403, 404):  # a shop that does not say
                return {}
            _check(what, answer)
            return answer.json(what)

        found = self.context.http.attempt(what, ask)
        said: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        currency = shop.currency or str(said.get("currency") or "")
        if not currency:
            raise ServiceError(
                what, "it does not say the currency of its prices", "set its currency in the source's file"
            )
        return {"id": shop.id, "name": text_or_none(said.get("name")), "currency": currency, "url": shop.url}

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """Each variant of a product."""
        found = mapping(raw, "record")
        product, shop = mapping(found.get("product"), "product"), mapping(found.get("shop"), "shop")
        title = str(required(product, "title")).strip()
        options = {
            "product_id": str(required(product, "id")),
            "brand": text_or_none(product.get("vendor")),
            "category": text_or_none(product.get("product_type")),
            "url": f"{shop['url']}/products/{product['handle']}" if product.get("handle") else None,
        }
        variants = listing(product.get("variants"), "variants")
        if not variants:
            raise DataError("record", "variants: is empty")
        for one in variants:
            variant = mapping(one, "variants")
            name = str(variant.get("title") or "").strip()
            yield {
                "platform": "shopify",
                "seller_id": shop["id"],
                "seller_name": shop["name"],
                **options,
                "variant_id": str(required(variant, "id")),
                "sku": text_or_none(variant.get("sku")),
                "product_name": title if name.lower() in ("", _ONE_VARIANT) else f"{title} - {name}",
                "list_price": variant.get("compare_at_price"),
                "sale_price": variant.get("price"),
                "currency": shop["currency"],
                "in_stock": variant.get("available"),
                "found_by": "shop",
                "observed_at": self._began.get(shop["id"], collected_at),
                "collected_at": collected_at,
            }


def _products(what: str, answer: Answer) -> list[Raw]:
    page = answer.json(what)
    products = page.get("products") if isinstance(page, dict) else None
    if not isinstance(products, list):
        raise ServiceUnavailableError(what, "the answer is not a page of products")
    return products


def _check(what: str, answer: Answer) -> None:
    """Raise by what a shop without an API means by its answers."""
    status, where = answer.status, answer.headers.get("location", "")
    if status == 304:
        return
    if status in (301, 302, 303, 307, 308):
        if urllib.parse.urlsplit(where).path.rstrip("/").endswith("/password"):
            raise EmptyListingError(what, "it is closed: it asks visitors for a password", "remove it from the file")
        raise ServiceError(what, f"it has moved ({status})", "correct its url in the source's file")
    if status in (401, 402, 403, 404, 423):
        raise ServiceError(what, f"it shows no products ({status})", "see its url; remove a shop that is closed")
    if status == 430:  # Shopify's own, for whom it takes for a robot
        raise BlockedError(what, "it takes us for a robot (430)", "lower rate.per_second, or ask the shop's owner")
    check_status(what, answer)
