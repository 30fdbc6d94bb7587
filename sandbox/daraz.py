"""Daraz Open Platform: signed calls, errors inside HTTP 200, offset paging, one row per unit, token refresh."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json, products
from sandbox.made_orders import MadeOrder
from sandbox.world import DARAZ_APP, World

_DHAKA = timezone(timedelta(hours=6))
_WORDS = {"pending": "pending", "paid": "ready_to_ship", "shipped": "shipped", "delivered": "delivered"}
_BREAKS: list[Json] = [
    {"updated_at": "not a time"},
    {"order_id": "(missing)"},
    {"created_at": None},
    {"address_shipping": "flat text"},
]

_PRODUCT_BREAKS: list[Json] = [{"item_id": "(missing)"}, {"attributes": None}, {"skus": "none"}]


def signature(secret: str, path: str, params: Mapping[str, str]) -> str:
    """What the vendor computes for a call: upper hex HMAC-SHA256 over the path and the sorted parameters."""
    text = path + "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


def product_json(made: dict[str, str]) -> Json:
    """The product as ``/products/get`` lists it."""
    return {
        "item_id": made["id"],
        "primary_category": made["category"],
        "status": "Active",
        "attributes": {"name": made["name"], "brand": "Made Brand"},
        "skus": [{"SkuId": made["id"], "SellerSku": made["sku"], "Status": "active", "price": float(made["price"])}],
    }


def _time(value: datetime) -> str:
    return value.astimezone(_DHAKA).strftime("%Y-%m-%d %H:%M:%S %z")


def order_json(order: MadeOrder) -> Json:
    """The order as ``/orders/get`` lists it."""
    given, family = order.buyer.name.split(" ", 1)
    return {
        "order_id": order.number,
        "order_number": order.number,
        "created_at": _time(order.created_at),
        "updated_at": _time(order.updated_at),
        "customer_first_name": given,
        "customer_last_name": family,
        "statuses": sorted({unit["status"] for unit in items_json(order)}),
        "items_count": sum(line.quantity for line in order.lines),
        "price": f"{sum(float(line.product['price']) * line.quantity for line in order.lines):.2f}",
        "remarks": order.note or "",
        "address_shipping": {"first_name": given, "last_name": family, "phone": f"88{order.buyer.phone}",
                             "city": order.city, "country": "Bangladesh",
                             "address1": f"House {order.number % 90 + 1}"},
    }  # fmt: skip


def items_json(order: MadeOrder) -> list[Json]:
    """One row per unit, without a quantity."""
    return [
        {
            "order_item_id": order.number * 100 + row,
            "order_id": order.number,
            "product_id": product["id"],
            "sku": product["sku"],
            "shop_sku": f"{product['sku']}-BD",
            "name": product["name"],
            "item_price": float(product["price"]),
            "paid_price": float(product["price"]),
            "currency": "BDT",
            "status": _status(order, row),
        }
        for row, product in enumerate(line.product for line in order.lines for _ in range(line.quantity))
    ]


def _status(order: MadeOrder, row: int) -> str:
    """Units have states of their own."""
    if order.fate == "cancelled":
        return "canceled"
    return "returned" if order.fate == "returned" and row == 0 else _WORDS[order.state]


def _error(code: str, kind: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "type": kind, "message": message, "request_id": "0ba2887315172940728551014"})


def routes(world: World) -> list[Route]:
    """The routes below ``/daraz``."""

    def refusal(request: Request, path: str) -> Response | None:
        faults, query = world.faults, dict(request.query_params)
        if faults.has("daraz", "throttle"):
            return _error("ApiCallLimit", "ISP", "This ban will last 1 seconds")
        if faults.has("daraz", "html-instead-of-json"):
            return HTMLResponse("<html><body>Service unavailable</body></html>")
        if query.get("app_key") != DARAZ_APP[0] or query.get("sign_method") != "sha256":
            return _error("InvalidAppKey", "ISV", "The specified App Key is invalid")
        if abs(time.time() * 1000 - int(query.get("timestamp", "0"))) > 7_200_000:
            return _error("IllegalTimestamp", "ISV", "The specified timestamp is expired")
        expected = signature(DARAZ_APP[1], path, query)
        if not hmac.compare_digest(expected, query.get("sign", "")):
            return _error("IncompleteSignature", "ISV", "The request signature does not conform to platform standards")
        if path.startswith("/auth"):
            return None
        expired = not world.daraz_refreshed and faults.has("daraz", "expired-token")
        if expired or query.get("access_token") != world.daraz_tokens[0]:
            return _error("IllegalAccessToken", "ISV", "The specified access token is invalid or expired")
        return None

    async def orders(request: Request) -> Response:
        refused = refusal(request, "/orders/get")
        return refused if refused is not None else _orders(world, dict(request.query_params))

    async def items(request: Request) -> Response:
        refused = refusal(request, "/orders/items/get")
        if refused is not None:
            return refused
        numbers = json.loads(request.query_params.get("order_ids", "[]"))
        if not 1 <= len(numbers) <= 50:
            return _error("E037", "ISV", "Too many orders were requested")
        known = world.orders["daraz"]
        data = [
            {"order_number": number, "order_id": number, "order_items": items_json(known[number])}
            for number in numbers
            if number in known
        ]
        return JSONResponse({"code": "0", "data": data})

    async def listed(request: Request) -> Response:
        refused = refusal(request, "/products/get")
        if refused is not None:
            return refused
        limit, offset = int(request.query_params.get("limit", "50")), int(request.query_params.get("offset", "0"))
        if limit > 50:
            return _error("E017", "ISV", "Invalid limit")
        found = [product_json(one) for one in products()]
        page = [world.broken("daraz", offset + at, one, _PRODUCT_BREAKS)
                for at, one in enumerate(found[offset : offset + limit])]  # fmt: skip
        return JSONResponse({"code": "0", "data": {"total_products": len(found), "products": page}})

    async def refresh(request: Request) -> Response:
        refused = refusal(request, "/auth/token/refresh")
        if refused is not None:
            return refused
        if request.query_params.get("refresh_token") != world.daraz_tokens[1]:
            return _error("IllegalRefreshToken", "ISV", "The specified refresh token is invalid or expired")
        number = world.rng.randrange(10**9)
        world.daraz_tokens, world.daraz_refreshed = (f"access-{number}", f"refresh-{number}"), True
        return JSONResponse({"code": "0", "access_token": world.daraz_tokens[0], "expires_in": 604_800,
                             "refresh_token": world.daraz_tokens[1], "refresh_expires_in": 2_000_000})  # fmt: skip

    return [
        Route("/rest/orders/get", orders),
        Route("/rest/orders/items/get", items),
        Route("/rest/products/get", listed),
        Route("/rest/auth/token/refresh", refresh),
    ]


def _orders(world: World, query: dict[str, str]) -> Response:
    after = query.get("update_after") or query.get("created_after")
    if not after:
        return _error("E019", "ISV", "created_after or update_after is mandatory")
    limit, offset = int(query.get("limit", "100")), int(query.get("offset", "0"))
    if limit > 100:
        return _error("E017", "ISV", "Invalid limit")
    if offset == 0:
        world.listings["daraz"] = world.listings.get("daraz", 0) + 1
    if world.faults.has("daraz", "updates-while-paging"):
        world.update_orders("daraz", 5)
    oldest = datetime.fromisoformat(after)
    latest = datetime.fromisoformat(query["update_before"]) if query.get("update_before") else None
    found = [
        order
        for order in world.sorted_orders("daraz")
        if order.updated_at >= oldest
        and (latest is None or order.updated_at <= latest)
        and not world.late("daraz", order.number, order.updated_at)
    ]
    page = [world.broken("daraz", order.number, order_json(order), _BREAKS) for order in found[offset : offset + limit]]
    if world.faults.has("daraz", "duplicate-records"):
        page += page[:3]
    return JSONResponse({"code": "0", "data": {"countTotal": len(found), "count": len(page), "orders": page}})
