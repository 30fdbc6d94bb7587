"""What was refunded of a Shopify order (in the shape of REST): units by line, and money without units.

A refund of money alone (for a late or damaged parcel) returns no unit, but it is not revenue any more. Shopify writes
it as an adjustment of the order: it is taken from what the lines still bring, each by its share.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from connectors.reading import money, whole
from connectors.source import Fields, listing, mapping
from glue.errors import DataError

_STEP = Decimal("0.0001")
_SHIPPING = "shipping_refund"


def shop_money(one: Mapping[str, Any], name: str) -> Decimal:
    """An amount in the currency of the shop.

    Raises:
        ValueError: it is none.
    """
    inside = one.get(f"{name}_set")
    shop = inside.get("shop_money") if isinstance(inside, Mapping) else None
    return money(shop["amount"] if isinstance(shop, Mapping) and "amount" in shop else one.get(name, 0))


def units_of(value: Any) -> int | None:
    """A number of units; None where it is none."""
    try:
        found = whole(value)
    except ValueError:
        return None
    return found if isinstance(found, int) and found >= 0 else None


def _refunds(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Each once: one with an id that is listed twice, the same throughout, is one refund."""
    found: list[Mapping[str, Any]] = []
    for one in listing(order.get("refunds") or [], "refunds"):
        refund = mapping(one, "refunds")
        if refund.get("id") is None or refund not in found:
            found.append(refund)
    return found


def refunded_units(order: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Units by line: cancelled before they were sent, and refunded or returned after.

    Raises:
        DataError: a number of units cannot be read.
    """
    found: dict[str, tuple[int, int]] = {}
    for refund in _refunds(order):
        for item in listing(refund.get("refund_line_items") or [], "refund_line_items"):
            entry = mapping(item, "refund_line_items")
            line, units = str(entry.get("line_item_id")), units_of(entry.get("quantity"))
            if units is None:
                raise DataError("record", "refund_line_items.quantity: is not a whole number")
            cancelled, returned = found.get(line, (0, 0))
            early = str(entry.get("restock_type")).lower() == "cancel"
            found[line] = (cancelled + units, returned) if early else (cancelled, returned + units)
    return found


def money_given_back(order: Mapping[str, Any], currency: str) -> Decimal:
    """Money that was refunded without units or shipping, in the currency of the shop.

    A fee that was kept (a positive adjustment) is no revenue of a product and changes nothing.

    Raises:
        DataError: an amount cannot be read.
    """
    total = Decimal(0)
    for refund in _refunds(order):
        try:
            total += max(-_adjusted(refund, currency), Decimal(0))
        except ValueError as error:
            raise DataError("record", f"refunds: an amount {error}") from None
    return total


def _adjusted(refund: Mapping[str, Any], currency: str) -> Decimal:
    adjustments = [
        mapping(one, "order_adjustments") for one in listing(refund.get("order_adjustments") or [], "order_adjustments")
    ]
    if adjustments or refund.get("refund_line_items"):
        return sum((shop_money(one, "amount") for one in adjustments if one.get("kind") != _SHIPPING), Decimal(0))
    # A refund that names neither goods nor adjustments: what was paid back says it.
    total = Decimal(0)
    for one in listing(refund.get("transactions") or [], "transactions"):
        paid = mapping(one, "transactions")
        if paid.get("kind") != "refund" or paid.get("status") not in (None, "success"):
            continue
        if "amount_set" not in paid and paid.get("currency") not in (None, currency):
            raise DataError("record", "refunds.transactions: is not in the currency of the shop")
        total -= shop_money(paid, "amount")
    return total


def less(lines: list[Fields], amount: Decimal) -> list[Fields]:
    """``lines`` with ``amount`` taken from what they bring, each by its share; never below nothing."""
    sales = {index: line["net_sales"] for index, line in enumerate(lines) if line.get("net_sales")}
    total = sum(sales.values(), Decimal(0))
    amount = min(amount, total)
    if amount <= 0:
        return lines
    shares = {at: (amount * one / total).quantize(_STEP, ROUND_DOWN) for at, one in sales.items()}
    # What rounding leaves goes to the line that brings most, whichever way the lines are sorted.
    most = max(sales, key=lambda at: (sales[at], str(lines[at]["line_id"])))
    shares[most] += amount - sum(shares.values(), Decimal(0))
    return [
        {**line, "net_sales": line["net_sales"] - shares[at]} if at in shares else line for at, line in enumerate(lines)
    ]
