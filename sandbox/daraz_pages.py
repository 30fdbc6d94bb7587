"""Daraz as anybody sees it: search results and product pages with their data in a script, and markup made of them."""

from __future__ import annotations

import html
import json
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.made_data import BENGALI_DIGITS, Json, products
from sandbox.pages import login_page, wall
from sandbox.world import World

_VENDOR = "daraz-listings"
_BREAKS: list[Json] = [
    {"price": "ask"},
    {"name": "(missing)"},
    {"itemId": None, "itemUrl": "//www.example.com/other"},
    {"ratingScore": "9.9"},
    {"review": "many"},
]
_SELLERS = ("Gadget Bazar", "Sharee House", "Dhaka Deals")
_PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>{title}</title></head><body><h1>{title}</h1>
<p>{words}</p>{script}<div id="root">{markup}</div></body></html>"""
_WORDS = "Online shopping in Bangladesh: " + "everything for everybody, delivered to your door. " * 6
_CARD = """<div class="c16H9d" data-qa-locator="product-item" data-item-id="{itemId}"><a href="{itemUrl}">{name}</a>
<span class="{price_class}">{priceShow}</span><del>{originalPriceShow}</del><span class="rating__review">{review}</span>
<span class="sold">{itemSoldCntShow}</span></div>"""


def item(index: int, made: dict[str, str], dearer: int) -> Json:
    """A product as the search lists it: each third reduced, each seventh sold out, some counts in Bengali."""
    price = (Decimal(made["price"]) * (100 + dearer) / 100).quantize(Decimal("0.01"))
    seller, reviews = index % len(_SELLERS), index * 7 % 300
    return {
        "itemId": str(300_000 + index),
        "skuId": str(1_500_000 + index),
        "sku": f"{300_000 + index}_BD-{1_500_000 + index}",
        "name": made["name"],
        "brandName": "Made Brand",
        "sellerId": str(900_000 + seller),
        "sellerName": _SELLERS[seller],
        "price": str(price),
        "priceShow": f"৳ {price:,}",
        "originalPrice": str(price * 2) if index % 3 == 0 else "",
        "originalPriceShow": f"৳ {price * 2:,}" if index % 3 == 0 else "",
        "ratingScore": f"{3 + index % 20 / 10:.1f}" if reviews else "0",
        "review": (f"({reviews})".translate(BENGALI_DIGITS) if index % 2 else str(reviews)),
        "itemSoldCntShow": f"{1 + index % 9}.{index % 10}K sold" if index % 2 else "১২ বিক্রি",
        "inStock": index % 7 != 0,
        "itemUrl": f"//www.daraz.example/products/{made['sku'].lower()}-i{300_000 + index}-s{1_500_000 + index}.html",
    }


def routes(world: World) -> list[Route]:
    """The routes below ``/daraz-listings``."""
    faults = world.faults

    def made() -> list[Json]:
        dearer = 10 if faults.has(_VENDOR, "new-prices") else 0
        return [item(index, one, dearer) for index, one in enumerate(products())]

    async def search(request: Request) -> Response:
        before = wall(world, _VENDOR, f"/{_VENDOR}/login")
        if before is not None:
            return before
        if faults.has(_VENDOR, "empty-200"):
            return HTMLResponse("")
        words = request.query_params.get("q", "").lower().split()
        found = [one for one in made() if all(word in one["name"].lower() for word in words)]
        shown = [world.broken(_VENDOR, index, one, _BREAKS) for index, one in enumerate(found)]
        if faults.has(_VENDOR, "duplicate-records"):
            shown += shown[:2]
        return _search(world, shown)

    async def product(request: Request) -> Response:
        before = wall(world, _VENDOR, f"/{_VENDOR}/login")
        if before is not None:
            return before
        found = next((one for one in made() if one["itemId"] == request.path_params["item"]), None)
        if found is None:
            return HTMLResponse(_page("Not found", '<div class="error-404">This product is no longer available</div>'))
        data = {"data": {"root": {"fields": _fields(found)}}}
        script = f"<script>var __moduleData__ = {json.dumps(data)};</script>"
        return HTMLResponse(_page(found["name"], "", script))

    async def login(_request: Request) -> Response:
        return login_page()

    return [
        Route("/catalog/", search),
        Route("/products/-i{item}.html", product),
        Route("/login", login),
    ]


def _search(world: World, shown: list[Json]) -> Response:
    if not shown:
        return HTMLResponse(_page("Search", '<div class="search-no-result">Search No Result</div>'))
    if world.faults.has(_VENDOR, "changed-selectors"):
        return HTMLResponse(
            _page("Search", "".join(f"<section>{html.escape(str(one.get('name')))}</section>" for one in shown))
        )
    if world.faults.has(_VENDOR, "old-selectors"):
        cards = [{name: html.escape(str(one.get(name) or "")) for name in item(0, products()[0], 0)} for one in shown]
        return HTMLResponse(_page("Search", "".join(_CARD.format(price_class="c13VH6", **card) for card in cards)))
    data = {"mods": {"listItems": shown}, "mainInfo": {"totalResults": str(len(shown)), "page": "1", "pageSize": "40"}}
    return HTMLResponse(_page("Search", "", f"<script>window.pageData={json.dumps(data)};</script>"))


def _page(title: str, markup: str, script: str = "") -> str:
    return _PAGE.format(title=html.escape(title), words=_WORDS, markup=markup, script=script)


def _fields(one: Json) -> Json:
    """A product page's data: two SKUs, the default one also under 0, as the site writes them."""
    price = Decimal(one["price"])
    first = {
        "skuId": one["skuId"],
        "itemId": one["itemId"],
        "stock": 12 if one["inStock"] else 0,
        "price": {"salePrice": {"value": float(price), "text": one["priceShow"]},
                  "originalPrice": {"value": float(price * 2), "text": f"৳ {price * 2:,}"}},
    }  # fmt: skip
    second = {**first, "skuId": str(int(one["skuId"]) + 500_000), "stock": 3,
              "price": {"salePrice": {"value": float(price + 50), "text": f"৳ {price + 50:,}"}}}  # fmt: skip
    return {
        "product": {"title": one["name"], "brand": {"name": "Made Brand"}},
        "seller": {"name": one["sellerName"], "sellerId": one["sellerId"]},
        "review": {"ratings": {"average": float(one["ratingScore"]), "rateCount": 21, "reviewCount": 7}},
        "skuInfos": {"0": first, first["skuId"]: first, second["skuId"]: second},
    }
