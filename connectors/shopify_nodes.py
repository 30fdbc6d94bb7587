"""An order of the GraphQL API in the shape of the REST API and of webhooks.

:mod:`connectors.shopify_orders` reads that one shape, so that an order makes the same records whichever way it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.reading import money
from connectors.source import Raw, listing, mapping, required
from glue.errors import DataError

_GID = re.compile(r"gid://shopify/\w+/([^/?]+)(?:\?.*)?")
# The words that only GraphQL has for an order of which nothing was sent; REST gives null for all of them.
_NOTHING_SENT = {
    "UNFULFILLED", "FULFILLMENT_NOT_REQUIRED", "OPEN", "IN_PROGRESS", "ON_HOLD", "PENDING_FULFILLMENT", "SCHEDULED",
    "REQUEST_DECLINED",
}  # fmt: skip
_FULFILLMENT = {"PARTIALLY_FULFILLED": "partial"} | dict.fromkeys(_NOTHING_SENT)


def is_node(raw: Raw) -> bool:
    """Whether an order came by GraphQL: its names are in camel case."""
    return isinstance(raw, Mapping) and ("createdAt" in raw or "lineItems" in raw)


def rest_order(raw: Raw) -> dict[str, Any]:
    """The order as REST gives it.

    Raises:
        DataError: a part of it has another form.
    """
    node = mapping(raw, "order")
    customer = mapping(node.get("customer") or {}, "customer")
    tip = _amount(node, "totalTipReceivedSet")
    lines = _nodes(node, "lineItems")
    return {
        "id": _id(required(node, "id")),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "cancelled_at": node.get("cancelledAt"),
        "cancel_reason": node.get("cancelReason"),
        "test": node.get("test"),
        "note": node.get("note"),
        "currency": node.get("currencyCode"),
        "presentment_currency": node.get("presentmentCurrencyCode"),
        "financial_status": node.get("displayFinancialStatus"),
        "fulfillment_status": _fulfillment(node.get("displayFulfillmentStatus")),
        "email": node.get("email"),
        "phone": node.get("phone"),
        "customer": {
            "first_name": customer.get("firstName"),
            "last_name": customer.get("lastName"),
            "email": mapping(customer.get("defaultEmailAddress") or {}, "customer").get("emailAddress"),
            "phone": mapping(customer.get("defaultPhoneNumber") or {}, "customer").get("phoneNumber"),
        },
        "shipping_address": node.get("shippingAddress"),
        "billing_address": node.get("billingAddress"),
        "refunds": [_refund(one) for one in listing(node.get("refunds") or [], "refunds")],
        "line_items": [_line_or_raw(one, tip) for one in lines],
    }


def _id(value: Any) -> str:
    """The plain id in a global one (``gid://shopify/Order/123``)."""
    found = _GID.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise DataError("record", "id: is not a global id of Shopify")
    return found.group(1)


def _nodes(owner: Mapping[str, Any], name: str) -> list[Any]:
    return listing(mapping(owner.get(name), name).get("nodes"), name)


def _amount(owner: Mapping[str, Any], name: str) -> Any:
    """The amount in the shop's currency, as written; None where there is no such sum."""
    bag = owner.get(name)
    return mapping(mapping(bag, name).get("shopMoney"), name).get("amount") if bag is not None else None


def _fulfillment(word: Any) -> Any:
    return _FULFILLMENT.get(word, word) if isinstance(word, str) else word


def _line_or_raw(raw: Any, tip: Any) -> Any:
    """A line, or what is none in a form that no record takes, so that it alone is set aside."""
    try:
        return _line(mapping(raw, "lineItems"), tip)
    except DataError:
        return [raw]


def _line(raw: Mapping[str, Any], tip: Any) -> dict[str, Any]:
    product = mapping(raw.get("product") or {}, "product")
    line = {
        "id": _id(required(raw, "id")),
        "product_id": _id(product["id"]) if product else None,
        "product_type": product.get("productType"),
        "sku": raw.get("sku"),
        "title": raw.get("title"),
        "quantity": raw.get("quantity"),
        "current_quantity": raw.get("currentQuantity"),
        "gift_card": raw.get("isGiftCard"),
        "price": _amount(raw, "originalUnitPriceSet"),
        "discount_allocations": [
            {"amount": _amount(mapping(one, "discountAllocations"), "allocatedAmountSet")}
            for one in listing(raw.get("discountAllocations") or [], "discountAllocations")
        ],
        "tax_lines": [
            {"price": _amount(mapping(one, "taxLines"), "priceSet")}
            for one in listing(raw.get("taxLines") or [], "taxLines")
        ],
    }
    return line | ({"tip": tip} if _is_tip(line, tip) else {})


def _is_tip(line: dict[str, Any], tip: Any) -> bool:
    """GraphQL marks no tip: it is the line without a product that costs what the order says was tipped."""
    try:
        return not line["product_id"] and money(tip) > Decimal(0) and money(line["price"]) == money(tip)
    except ValueError:
        return False


def _refund(raw: Any) -> dict[str, Any]:
    """A refund; those of goods, of shipping and of money alone stand where REST has them."""
    refund = mapping(raw, "refunds")
    items = [mapping(one, "refundLineItems") for one in _nodes(refund, "refundLineItems")]
    adjustments = [mapping(one, "orderAdjustments") for one in _nodes(refund, "orderAdjustments")]
    shipping = [mapping(one, "refundShippingLines") for one in _nodes(refund, "refundShippingLines")]
    total = _amount(refund, "totalRefundedSet")
    return {
        "refund_line_items": [
            {
                "line_item_id": _id(mapping(one.get("lineItem"), "lineItem").get("id")),
                "quantity": one.get("quantity"),
                "restock_type": str(one.get("restockType")).lower(),
                "subtotal": _amount(one, "subtotalSet"),
            }
            for one in items
        ],
        "order_adjustments": [
            *({"kind": "refund_discrepancy", "amount": _amount(one, "amountSet")} for one in adjustments),
            *({"kind": "shipping_refund", "amount": f"-{_amount(one, 'subtotalAmountSet')}"} for one in shipping),
        ],
        "transactions": [{"kind": "refund", "status": "success", "amount": total}] if total is not None else [],
    }
