"""A native Daraz order as records: one a product and list price, with the units by what became of them.

Daraz lists one row a unit, each with a status of its own, and no quantity. Rows of one SKU at one price are one line;
the line's id is made of both, so that it does not depend on what else is in the order.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.orders import CANCELLED, OPEN, RETURNED, UNCLEAR, UNKNOWN, known_states, state_of
from connectors.places import place_code
from connectors.reading import money
from connectors.source import Fields, Raw, listing, mapping, required, text_or_none
from glue.errors import DataError

log = logging.getLogger(__name__)
_STEP = Decimal("0.0001")
_MASKED = re.compile(r"[*•●∗]|(?<=\d)[xX]{2}|[xX]{2}(?=\d)")
# From the least to the most advanced, for units that are left; else the first that fits.
_OPEN_WORDS = ("pending", "packing", "shipped", "delivered")
_CLOSED_WORDS = ("returned", "failed", "lost", "cancelled", "unpaid")


def order_lines(raw: Raw, collected_at: datetime, merchant: str) -> Iterator[Fields]:
    """The lines of an order of the seller ``merchant``.

    Raises:
        DataError: a field without which nothing can be said is missing, or has another form.
    """
    pair = mapping(raw, "order with items")
    order = mapping(pair.get("order"), "order")
    rows = listing(pair.get("items"), "items")
    if not rows:
        raise DataError("record", "items: an order without items")
    address = mapping(order.get("address_shipping") or {}, "address_shipping")
    city = address.get("city") or address.get("address4") or address.get("address3")
    name = " ".join(str(part) for part in (order.get("customer_first_name"), order.get("customer_last_name")) if part)
    common = {
        "platform": "daraz",
        "merchant_id": merchant,
        "order_id": text_or_none(required(order, "order_id")),
        "shipping_city": _unmasked(city),
        "place_code": place_code(*(address.get(one) for one in ("city", "address4", "address5", "address3"))),
        "customer_name": text_or_none(name),
        "customer_phone": _unmasked(address.get("phone")),
        "customer_email": _unmasked(order.get("customer_email")),
        "note": text_or_none(order.get("remarks")),
        "ordered_at": required(order, "created_at"),
        "updated_at": required(order, "updated_at"),
        "collected_at": collected_at,
    }
    for line in _lines(rows):
        yield {**common, **line}


def _unmasked(value: Any) -> Any:
    """A value with a mask in it names nobody, and many people at once."""
    text = text_or_none(value)
    return None if isinstance(text, str) and _MASKED.search(text) else text


@dataclass
class _Line:
    item: Mapping[str, Any]
    price: Decimal
    units: dict[str, int] = field(default_factory=lambda: dict.fromkeys((OPEN, CANCELLED, RETURNED, UNCLEAR), 0))
    words: set[str] = field(default_factory=set)
    native: set[str] = field(default_factory=set)
    paid: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)  # what the open units bring
    tax: Decimal | None = None
    shipping: Decimal | None = None

    def add(self, item: Mapping[str, Any]) -> None:
        """One more unit.

        Raises:
            ValueError: an amount of it cannot be read.
        """
        paid = _paid(item, self.price)
        tax, shipping = _sum(self.tax, item.get("tax_amount")), _sum(self.shipping, item.get("shipping_amount"))
        native = re.sub(r"[ -]", "_", str(item.get("status") or "").strip().lower()).replace("1st", "first")
        state = state_of("daraz", native)
        if state.word == UNKNOWN:
            log.warning("Daraz: a unit has a status that is not in order_states.json; it counts as unclear")
        known = native in known_states("daraz")
        self.native.add(native if known else UNKNOWN)
        self.words.add(state.word)
        self.units[state.counts_as] += 1
        self.paid += paid
        self.sold += paid if state.counts_as == OPEN else 0
        self.tax, self.shipping = tax, shipping

    def fields(self) -> Fields:
        """As fields of the model."""
        item, quantity = self.item, sum(self.units.values())
        sku = _sku(item)
        return {
            "line_id": f"{sku}@{self.price.normalize():f}",
            "product_id": text_or_none(item.get("product_id")) or sku,
            "sku": sku,
            "product_name": item.get("name") or "",
            "quantity": quantity,
            "quantity_cancelled": self.units[CANCELLED],
            "quantity_returned": self.units[RETURNED],
            "quantity_unclear": self.units[UNCLEAR],
            "quantity_net": self.units[OPEN],
            "price": self.price,
            "price_discounted": (self.paid / quantity).quantize(_STEP),
            "net_sales": self.sold,
            "currency": _currency(item),
            "tax": self.tax,
            "shipping": self.shipping,
            "order_status": self._status(),
            "fulfillment_status": ",".join(sorted(self.native)),
        }

    def _status(self) -> str:
        """The word of all units; of several, unknown before all, then the least advanced of those that are left."""
        if len(self.words) == 1:
            return next(iter(self.words))
        return next(word for word in (UNKNOWN, *_OPEN_WORDS, *_CLOSED_WORDS) if word in self.words)


def _lines(rows: Iterable[Raw]) -> list[Fields]:
    """Rows of one SKU and price as one line; a row that cannot be read stands alone, and the model says why."""
    lines: dict[tuple[str, Decimal], _Line] = {}
    alone: list[Fields] = []
    seen: list[Raw] = []
    for row in rows:
        if isinstance(row, Mapping) and row.get("order_item_id") is not None:
            if row in seen:  # the same unit, listed twice
                continue
            seen.append(row)
        if not isinstance(row, Mapping):
            alone.append({"items": row})
            continue
        try:
            sku, price = _sku(row), money(row.get("item_price"))
            line = lines.get((sku, price)) or _Line(row, price)
            line.add(row)
            lines[(sku, price)] = line
        except ValueError:
            alone.append(_unread(row))
    return [*(line.fields() for line in lines.values()), *alone]


def _currency(row: Mapping[str, Any]) -> Any:
    text = text_or_none(row.get("currency")) or "BDT"
    return text.upper() if isinstance(text, str) else text


def _sku(row: Mapping[str, Any]) -> str:
    """What tells the products of an order apart.

    Raises:
        ValueError: there is none, or it is no text.
    """
    sku = text_or_none(row.get("sku")) or text_or_none(row.get("product_id"))
    if not isinstance(sku, str):
        raise ValueError("is not an id")
    return sku


def _unread(row: Mapping[str, Any]) -> Fields:
    """A row as it is, for the model to refuse by name."""
    sku = text_or_none(row.get("sku")) or text_or_none(row.get("product_id")) or ""
    fields: Fields = {"line_id": sku, "product_id": sku, "product_name": row.get("name") or "", "quantity": 1,
              "price": row.get("item_price")}  # fmt: skip
    names = {"price_discounted": "paid_price", "tax": "tax_amount", "shipping": "shipping_amount"}
    fields |= {ours: row[theirs] for ours, theirs in names.items() if row.get(theirs) is not None}
    if any(_bad(row.get(name)) for name in _VOUCHERS):
        fields["price_discounted"] = {name: row.get(name) for name in _VOUCHERS}
    return fields


_VOUCHERS = ("voucher_seller", "voucher_amount", "voucher_platform")


def _bad(value: Any) -> bool:
    try:
        return (_amount(value) or 0) < 0
    except ValueError:
        return True


def _amount(value: Any) -> Decimal | None:
    return None if value is None or value == "" else money(value)


def _sum(before: Decimal | None, value: Any) -> Decimal | None:
    amount = _amount(value)
    return before if amount is None else (before or Decimal(0)) + amount


def _paid(item: Mapping[str, Any], price: Decimal) -> Decimal:
    """What the seller gets for a unit: the list price less the seller's own vouchers; the platform pays for its own.

    Where vouchers are not listed, what the buyer paid.

    Raises:
        ValueError: an amount cannot be read, or a voucher is below 0.
    """
    if any(_bad(item.get(name)) for name in _VOUCHERS):
        raise ValueError("has a voucher that is no amount")
    seller, platform = _amount(item.get("voucher_seller")), _amount(item.get("voucher_platform"))
    total, paid = _amount(item.get("voucher_amount")), _amount(item.get("paid_price"))
    if seller or platform:
        own = seller if seller is not None else max((total or Decimal(0)) - (platform or Decimal(0)), Decimal(0))
        return max(price - own, Decimal(0))
    if total:
        return max(price - total, Decimal(0))
    return price if paid is None else paid
