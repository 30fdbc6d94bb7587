"""The merchants' own products: into a compacted topic, then to Redis, where the chain of posts looks up names.

Every run reads all products and writes all of them to Redis, so a Redis that was lost is filled by the next run. Names
stay when a product goes: posts of the past speak of it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import redis
from pydantic import Field, ValidationError, model_validator

from connectors.daraz import DarazOptions
from connectors.models_market import MarketProduct
from connectors.shopify_listings import Shop, ShopifyListings, ShopifyListingsOptions
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
from glue.redis_client import open_redis
from glue.settings import get_settings

log = logging.getLogger(__name__)
_LAST_OFFSET = 10_000  # the platform lists no further


class CatalogueOptions(SourceOptions):
    """Whose products: public Shopify shops and Daraz sellers with their credentials."""

    shops: list[Shop]
    sellers: list[DarazOptions] = Field(description="As the options of the source of orders.")
    page_size: int = Field(50, ge=1, le=50)
    key_prefix: str = Field("product:", description="A product's key in Redis is this and its id, or its SKU.")

    @model_validator(mode="after")
    def _something(self) -> CatalogueOptions:
        if not self.shops and not self.sellers:
            raise ValueError("neither shops nor sellers")
        return self


class Catalogue(Source[CatalogueOptions]):
    """One merchant after another. A product is sent to Kafka again when it changed, to Redis in every run."""

    model = MarketProduct
    options_class = CatalogueOptions
    looked_up = True

    def __init__(self, options: CatalogueOptions, context: Context) -> None:
        super().__init__(options, context)
        self._redis = open_redis(get_settings(), 5)
        self._by_sku: dict[str, str | None] = {}  # the product of each SKU; None where it is that of several
        self._shared = 0  # such SKUs

    def start(self, cursor: Cursor, overlap: timedelta) -> datetime | None:
        """No beginning: all products, every time."""
        return None

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """What goes on after a page is in Kafka: then it goes to Redis, too."""
        shops = [partial(self._shop, one) for one in self.options.shops]
        sellers = [partial(self._seller, one) for one in self.options.sellers]
        for page in each_of([*shops, *sellers], lambda read: read()):
            yield page
            self._keep(page.records)

    def _shop(self, shop: Shop) -> Iterator[Page]:
        source = ShopifyListings(ShopifyListingsOptions(shops=[shop]), self.context)
        for page in source.pages(Window(), {}):
            yield Page([{"shop": raw["shop"]["id"], "product": raw["product"]} for raw in page.records])

    def _seller(self, seller: DarazOptions) -> Iterator[Page]:
        what = f"Daraz products of {seller.merchant_id}"
        client = seller.client(self.context.http)
        size = self.options.page_size
        for offset in range(0, _LAST_OFFSET, size):
            params = {"filter": "all", "limit": str(size), "offset": str(offset)}
            found = (client.call("/products/get", params).get("data") or {}).get("products")
            if not isinstance(found, list):
                raise ServiceUnavailableError(what, "the answer has no list of products")
            yield Page([{"seller": seller.merchant_id, "product": one} for one in found])
            if len(found) < size:
                return
        raise ServiceError(what, f"there are more than {_LAST_OFFSET} products", "the platform lists no further")

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """One product, of either platform."""
        found = mapping(raw, "record")
        product = mapping(found.get("product"), "product")
        yield {
            **(_of_shop(product) if "shop" in found else _of_seller(product)),
            "merchant_id": found["shop" if "shop" in found else "seller"],
            "collected_at": collected_at,
        }

    def _keep(self, records: Iterable[Raw]) -> None:
        """Write the good ones to Redis, by id and by the SKUs that are theirs alone.

        Raises:
            ServiceUnavailableError: Redis does not answer.
        """
        wanted: dict[str, str] = {}
        before = self._shared
        for raw in records:
            try:
                products = [MarketProduct.model_validate(one) for one in self.parse(raw, datetime.now(UTC))]
            except (DataError, ValidationError, ValueError, TypeError, KeyError):
                continue  # it is among the dead letters
            for one in products:
                text = json.dumps({"name": one.product_name, **one.model_dump(include=_KEPT)}, ensure_ascii=False)
                wanted |= dict.fromkeys([*self._own(one), one.product_id], text)
        if not wanted:
            return
        if new := self._shared - before:
            log.warning("catalogue: %d SKUs are those of several products; each leads to the first of them", new)
        try:
            self._redis.mset({self.options.key_prefix + name: text for name, text in wanted.items()})
        except redis.RedisError as error:
            raise ServiceUnavailableError("Redis", type(error).__name__, "start it, or set MXCTL_REDIS") from None

    def _own(self, product: MarketProduct) -> list[str]:
        """Its SKUs without those that another product of this run has."""
        for sku in product.skus:
            known = self._by_sku.setdefault(sku, product.key)
            if known is not None and known != product.key:
                self._by_sku[sku] = None
                self._shared += 1
        return [sku for sku in product.skus if self._by_sku[sku] == product.key]

    def close(self) -> None:
        """Close the connection to Redis."""
        self._redis.close()


_KEPT = {"platform", "merchant_id", "product_id", "brand", "category", "skus"}


def _of_shop(product: Any) -> Fields:
    variants = [mapping(one, "variants") for one in listing(product.get("variants"), "variants")]
    return {
        "platform": "shopify",
        "product_id": str(required(product, "id")),
        "product_name": text_or_none(product.get("title")),
        "brand": text_or_none(product.get("vendor")),
        "category": text_or_none(product.get("product_type")),
        "skus": _skus(one.get("sku") for one in variants),
    }


def _of_seller(product: Any) -> Fields:
    attributes = mapping(product.get("attributes"), "attributes")
    rows = [mapping(one, "skus") for one in listing(product.get("skus"), "skus")]
    return {
        "platform": "daraz",
        "product_id": str(required(product, "item_id")),
        "product_name": text_or_none(attributes.get("name")),
        "brand": text_or_none(attributes.get("brand")),
        "category": text_or_none(product.get("primary_category")),
        "skus": _skus(one.get("SellerSku") for one in rows),
    }


def _skus(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(text for value in values if (text := text_or_none(value))))
