"""Orders of a Daraz seller: by update time, oldest first, one record a product of an order.

The vendor has no cursor and its offsets shift while orders change, so each page starts at the update time that the
page before reached, and what comes twice is dropped. It lists one row a unit; rows of one product fold to a quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import Field, SecretStr

from connectors.daraz_client import DarazClient
from connectors.models import MarketOrder
from connectors.source import (
    Context,
    Cursor,
    Fields,
    Page,
    Raw,
    Source,
    SourceOptions,
    Window,
    mapping,
    newest,
    text_or_none,
)  # fmt: skip
from glue.errors import ServiceUnavailableError
from glue.settings import state_dir

_BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
_ITEM_BATCH = 50
_OVERLAP = timedelta(seconds=1)  # the vendor's times are whole seconds, and whether a bound is inclusive is not said


class DarazOptions(SourceOptions):
    """Options of a seller: ``base_url`` ends in ``/rest``."""

    base_url: str
    app_key: str
    app_secret: SecretStr
    access_token: SecretStr
    refresh_token: SecretStr
    page_size: int = Field(100, ge=1, le=100)


class Daraz(Source[DarazOptions]):
    """Polls ``/orders/get`` by ``update_after`` and fetches the items of each page together."""

    model = MarketOrder
    options_class = DarazOptions

    def __init__(self, options: DarazOptions, context: Context) -> None:
        super().__init__(options, context)
        self._client = DarazClient(
            context.http,
            options.base_url,
            (options.app_key, options.app_secret.get_secret_value()),
            (options.access_token.get_secret_value(), options.refresh_token.get_secret_value()),
            state_dir() / "secrets" / f"daraz-{options.app_key}.json",
        )

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Go up by update time; only where a whole page shares one second, offsets help out."""
        started, at = self.context.now(), cursor.get("time")
        after, offset, limit = window.since or _BEGINNING, 0, self.options.page_size
        while True:
            orders = self._orders(after, window.until, offset)
            at = newest(_times(orders), started, at)
            yield Page(self._with_items(orders), {"time": at} if at else None)
            if len(orders) < limit:
                return
            reached = max(_times(orders), default=after) - _OVERLAP
            after, offset = (reached, 0) if reached > after else (after, offset + limit)

    def _orders(self, after: datetime, until: datetime | None, offset: int) -> list[Raw]:
        params = {
            "update_after": after.isoformat(timespec="seconds"), "sort_by": "updated_at", "sort_direction": "ASC",
            "offset": str(offset), "limit": str(self.options.page_size),
        }  # fmt: skip
        if until:
            params["update_before"] = until.isoformat(timespec="seconds")
        found = (self._client.call("/orders/get", params).get("data") or {}).get("orders")
        if not isinstance(found, list):
            raise ServiceUnavailableError("Daraz /orders/get", "the answer has no list of orders")
        return found

    def _with_items(self, orders: list[Raw]) -> list[Raw]:
        """Each order with its rows; an order whose rows are missing goes on without, and becomes a dead letter."""
        numbers = [order["order_id"] for order in orders if isinstance(order, dict) and order.get("order_id")]
        items: dict[str, Any] = {}
        for start in range(0, len(numbers), _ITEM_BATCH):
            batch = list(dict.fromkeys(numbers[start : start + _ITEM_BATCH]))
            params = {"order_ids": "[" + ",".join(map(str, batch)) + "]"}
            for entry in self._client.call("/orders/items/get", params).get("data") or []:
                items[str(entry.get("order_id"))] = entry.get("order_items")
        return [
            {"order": order, "items": items.get(str(order.get("order_id"))) if isinstance(order, dict) else None}
            for order in orders
        ]

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """One record a product and price; its ``line_id`` is the SKU, with the price where one SKU has several."""
        order = mapping(raw["order"], "order")
        address = mapping(order.get("address_shipping") or {}, "address")
        first, last = order.get("customer_first_name"), order.get("customer_last_name")
        common = {
            "order_id": str(order["order_id"]),
            "source": "daraz",
            "status": ",".join(sorted(map(str, order.get("statuses") or []))) or "unknown",
            "shipping_city": text_or_none(address.get("city")),
            "customer_name": text_or_none(" ".join(part for part in (first, last) if part)),
            "customer_phone": text_or_none(address.get("phone")),
            "customer_email": text_or_none(order.get("customer_email")),
            "note": text_or_none(order.get("remarks")),
            "ordered_at": _time(order["created_at"]),
            "updated_at": _time(order["updated_at"]),
            "collected_at": collected_at,
        }
        rows = raw["items"]
        if not rows:
            raise ValueError("an order without items")
        for line in fold(rows):
            yield {**common, **line}


def fold(rows: Iterable[Raw]) -> list[Fields]:
    """One row a unit becomes one line a product and price, with its quantity."""
    lines: dict[tuple[str, Decimal], Fields] = {}
    for row in rows:
        item = mapping(row, "item")
        sku, price = str(item.get("sku") or item["product_id"]), Decimal(str(item["item_price"]))
        line = lines.setdefault(
            (sku, price),
            {
                "line_id": sku,
                "product_id": str(item.get("product_id") or sku),
                "sku": sku,
                "title": item.get("name") or "",
                "quantity": 0,
                "price": price,
                "currency": item.get("currency") or "BDT",
            },
        )
        line["quantity"] += 1
    prices: dict[str, int] = {}
    for sku, _ in lines:
        prices[sku] = prices.get(sku, 0) + 1
    for (sku, price), line in lines.items():
        if prices[sku] > 1:
            line["line_id"] = f"{sku}@{price.normalize():f}"
    return list(lines.values())


def _time(value: Any) -> datetime:
    """``2018-02-10 22:44:30 +0800`` or ISO 8601."""
    time = datetime.fromisoformat(str(value).replace(" +", "+").replace(" -", "-", 1))
    if time.tzinfo is None:
        raise ValueError("a time without offset")
    return time


def _times(orders: list[Raw]) -> list[datetime]:
    found = []
    for order in orders:
        try:
            found.append(_time(order["updated_at"]))
        except (KeyError, TypeError, ValueError):
            continue
    return found
