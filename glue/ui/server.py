"""The page and its API, on loopback only: read-only, no cross-site use, nothing from outside."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glue.avro import Decoder
from glue.errors import MillionXError, UsageError
from glue.overlay import declared_merchants
from glue.privacy.shown import clean
from glue.settings import Settings
from glue.ui.collector import KAFKA, Collector
from glue.ui.detail import node_detail
from glue.ui.records import LatestRecords
from glue.ui.search import SearchBox
from glue.ui.view import graph_view, live_graph

LOOPBACK = "127.0.0.1"
_STATIC = Path(__file__).parent / "static"
# A page elsewhere that makes its name lead to this address (DNS rebinding) still sends its own name.
_HOSTS = [LOOPBACK, "localhost"]
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class _SafeHeaders:
    """Puts ``_HEADERS`` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            await send(message)

        await self._app(scope, receive, with_headers)


def make_app(collector: Collector) -> Starlette:
    """The application; all pages share ``collector``."""
    latest = LatestRecords(collector.services.kafka, Decoder(collector.services.registry))

    merchants = declared_merchants(collector.settings)
    box = SearchBox(collector.settings)

    # Plain functions: Starlette runs them in threads, since they may wait for Kafka.
    def page(request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", media_type="text/html")

    def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def graph(request: Request) -> Response:
        return JSONResponse(graph_view(collector.look()))

    def node(request: Request) -> Response:
        snapshot = collector.look()
        made = live_graph(snapshot)
        found = made.nodes.get(request.path_params["id"])
        if found is None:
            raise HTTPException(404, "there is no such part in the declared topology")
        return JSONResponse(node_detail(found, made, snapshot, collector))

    def records(request: Request) -> Response:
        topic = request.path_params["topic"]
        snapshot = collector.look()
        if topic not in snapshot.declared.topics:  # nothing but what is declared: others may hold secrets
            raise HTTPException(404, "there is no such topic in the declared topology")
        if snapshot.traffic is None:
            raise HTTPException(503, f"{KAFKA} does not answer")
        merchant = request.query_params.get("merchant", "")
        if merchant and merchant not in merchants:
            raise HTTPException(404, "no source declares this merchant")
        ends = {place: end for place, end in snapshot.traffic.ends.items() if place[0] == topic}
        return JSONResponse({"topic": topic, "merchants": sorted(merchants), "records": latest(topic, ends, merchant)})

    def search(request: Request) -> Response:
        return JSONResponse(box(request.query_params, collector.look().declared))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/health", health),
            Route("/api/graph", graph),
            Route("/api/node/{id:path}", node),
            Route("/api/records/{topic}", records),
            Route("/api/search", search),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(_SafeHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)],
        exception_handlers={HTTPException: _refused, MillionXError: _failed},
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (it is registered for nothing else)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _failed(request: Request, error: Exception) -> Response:
    why = clean(f"{error.what}: {error.why}") if isinstance(error, MillionXError) else "unexpected"
    status = 400 if isinstance(error, UsageError) else 503
    return JSONResponse({"error": why, "fix": getattr(error, "fix", "")}, status)


def serve(settings: Settings, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        port: loopback port; 0 takes a free one.
        ready: called with the address when connections are taken.

    Raises:
        UsageError: the port is in use.
        ConfigError: the declared files cannot be read.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            taken = getattr(error, "errno", 0) == errno.EADDRINUSE
            why = "another program listens there" if taken else "it cannot be listened on"
            raise UsageError(f"port {port}", why, "choose another --port, or 0 for any") from error
        listener.listen(64)
        collector = Collector(settings)
        config = uvicorn.Config(
            make_app(collector), log_level="warning", access_log=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        ready(f"http://{LOOPBACK}:{listener.getsockname()[1]}/")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            collector.close()
