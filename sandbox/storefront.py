"""Public Shopify shops: ``/products.json`` and ``/meta.json``, as anybody sees them.

``open`` sells the catalogue at prices of its own; ``closed`` asks for a password; ``gone`` is not there.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json, products
from sandbox.world import World

_VENDOR = "shopify-listings"
_BREAKS: list[Json] = [
    {"variants": None},
    {"title": "(missing)"},
    {"variants": [{"id": 1, "title": "Default Title", "price": "ask us"}]},
    {"variants": [{"id": 1, "title": "Default Title", "price": "0.00"}]},
]
_SIZES = ("S", "M", "L")


def shown(index: int, made: dict[str, str], dearer: int) -> Json:
    """A product as the shop shows it: fashion in sizes, each third reduced, each seventh sold out."""
    price = (Decimal(made["price"]) * (100 + dearer) / 100).quantize(Decimal("0.01"))
    sizes = _SIZES if made["category"] in ("Fashion", "Footwear") else ("Default Title",)
    return {
        "id": 7_000_000 + index,
        "title": made["name"],
        "handle": made["sku"].lower(),
        "vendor": "Made Brand",
        "product_type": made["category"],
        "variants": [
            {
                "id": (7_000_000 + index) * 10 + number,
                "title": size,
                "sku": f"{made['sku']}-{size}" if len(sizes) > 1 else made["sku"],
                "price": str(price),
                "compare_at_price": str(price * 2) if index % 3 == 0 else None,
                "available": index % 7 != 0,
            }
            for number, size in enumerate(sizes)
        ],
    }


def routes(world: World) -> list[Route]:
    """The routes below ``/shopify-listings``."""
    faults = world.faults

    async def listed(request: Request) -> Response:
        shop = request.path_params["shop"]
        if shop == "closed" or faults.has(_VENDOR, "login-wall"):
            return RedirectResponse(f"/{_VENDOR}/{shop}/password")
        if shop != "open":
            return JSONResponse({"errors": "Not Found"}, 404)
        if faults.has(_VENDOR, "throttle"):
            return HTMLResponse("<html><body>Too many requests</body></html>", 429, {"Retry-After": "0.2"})
        if faults.has(_VENDOR, "block-page"):
            return HTMLResponse("<html><body>Rejected</body></html>", 430)
        if faults.has(_VENDOR, "html-instead-of-json"):
            return HTMLResponse("<html><body>Something went wrong</body></html>")
        return _page(world, request)

    async def meta(request: Request) -> Response:
        if request.path_params["shop"] != "open":
            return JSONResponse({"errors": "Not Found"}, 404)
        return JSONResponse({"id": 1, "name": "Open Shop", "currency": "BDT", "country": "BD"})

    return [Route("/{shop}/products.json", listed), Route("/{shop}/meta.json", meta)]


def _page(world: World, request: Request) -> Response:
    query = request.query_params
    limit, page = min(int(query.get("limit", "30")), 250), int(query.get("page", "1"))
    dearer = 10 if world.faults.has(_VENDOR, "new-prices") else 0
    found = [shown(index, made, dearer) for index, made in enumerate(products())]
    start = (page - 1) * limit
    part = [world.broken(_VENDOR, start + at, one, _BREAKS) for at, one in enumerate(found[start : start + limit])]
    if world.faults.has(_VENDOR, "duplicate-records"):
        part += found[:2]  # as where a product moves to the next page while it is read
    body = json.dumps({"products": part}).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})
