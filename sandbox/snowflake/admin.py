"""Faults over HTTP: the middleware that lets them hit requests, and the routes that switch them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.snowflake.faults import Faults, UnknownFaultError
from sandbox.snowflake.wire import RefusedError, read_json

_EXEMPT = ("/admin", "/health")


class FaultGate:
    """ASGI middleware for the faults that hit any request: slow, server-error, lost-reply."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_EXEMPT):
            await self._app(scope, receive, send)
            return
        if slow := self._faults.hit("slow", path):
            await asyncio.sleep(slow.seconds)
        broken = RefusedError("390500", "A fault is switched on: server error.", http=500).response()
        if self._faults.hit("server-error", path):
            await broken(scope, receive, send)
        elif self._faults.hit("lost-reply", path):
            await self._app(scope, receive, _swallow)
            await broken(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _swallow(message: object) -> None:
    """Take an answer and send it nowhere."""


def admin_routes(faults: Faults, expire_tokens: Callable[[], None]) -> list[Route]:
    """``GET /admin/faults``; ``PUT`` and ``DELETE /admin/faults/{name}``, options as a JSON object."""

    async def show(request: Request) -> JSONResponse:
        return JSONResponse(faults.describe())

    async def switch_on(request: Request) -> JSONResponse:
        apply_fault(faults, expire_tokens, request.path_params["name"], await read_json(request))
        return JSONResponse(faults.describe())

    async def switch_off(request: Request) -> JSONResponse:
        faults.switch_off(request.path_params["name"])
        return JSONResponse(faults.describe())

    return [
        Route("/admin/faults", show),
        Route("/admin/faults/{name}", switch_on, methods=["PUT"]),
        Route("/admin/faults/{name}", switch_off, methods=["DELETE"]),
    ]


def apply_fault(faults: Faults, expire_tokens: Callable[[], None], name: str, options: dict[str, object]) -> None:
    """Switch a fault on; ``token-expired`` acts at once and stays no longer.

    Raises:
        RefusedError: there is no such fault (HTTP 404).
    """
    try:
        faults.switch_on(name, options)
    except UnknownFaultError as error:
        raise RefusedError("390404", str(error), http=404) from error
    if name == "token-expired":
        expire_tokens()
        faults.switch_off(name)
