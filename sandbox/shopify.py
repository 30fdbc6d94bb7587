"""Shopify's Admin REST API as far as orders go: token, leaking bucket, Link pagination, ``updated_at_min``."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json, iso
from sandbox.made_orders import MadeOrder
from sandbox.versions import shopify_version
from sandbox.world import TOKENS, World

_BREAKS: list[Json] = [
    {"line_items": None},
    {"updated_at": "yesterday"},
    {"id": "(missing)"},
    {"line_items": [{"id": 1, "title": "", "quantity": 0, "price": "free"}]},
]


class Bucket:
    """A leaking bucket of ``size`` requests, losing ``leak`` a second."""

    def __init__(self, size: int, leak: float) -> None:
        self.size, self.leak, self.level, self.at = size, leak, 0.0, time.monotonic()

    def add(self) -> bool:
        """Put a request in; False where it is full."""
        now = time.monotonic()
        self.level = max(0.0, self.level - (now - self.at) * self.leak)
        self.at = now
        if self.level + 1 > self.size:
            return False
        self.level += 1
        return True


def order_json(order: MadeOrder) -> Json:
    """The order as Shopify writes it."""
    buyer = order.buyer
    given, family = buyer.name.split(" ", 1)
    address = {"name": buyer.name, "phone": buyer.phone, "city": order.city, "country": "Bangladesh", "zip": "1200",
               "address1": f"House {order.number % 90 + 1}, Road {order.number % 20 + 1}"}  # fmt: skip
    return {
        "id": order.number,
        "name": f"#{order.number % 100_000}",
        "created_at": iso(order.created_at),
        "updated_at": iso(order.updated_at),
        "currency": "BDT",
        "presentment_currency": "BDT",
        "test": order.fate == "test",
        "cancelled_at": iso(order.updated_at) if order.fate == "cancelled" else None,
        "cancel_reason": "customer" if order.fate == "cancelled" else None,
        "refunds": refunds_json(order),
        "financial_status": "paid" if order.state != "pending" else "pending",
        "fulfillment_status": "fulfilled" if order.state in ("shipped", "delivered") else None,
        "email": buyer.mail,
        "phone": f"+88{buyer.phone}",
        "note": order.note,
        "note_attributes": [{"name": "alt phone", "value": buyer.phone}],
        "browser_ip": "192.0.2.7",
        "client_details": {"browser_ip": "192.0.2.7", "user_agent": "Mozilla/5.0"},
        "customer": {"id": order.number * 7, "first_name": given, "last_name": family, "email": buyer.mail,
                     "phone": f"+88{buyer.phone}"},
        "shipping_address": address,
        "billing_address": address,
        "line_items": [
            {
                "id": order.number * 10 + index,
                "product_id": line.product["id"],
                "variant_id": order.number % 1000,
                "sku": line.product["sku"],
                "title": line.product["name"],
                "quantity": line.quantity,
                "current_quantity": line.quantity - (1 if order.fate == "returned" and index == 0 else 0),
                "price": line.product["price"],
                "vendor": "MillionX Sandbox",
                "product_type": line.product["category"],
            }
            for index, line in enumerate(order.lines)
        ],
    }  # fmt: skip


def refunds_json(order: MadeOrder) -> list[Json]:
    """What was refunded of the order."""
    if order.fate != "returned":
        return []
    item = {"line_item_id": order.number * 10, "quantity": 1, "restock_type": "return"}
    return [{"id": order.number * 3, "created_at": iso(order.updated_at), "refund_line_items": [item]}]


def routes(world: World) -> list[Route]:
    """The routes below ``/shopify``."""
    bucket = Bucket(world.options.bucket_size, world.options.bucket_leak)

    def call_limit() -> dict[str, str]:
        return {"X-Shopify-Shop-Api-Call-Limit": f"{int(bucket.level)}/{bucket.size}"}

    async def orders(request: Request) -> Response:
        faults, query = world.faults, request.query_params
        version = shopify_version(request.path_params["version"], datetime.now(UTC).date())
        if version is None:
            return JSONResponse({"errors": "Not Found"}, 404)
        if not bucket.add() or faults.has("shopify", "throttle"):
            return JSONResponse({"errors": "Exceeded 2 calls per second for api client."}, 429,
                                {"Retry-After": "2.0", **call_limit()})  # fmt: skip
        if request.headers.get("X-Shopify-Access-Token") != TOKENS["shopify"] or faults.has("shopify", "expired-token"):
            return JSONResponse({"errors": "[API] Invalid API key or access token"}, 401)
        if faults.has("shopify", "html-instead-of-json"):
            return HTMLResponse("<html><body>Bad gateway</body></html>")
        if "page_info" in query:
            if set(query) - {"page_info", "limit", "fields"}:
                return JSONResponse({"errors": {"page_info": "Invalid value."}}, 400)
            state = json.loads(base64.urlsafe_b64decode(query["page_info"]))
            limit = int(query.get("limit", state["limit"]))
        else:
            limit = int(query.get("limit", 50))
            state = {"min": query.get("updated_at_min"), "max": query.get("updated_at_max"),
                     "status": query.get("status", "open"), "order": query.get("order", "created_at desc"),
                     "after": None, "limit": limit}  # fmt: skip
            world.listings["shopify"] = world.listings.get("shopify", 0) + 1
        if not 1 <= limit <= 250 or state["order"] not in ("updated_at asc", "created_at desc"):
            return JSONResponse({"errors": {"limit": "must be between 1 and 250"}}, 400)
        return JSONResponse(*_page(world, request, state, limit,
                                    {"X-Shopify-API-Version": version, **call_limit()}))  # fmt: skip

    return [Route("/admin/api/{version}/orders.json", orders)]


def listed(world: World, oldest: datetime | None, latest: datetime | None) -> list[MadeOrder]:
    """The orders of a window (both ends inclusive), the oldest update first, as the faults let them be seen."""
    if world.faults.has("shopify", "updates-while-paging"):
        world.update_orders("shopify", 5)
    if world.faults.has("shopify", "read-60-days"):
        floor = datetime.now(UTC) - timedelta(days=60)
        oldest = max(oldest, floor) if oldest else floor
    return [
        order
        for order in world.sorted_orders("shopify")
        if (oldest is None or order.updated_at >= oldest)
        and (latest is None or order.updated_at <= latest)
        and not world.late("shopify", order.number, order.updated_at)
    ]


def _page(world: World, request: Request, state: Json, limit: int, headers: dict[str, str]) -> tuple[Json, int, Json]:
    times = [datetime.fromisoformat(state[end]) if state[end] else None for end in ("min", "max")]
    found = listed(world, *times)
    if state["order"] != "updated_at asc":
        found = sorted(found, key=lambda order: order.created_at, reverse=True)
    after = (datetime.fromisoformat(state["after"][0]), state["after"][1]) if state["after"] else None
    chosen = [
        order
        for order in found
        if (after is None or (order.updated_at, order.number) > after)
        and (state["status"] == "any" or order.state == "pending")
    ]
    page = chosen[:limit]
    if len(chosen) > limit:
        last = page[-1]
        info = {**state, "after": [last.updated_at.isoformat(), last.number], "limit": limit}
        token = base64.urlsafe_b64encode(json.dumps(info).encode()).decode()
        address = str(request.url).split("?")[0]
        headers["Link"] = f'<{address}?limit={limit}&page_info={token}>; rel="next"'
    records = [world.broken("shopify", order.number, order_json(order), _BREAKS) for order in page]
    if world.faults.has("shopify", "duplicate-records"):
        records += records[:3]
    return {"orders": records}, 200, headers
