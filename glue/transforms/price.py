"""ToPriceObservation: from a safe MarketOrder or MarketListing to a row of PRICE_HISTORY."""

from __future__ import annotations

from typing import Any

from glue.errors import DataError
from glue.transforms.contract import Record
from glue.transforms.shape import Shape, millis

_OF_ORDERS = ("order_id", "line_id")
_OF_LISTINGS = ("variant_id", "in_stock", "stock", "rating", "review_count", "sold_count", "position", "found_by",
                "keyword")  # fmt: skip


class ToPriceObservation(Shape):
    """Build a PriceObservation: what one unit cost, in an order or in a listing.

    The chain's ``rekey`` gives it a key beside the order's. An order may have free lines; a price is above 0: the chain
    leaves free lines out before, one that comes is refused.
    """

    schema_file = "price_observation.avsc"

    def build(self, record: Record, value: dict[str, Any]) -> dict[str, Any]:
        made = _of_listing(value) if "seller_id" in value else _of_order(value)
        if made["price"] <= 0:
            raise DataError("ToPriceObservation", "price: exclusiveMinimum 0 (a free line shows no price)")
        return {
            "record_key": record.key,
            "platform": value["platform"],
            "product_id": value["product_id"],
            "sku": value.get("sku"),
            "product_name": value["product_name"],
            "collected_at": value["collected_at"],
            **made,
        }


def _of_order(value: dict[str, Any]) -> dict[str, Any]:
    return {
        **dict.fromkeys((*_OF_LISTINGS, "seller")),
        **{name: value[name] for name in _OF_ORDERS},
        "version": millis(value["updated_at"]),
        "source_kind": "order",
        "merchant_id": value.get("merchant_id", "unknown"),
        "line_kind": value.get("line_kind", "product"),
        "is_test": value.get("is_test", False),
        "price": value["price"],
        "price_discounted": value.get("price_discounted"),
        "currency": value.get("currency", "BDT"),
        "recorded_at": value["ordered_at"],
    }


def _of_listing(value: dict[str, Any]) -> dict[str, Any]:
    """Where no reduction is shown, the price that is asked is the list price too."""
    asked = value["sale_price"]
    return {
        **dict.fromkeys(_OF_ORDERS),
        **{name: value.get(name) for name in _OF_LISTINGS},
        "version": millis(value["observed_at"]),
        "source_kind": "listing",
        "merchant_id": value["seller_id"],
        "seller": value.get("seller_name"),
        "line_kind": "product",
        "is_test": False,
        "price": asked if value.get("list_price") is None else value["list_price"],
        "price_discounted": asked,
        "currency": value["currency"],
        "recorded_at": value["observed_at"],
    }
