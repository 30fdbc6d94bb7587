"""What a page is loading by itself: requests of its scripts that are under way, and those that failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response

_CONTENT = ("xhr", "fetch", "script")


class Traffic:
    """Watches one page from before its first request."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: set[Request] = set()
        self.failed: list[str] = []
        page.on("request", self._started)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._broke)
        page.on("response", self._answered)

    def _started(self, request: Request) -> None:
        if request.resource_type in _CONTENT:
            self._open.add(request)

    def _ended(self, request: Request) -> None:
        self._open.discard(request)

    def _broke(self, request: Request) -> None:
        self._open.discard(request)
        if request.resource_type in _CONTENT:
            self.failed.append(f"a {request.resource_type} failed")

    def _answered(self, response: Response) -> None:
        kind = response.request.resource_type
        if response.status >= 500 and kind in _CONTENT:
            self.failed.append(f"a {kind} answered {response.status}")

    def wait_until_quiet(self, quiet: float, timeout: float) -> bool:
        """Wait until nothing was under way for ``quiet`` seconds; False if that is not so within ``timeout``."""
        began = since = time.monotonic()
        while time.monotonic() - since < quiet:
            if time.monotonic() - began > timeout:
                return False
            self._page.wait_for_timeout(50)
            if self._open:
                since = time.monotonic()
        return True
