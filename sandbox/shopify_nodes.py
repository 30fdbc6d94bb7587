"""Made orders as Shopify's GraphQL API has them: connections take ``first`` and ``after``, money comes in bags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.made_data import Json, iso
from sandbox.made_orders import Line, MadeOrder
from sandbox.shopify import refunds_json

ALL = 1_000_000  # `first` of a bulk operation, which has no pages


def bag(amount: str) -> Json:
    """A sum in the currency of the shop and of the customer."""
    money = {"amount": amount, "currencyCode": "BDT"}
    return {"shopMoney": money, "presentmentMoney": money}


def connection(items: list[Any]) -> Callable[..., Json]:
    """A field that pages through ``items``."""

    def page(info: Any, first: int | None = None, after: str | None = None, **_: Any) -> Json:
        if first is None and info.context.get("bulk"):
            first = ALL
        if first is None:
            raise ValueError("you must provide one of first or last")
        begin = int(after) + 1 if after else 0
        chosen = items[begin : begin + first]
        edges = [{"cursor": str(begin + index), "node": node} for index, node in enumerate(chosen)]
        cursors = [edge["cursor"] for edge in edges] or [None]
        return {
            "edges": edges,
            "nodes": chosen,
            "pageInfo": {
                "hasNextPage": begin + first < len(items),
                "hasPreviousPage": begin > 0,
                "startCursor": cursors[0],
                "endCursor": cursors[-1],
            },
        }

    return page


def order_node(order: MadeOrder) -> Json:
    """The order as a node."""
    buyer = order.buyer
    given, family = buyer.name.split(" ", 1)
    address = {"name": buyer.name, "phone": buyer.phone, "city": order.city, "province": None, "country": "Bangladesh",
               "zip": "1200", "address1": f"House {order.number % 90 + 1}, Road {order.number % 20 + 1}"}  # fmt: skip
    lines = [_line(order, index, line) for index, line in enumerate(order.lines)]
    return {
        "__typename": "Order",
        "id": f"gid://shopify/Order/{order.number}",
        "name": f"#{order.number % 100_000}",
        "createdAt": iso(order.created_at),
        "updatedAt": iso(order.updated_at),
        "cancelledAt": iso(order.updated_at) if order.fate == "cancelled" else None,
        "cancelReason": "CUSTOMER" if order.fate == "cancelled" else None,
        "test": order.fate == "test",
        "note": order.note,
        "email": buyer.mail,
        "phone": f"+88{buyer.phone}",
        "currencyCode": "BDT",
        "presentmentCurrencyCode": "BDT",
        "displayFinancialStatus": "PAID" if order.state != "pending" else "PENDING",
        "displayFulfillmentStatus": "FULFILLED" if order.state in ("shipped", "delivered") else "UNFULFILLED",
        "totalTipReceivedSet": bag("0.00"),
        "customer": {
            "id": f"gid://shopify/Customer/{order.number * 7}", "firstName": given, "lastName": family,
            "defaultEmailAddress": {"emailAddress": buyer.mail},
            "defaultPhoneNumber": {"phoneNumber": f"+88{buyer.phone}"},
        },
        "shippingAddress": address,
        "billingAddress": address,
        "lineItems": connection(lines),
        "refunds": refund_nodes(order),
    }  # fmt: skip


def _line(order: MadeOrder, index: int, line: Line) -> Json:
    product = line.product
    return {
        "__typename": "LineItem",
        "id": f"gid://shopify/LineItem/{order.number * 10 + index}",
        "title": product["name"],
        "name": product["name"],
        "sku": product["sku"],
        "quantity": line.quantity,
        "currentQuantity": line.quantity - (1 if order.fate == "returned" and index == 0 else 0),
        "isGiftCard": False,
        "requiresShipping": True,
        "product": {"id": f"gid://shopify/Product/{product['id']}", "title": product["name"],
                    "productType": product["category"], "vendor": "MillionX Sandbox"},
        "originalUnitPriceSet": bag(product["price"]),
        "discountAllocations": [],
        "taxLines": [],
    }  # fmt: skip


def refund_nodes(order: MadeOrder) -> list[Json]:
    """The order's refunds, the same that REST tells."""
    return [
        {
            "__typename": "Refund",
            "id": f"gid://shopify/Refund/{refund['id']}",
            "createdAt": refund["created_at"],
            "totalRefundedSet": bag(order.lines[0].product["price"]),
            "refundLineItems": connection(
                [
                    {
                        "quantity": item["quantity"],
                        "restockType": item["restock_type"].upper(),
                        "lineItem": _line(order, item["line_item_id"] % 10, order.lines[item["line_item_id"] % 10]),
                        "subtotalSet": bag(order.lines[0].product["price"]),
                    }
                    for item in refund["refund_line_items"]
                ]
            ),
            "orderAdjustments": connection([]),
            "refundShippingLines": connection([]),
        }
        for refund in refunds_json(order)
    ]
