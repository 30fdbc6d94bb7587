"""A native Shopify order as records: one a line item, with what was taken back from it.

Shopify keeps the ordered ``quantity`` on a line; ``current_quantity`` is what edits and refunds left of it, and
``refunds`` say why. Personal data goes into the fields that the schema tags, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.orders import sales
from connectors.places import place_code
from connectors.reading import money
from connectors.shopify_refunds import less, money_given_back, refunded_units, shop_money, units_of
from connectors.source import Fields, Raw, listing, mapping, required, text_or_none
from glue.errors import DataError

_NOTHING = {"refunded", "voided"}  # financial states of an order that came to nothing


def order_lines(raw: Raw, collected_at: datetime, merchant: str = "") -> Iterator[Fields]:
    """The line items of an order of ``merchant``.

    Raises:
        DataError: a field without which nothing can be said is missing, or has another form.
    """
    order = mapping(raw, "order")
    lines = listing(order.get("line_items"), "line_items")
    if not lines:
        raise DataError("record", "line_items: an order without lines")
    customer = mapping(order.get("customer") or {}, "customer")
    address = mapping(order.get("shipping_address") or order.get("billing_address") or {}, "shipping_address")
    name = " ".join(str(part) for part in (customer.get("first_name"), customer.get("last_name")) if part)
    financial, fulfillment = _word(order.get("financial_status")), _word(order.get("fulfillment_status"))
    cancelled = order.get("cancelled_at") or None
    common = {
        "platform": "shopify",
        **({"merchant_id": merchant} if merchant else {}),
        "order_id": text_or_none(required(order, "id")),
        "is_test": order.get("test") or False,
        "currency": _code(order.get("currency")) or "BDT",
        "customer_currency": _code(order.get("presentment_currency")),
        "order_status": _status(financial, fulfillment, cancelled),
        "financial_status": financial,
        "fulfillment_status": fulfillment,
        "cancelled_at": cancelled,
        "cancel_reason": _word(order.get("cancel_reason")),
        "shipping_city": text_or_none(address.get("city")),
        "place_code": place_code(*(address.get(one) for one in ("city", "province", "country"))),
        "customer_name": text_or_none(name or address.get("name")),
        "customer_phone": text_or_none(order.get("phone") or customer.get("phone") or address.get("phone")),
        "customer_email": text_or_none(order.get("email") or customer.get("email")),
        "note": text_or_none(order.get("note")),
        "ordered_at": required(order, "created_at"),
        "updated_at": required(order, "updated_at"),
        "collected_at": collected_at,
    }
    refunds = refunded_units(order)
    # What is not a line at all fails the model, and the good lines of the order are kept.
    yield from ({**common, "line_items": line} for line in lines if not isinstance(line, dict))
    yield from less(
        [{**common, **_line(one), **_left(one, order, common, refunds)} for one in lines if isinstance(one, dict)],
        money_given_back(order, str(common["currency"])),
    )


def _word(value: Any) -> Any:
    text = text_or_none(value)
    return text.lower() if isinstance(text, str) else text


def _code(value: Any) -> Any:
    text = text_or_none(value)
    return text.upper() if isinstance(text, str) else text


def _status(financial: str | None, fulfillment: str | None, cancelled: Any) -> str:
    """One word: what undoes an order says more than that it was sent, and that more than how it was paid."""
    if cancelled:
        return "cancelled"
    if financial in _NOTHING:
        return financial
    return fulfillment or financial or "unknown"


def _line(line: dict[str, Any]) -> Fields:
    # Custom items have no product of their own: the line is used in its place.
    product = text_or_none(line.get("product_id")) or f"line-{line.get('id')}"
    return {
        "line_id": text_or_none(line.get("id")) or "",
        "product_id": product,
        "sku": text_or_none(line.get("sku")),
        "product_name": line.get("title") or line.get("name") or "",
        "category": text_or_none(line.get("product_type")),
        "line_kind": _line_kind(line),
        "quantity": line.get("quantity"),
        "price": _price(line),
    }


def _price(line: Mapping[str, Any]) -> Any:
    """A unit's price in the shop's currency, which is the order's: apps write the buyer's into ``price``."""
    inside = line.get("price_set")
    shop = inside.get("shop_money") if isinstance(inside, Mapping) else None
    return shop.get("amount", line.get("price")) if isinstance(shop, Mapping) else line.get("price")


def _line_kind(line: Mapping[str, Any]) -> str:
    if str(line.get("gift_card")).lower() == "true":
        return "gift_card"
    tipped = any(line.get(name) for name in ("tip", "tip_payment_gateway", "tip_payment_method"))
    return "tip" if tipped else "product"


def _left(
    line: dict[str, Any], order: Mapping[str, Any], common: Fields, refunds: dict[str, tuple[int, int]]
) -> Fields:
    """What is left of a line; where its numbers cannot be read, those as they are, for the model to refuse."""
    ordered, current = units_of(line.get("quantity")), line.get("current_quantity")
    try:
        price = money(_price(line))
    except ValueError:
        return {}
    if not ordered:
        return {}
    try:
        discount = _discount(line)
    except ValueError:
        return {"price_discounted": line.get("discount_allocations") or line.get("total_discount")}
    try:
        tax = _tax(line)
    except ValueError:
        return {"tax": line.get("tax_lines")}
    cancelled, returned = refunds.get(str(line.get("id")), (0, 0))
    left = max(ordered - cancelled - returned, 0)
    if current is not None:
        units = units_of(current)
        if units is None:
            return {"quantity_net": current}
        left = min(left, units)
    if common["cancelled_at"]:
        left = 0
    elif common["financial_status"] in _NOTHING or common["fulfillment_status"] == "restocked":
        # Refunded as a whole: what no refund lists by line went back, too.
        left, returned = 0, ordered - min(cancelled, ordered)
    returned = min(returned, ordered - left)
    return {
        "quantity_returned": returned,
        "quantity_cancelled": ordered - left - returned,
        "quantity_net": left,
        "tax": tax,
        **sales(price, discount, ordered, left),
    }


def _discount(line: Mapping[str, Any]) -> Decimal:
    """All discounts of the line as ordered, those on the whole order with it, in the currency of the shop."""
    allocations = line.get("discount_allocations")
    if isinstance(allocations, list) and allocations:
        total = sum((shop_money(one, "amount") for one in allocations if isinstance(one, Mapping)), Decimal(0))
    else:
        total = money(line.get("total_discount") or 0)
    if total < 0:
        raise ValueError("is below 0")
    return total


def _tax(line: Mapping[str, Any]) -> Decimal | None:
    taxes = line.get("tax_lines")
    if not isinstance(taxes, list) or not taxes:
        return None
    return sum((shop_money(one, "price") for one in taxes if isinstance(one, Mapping)), Decimal(0))
