"""ToOrderRow: from a safe MarketOrder to a row of ORDERS."""

from __future__ import annotations

from typing import Any

from glue.transforms.contract import Record
from glue.transforms.shape import Shape, millis

_NEEDED = ("platform", "order_id", "line_id", "product_id", "product_name", "quantity", "price", "ordered_at",
           "updated_at", "collected_at")  # fmt: skip
_OPTIONAL = (
    "sku", "category", "customer_currency", "tax", "shipping", "financial_status", "fulfillment_status", "cancelled_at",
    "cancel_reason", "shipping_city", "place_code", "customer_phone_hash", "customer_email_hash",
)  # fmt: skip
_DEFAULTS = {"merchant_id": "unknown", "line_kind": "product", "is_test": False, "currency": "BDT",
             "order_status": "unknown"}  # fmt: skip
_TAKEN_BACK = ("quantity_cancelled", "quantity_returned", "quantity_unclear")


class ToOrderRow(Shape):
    """Build an OrderRow: the line item with its record key, its version (time of update in milliseconds), its sums."""

    schema_file = "order_row.avsc"

    def build(self, record: Record, value: dict[str, Any]) -> dict[str, Any]:
        taken = {name: value.get(name, 0) for name in _TAKEN_BACK}
        net = value.get("quantity_net")
        if net is None:
            net = max(value["quantity"] - sum(taken.values()), 0)
        price = value["price"]
        discounted = value.get("price_discounted")
        sales = value.get("net_sales")
        return {
            "record_key": record.key,
            "version": millis(value["updated_at"]),
            **{name: value[name] for name in _NEEDED},
            **{name: value.get(name) for name in _OPTIONAL},
            **{name: value.get(name, default) for name, default in _DEFAULTS.items()},
            **taken,
            "quantity_net": net,
            "price_discounted": price if discounted is None else discounted,
            "net_sales": net * (price if discounted is None else discounted) if sales is None else sales,
        }
