"""ToPriceObservation: from a safe MarketOrder to a row of PRICE_HISTORY."""

from __future__ import annotations

from typing import Any

from glue.errors import DataError
from glue.transforms.contract import Record
from glue.transforms.shape import Shape, millis


class ToPriceObservation(Shape):
    """Build a PriceObservation: what one unit cost. The chain's ``rekey`` gives it a key beside the order's.

    An order may have free lines; a price is above 0, so a free line is refused here.
    """

    schema_file = "price_observation.avsc"

    def build(self, record: Record, value: dict[str, Any]) -> dict[str, Any]:
        if value["price"] <= 0:
            raise DataError("ToPriceObservation", "price: exclusiveMinimum 0 (a free line shows no price)")
        return {
            "record_key": record.key,
            "version": millis(value["updated_at"]),
            "platform": value["platform"],
            "merchant_id": value.get("merchant_id", "unknown"),
            "order_id": value["order_id"],
            "line_id": value["line_id"],
            "product_id": value["product_id"],
            "sku": value.get("sku"),
            "product_name": value["product_name"],
            "line_kind": value.get("line_kind", "product"),
            "is_test": value.get("is_test", False),
            "price": value["price"],
            "price_discounted": value.get("price_discounted"),
            "currency": value.get("currency", "BDT"),
            "recorded_at": value["ordered_at"],
            "collected_at": value["collected_at"],
        }
