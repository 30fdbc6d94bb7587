"""What Daraz shows: search results for the keywords, and the pages of the watched products, both in the options.

Read through a browser, from the data that the pages bring along, else from their markup; where each lies is data in the
source's file. A captcha is recognised and never solved.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.browser import Browser, BrowserOptions
from connectors.errors import EmptyListingError
from connectors.models_market import MarketListing
from connectors.scrape import Listing, Selectors
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
    mapping,
    text_or_none,
)
from glue.errors import DataError

_LINK = re.compile(r"-i(\d+)(?:-s(\d+))?(?:\.html)?(?:[?#]|$)")
_COPIED = ("sale_price", "list_price", "rating", "review_count", "sold_count")
UNKNOWN = "unknown"  # the seller, where a page does not say


class DarazListingsOptions(SourceOptions):
    """Options of the source of Daraz' public pages."""

    base_url: str
    search_path: str = "/catalog/?q={keyword}"
    product_path: str = "/products/-i{product}.html"
    keywords: list[str] = Field(default_factory=list)
    watched: list[str] = Field(
        default_factory=list, description="Ids of products: the number behind -i in their address."
    )
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="Of the site's prices.")
    products_per_keyword: int = Field(40, ge=1)
    search: Selectors
    product: Selectors
    browser: BrowserOptions = BrowserOptions()

    @model_validator(mode="after")
    def _something(self) -> DarazListingsOptions:
        if not self.keywords and not self.watched:
            raise ValueError("neither keywords nor watched products")
        return self


class DarazListings(Source[DarazListingsOptions]):
    """One page a keyword and a watched product. There is no cursor: every run reads what is shown."""

    model = MarketListing
    platform = "daraz"
    options_class = DarazListingsOptions

    def __init__(self, options: DarazListingsOptions, context: Context) -> None:
        super().__init__(options, context)
        self._browser = Browser(options.browser, context.evidence)
        self._search = Listing(self._browser, context.http, options.search)
        self._product = Listing(self._browser, context.http, options.product)
        self._began: dict[tuple[str, str], datetime] = {}  # when the reading of each page began

    def start(self, cursor: Cursor, overlap: timedelta) -> datetime | None:
        """No beginning: what the site shows is what there is."""
        return None

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Each search and each watched product; one that fails does not hold back the others."""
        wanted: list[tuple[Literal["search", "watched"], str]] = [
            *(("search", one) for one in self.options.keywords),
            *(("watched", one) for one in self.options.watched),
        ]

        def read(way: tuple[Literal["search", "watched"], str]) -> Iterator[Page]:
            found_by, sought = way
            self._began[way] = self.context.now()
            if found_by == "search":
                path = self.options.search_path.format(keyword=urllib.parse.quote(sought))
                cards = self._search.read(
                    f"Daraz search {sought!r}", self._url(path), self.options.products_per_keyword
                )
            else:
                what = f"Daraz product {sought}"
                path = self.options.product_path.format(product=urllib.parse.quote(sought))
                cards = self._product.read(what, self._url(path), 1000)
                if not cards:
                    raise EmptyListingError(what, "it is not there any more", "remove it from watched")
            yield Page(
                [
                    {"found_by": found_by, "sought": sought, "position": position, "card": card}
                    for position, card in enumerate(cards, 1)
                ]
            )

        return each_of(wanted, read)

    def _url(self, path: str) -> str:
        return self.options.base_url.rstrip("/") + path

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """The product of a card: by its ids, else by those in its address."""
        found = mapping(raw, "record")
        card, way = mapping(found.get("card"), "card"), (str(found["found_by"]), str(found["sought"]))
        searched = way[0] == "search"
        product, variant = _ids(card)
        stock = card.get("stock")
        yield {
            "platform": "daraz",
            "seller_id": text_or_none(card.get("seller_id")) or UNKNOWN,
            "seller_name": text_or_none(card.get("seller_name")),
            "product_id": product or ("" if searched else way[1]),
            "variant_id": variant,
            "sku": text_or_none(card.get("sku")),
            "product_name": text_or_none(card.get("name")),
            "brand": text_or_none(card.get("brand")),
            "category": text_or_none(card.get("category")),
            "url": urllib.parse.urljoin(self.options.base_url, card["link"]) if card.get("link") else None,
            **{name: card.get(name) for name in _COPIED},
            "currency": self.options.currency,
            "in_stock": _in_stock(card, stock),
            "stock": stock,
            "found_by": way[0],
            "keyword": way[1] if searched else None,
            "position": found["position"] if searched else None,
            "observed_at": self._began.get(way, collected_at),
            "collected_at": collected_at,
        }

    def close(self) -> None:
        """End the browser."""
        self._browser.close()


def _ids(card: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Product and SKU."""
    product, variant = text_or_none(card.get("product_id")), text_or_none(card.get("variant_id"))
    link = _LINK.search(str(card.get("link") or ""))
    if product is None and link is None and card.get("link"):
        raise DataError("card", "link: holds no -i with the id of a product")
    return product or (link and link.group(1)), variant or (link and link.group(2))


def _in_stock(card: Mapping[str, Any], stock: Any) -> Any:
    """As the page says, or as its number of units does; null where it says neither."""
    if card.get("in_stock") is not None:
        return card["in_stock"]
    return stock > 0 if isinstance(stock, int) else None
