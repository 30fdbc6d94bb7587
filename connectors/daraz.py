"""Orders of a Daraz seller: by update time, oldest first, one record a product of an order.

The vendor has no cursor and its offsets shift while orders change, so each page starts at the update time that the
page before reached, and what comes twice is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, SecretStr

from connectors.daraz_client import DarazClient
from connectors.daraz_orders import order_lines
from connectors.http import Http
from connectors.models import MarketOrder
from connectors.source import Context, Cursor, Fields, Page, Raw, Source, SourceOptions, Window, newest, times_of
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
    merchant_id: str = Field(min_length=1, description="The seller: seller_id of the answer that gave the tokens.")
    page_size: int = Field(100, ge=1, le=100)

    def client(self, http: Http) -> DarazClient:
        """The seller's client. Tokens that the vendor renewed are kept in one file, whichever source asks."""
        return DarazClient(
            http,
            self.base_url,
            (self.app_key, self.app_secret.get_secret_value()),
            (self.access_token.get_secret_value(), self.refresh_token.get_secret_value()),
            state_dir() / "secrets" / f"daraz-{self.app_key}-{self.merchant_id}.json",
        )


class Daraz(Source[DarazOptions]):
    """Polls ``/orders/get`` by ``update_after`` and fetches the items of each page together."""

    model = MarketOrder
    platform = "daraz"
    options_class = DarazOptions

    def __init__(self, options: DarazOptions, context: Context) -> None:
        super().__init__(options, context)
        self._client = options.client(context.http)

    @classmethod
    def merchant_of(cls, option: Callable[[str], str]) -> str:
        """The seller's id."""
        return option("merchant_id")

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Go up by update time; only where a whole page shares one second, offsets help out."""
        started, at = self.context.now(), cursor.get("time")
        after, offset, limit = window.since or _BEGINNING, 0, self.options.page_size
        while True:
            orders = self._orders(after, window.until, offset)
            at = newest(times_of(orders, "updated_at"), started, at)
            yield Page(self._with_items(orders), {"time": at} if at else None)
            if len(orders) < limit:
                return
            reached = max(times_of(orders, "updated_at"), default=after) - _OVERLAP
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
        """One record a product and price of the order."""
        return order_lines(raw, collected_at, self.options.merchant_id)
