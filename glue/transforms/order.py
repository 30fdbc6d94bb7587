"""ToOrderRow: from a safe MarketOrder to a row of ORDERS."""

from __future__ import annotations

from typing import Any

from glue.transforms.contract import Record
from glue.transforms.shape import Shape, millis


class ToOrderRow(Shape):
    """Build an OrderRow: the line item with its record key and its version (time of update in milliseconds)."""

    schema_file = "order_row.avsc"

    def build(self, record: Record, value: dict[str, Any]) -> dict[str, Any]:
        return {
            "record_key": record.key,
            "version": millis(value["updated_at"]),
            "source": value["source"],
            "order_id": value["order_id"],
            "line_id": value["line_id"],
            "product_id": value["product_id"],
            "sku": value.get("sku"),
            "title": value["title"],
            "category": value.get("category"),
            "quantity": value["quantity"],
            "price": value["price"],
            "currency": value.get("currency", "BDT"),
            "status": value.get("status", "unknown"),
            "shipping_city": value.get("shipping_city"),
            "customer_phone_hash": value.get("customer_phone_hash"),
            "customer_email_hash": value.get("customer_email_hash"),
            "ordered_at": value["ordered_at"],
            "updated_at": value["updated_at"],
            "collected_at": value["collected_at"],
        }
