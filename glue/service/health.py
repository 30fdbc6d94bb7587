"""``/health``, ``/ready`` and ``/metrics`` of a worker, on the address ``MXCTL_BIND`` (loopback)."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from glue.errors import UsageError
from glue.settings import get_settings

log = logging.getLogger(__name__)
_SILENCE = 60.0


class Health:
    """What the service says about itself; written by its loop, read by the server's threads."""

    def __init__(self) -> None:
        self.beat_at = time.monotonic()
        self.assigned = False
        self.held = ""

    def beat(self) -> None:
        """The loop is alive."""
        self.beat_at = time.monotonic()

    def alive(self) -> bool:
        """Whether the loop beat within the last minute."""
        return time.monotonic() - self.beat_at < _SILENCE

    def ready(self) -> bool:
        """Whether records flow: the group gave an answer, and nothing is held back."""
        return self.alive() and self.assigned and not self.held

    def report(self) -> dict[str, Any]:
        """Both answers and why, for people."""
        return {"alive": self.alive(), "ready": self.ready(), "assigned": self.assigned, "held": self.held}


def serve(
    port: int,
    health: Callable[[], tuple[bool, bool, dict[str, Any]]],
    registry: CollectorRegistry,
) -> ThreadingHTTPServer:
    """Answer on ``port`` (0: a free one) of the setting ``bind`` in a thread; ``health`` gives (alive, ready, report).

    Raises:
        UsageError: that address and port cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            alive, ready, report = health()
            if self.path == "/metrics":
                self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif self.path in ("/health", "/ready"):
                good = alive if self.path == "/health" else ready
                status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, json.dumps(report).encode(), "application/json")
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"/health /ready /metrics\n", "text/plain")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    bind = get_settings().bind
    try:
        server = ThreadingHTTPServer((bind, port), Handler)
    except OSError as error:
        raise UsageError(
            f"{bind}:{port}", f"it cannot be listened on: {error.strerror}", "choose another port or MXCTL_BIND"
        ) from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
