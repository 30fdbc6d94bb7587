"""ToPriceObservation: from a safe MarketOrder to a row of PRICE_HISTORY."""

from __future__ import annotations

from typing import Any

from glue.transforms.contract import Record
from glue.transforms.shape import Shape, millis


class ToPriceObservation(Shape):
    """Build a PriceObservation: what one unit cost. The chain's ``rekey`` gives it a key beside the order's."""

    schema_file = "price_observation.avsc"

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
            "price": value["price"],
            "currency": value.get("currency", "BDT"),
            "observed_at": value["ordered_at"],
            "collected_at": value["collected_at"],
        }
