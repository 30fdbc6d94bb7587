"""One loopback server with the vendors under path prefixes, and ``/_sandbox`` to steer it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import daraz, daraz_pages, facebook, shopify, shopify_graphql, storefront, tiktok, weather
from sandbox.faults import FAULTS, VENDORS, UnknownFaultError
from sandbox.made_data import products
from sandbox.world import World


class CutError(Exception):
    """Raised on purpose: the server drops the connection."""


class FaultMiddleware:
    """Faults between a vendor and its client: latency, slowness, errors, cut and dripping bodies."""

    def __init__(self, app: ASGIApp, world: World, vendor: str) -> None:
        self.app, self.world, self.vendor = app, world, vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        faults, vendor = self.world.faults, self.vendor
        self.world.count(vendor)
        if self.world.options.latency:
            await asyncio.sleep(self.world.options.latency * (0.5 + faults.random()))
        if faults.has(vendor, "slow"):
            await asyncio.sleep(self.world.options.slow_seconds)
        if faults.has(vendor, "server-error"):
            status = faults.choice([500, 502, 503])
            await PlainTextResponse("upstream error", status)(scope, receive, send)
            return
        if faults.has(vendor, "cut"):
            await self.app(scope, receive, _cutting(send))
        elif faults.has(vendor, "drip"):
            await self.app(scope, receive, _dripping(send))
        else:
            await self.app(scope, receive, send)


def _cutting(send: Send) -> Send:
    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            await send({**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True})
            raise CutError
        await send(message)

    return cut


def _dripping(send: Send) -> Send:
    async def drip(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        body: bytes = message["body"]
        for at in range(0, len(body), 8):
            await send({"type": "http.response.body", "body": body[at : at + 8], "more_body": True})
            await asyncio.sleep(0.25)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return drip


def make_app(world: World) -> Starlette:
    """The application over ``world``; the market places of its further shops lie below ``/shops/NAME``."""
    vendors = {
        "tiktok": tiktok.routes(world),
        "facebook": facebook.routes(world),
        "weather": weather.routes(world),
        "shopify-listings": storefront.routes(world),
        "daraz-listings": daraz_pages.routes(world),
        **_market_places(world),
    }
    mounts = _mounts(world, vendors)
    mounts += [
        Mount(f"/shops/{name}", routes=_mounts(shop, _market_places(shop))) for name, shop in world.shops.items()
    ]
    return Starlette(routes=[*mounts, Mount("/_sandbox", routes=_control(world)), Route("/robots.txt", _robots)])


def _market_places(world: World) -> dict[str, list[Route]]:
    return {"shopify": [*shopify.routes(world), *shopify_graphql.routes(world)], "daraz": daraz.routes(world)}


def _mounts(world: World, vendors: dict[str, list[Route]]) -> list[Mount]:
    return [
        Mount(f"/{name}", app=FaultMiddleware(Starlette(routes=routes), world, name))
        for name, routes in vendors.items()
    ]


async def _robots(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("User-agent: *\nDisallow: /private/\n")


def _control(world: World) -> list[Route]:
    async def state(_request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "ready": True,
                "pid": os.getpid(),
                "seed": world.options.seed,
                "posts": {name: len(found) for name, found in world.posts.items()},
                "orders": {name: len(found) for name, found in world.orders.items()},
                "requests": world.requests,
                "fired": world.faults.fired,
            }
        )

    async def faults(request: Request) -> JSONResponse:
        if request.method == "PUT":
            try:
                world.faults.set(list(await request.json()))
            except UnknownFaultError as error:
                return JSONResponse({"error": str(error)}, 400)
            world.daraz_refreshed = False
        return JSONResponse(
            {name: {"does": does, "vendors": list(of or VENDORS)} for name, (does, of) in FAULTS.items()}
        )

    async def orders(request: Request) -> JSONResponse:
        body: dict[str, Any] = await request.json()
        shop = str(body["shop"])
        updated = world.update_orders(shop, int(body.get("update", 0)))
        added = world.add_orders(shop, int(body.get("add", 0)))
        return JSONResponse({"updated": updated, "added": added})

    async def catalogue(_request: Request) -> JSONResponse:
        return JSONResponse(products())

    return [
        Route("/state", state),
        Route("/faults", faults, methods=["GET", "PUT"]),
        Route("/orders", orders, methods=["POST"]),
        Route("/products", catalogue),
    ]
