"""Sessions of the browser: cookies end with them, proxies take turns. A real Chromium, proxies of the tests' own."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.browser import Browser, BrowserOptions

pytestmark = pytest.mark.browser
LOGIN = base64.b64encode(b"user:p@ss").decode()


class Proxy:
    """A proxy that wants a login and answers every page itself, with a cookie for whoever has none."""

    def __init__(self) -> None:
        self.seen: list[str] = []  # the cookies of each page that was asked for
        self.refused = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("Proxy-Authorization") == f"Basic {LOGIN}"
                self.send_response(200 if known else 407)
                if known and "favicon" not in self.path:
                    proxy.seen.append(self.headers.get("Cookie", ""))
                    self.send_header("Set-Cookie", f"visit={len(proxy.seen)}")
                if not known:
                    proxy.refused += 1
                    self.send_header("Proxy-Authenticate", 'Basic realm="p"')
                body = b"<html><title>shop</title></html>"
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://user:p%40ss@127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    made = [Proxy(), Proxy()]
    yield made
    for one in made:
        one.server.shutdown()


def visit(proxies: list[Proxy], folder: Path, pages: int, **options: Any) -> None:
    """Open ``pages`` pages of a site that exists behind the proxies only."""
    browser = Browser(BrowserOptions(proxies=[one.url for one in proxies], **options), folder)
    try:
        for _ in range(pages):
            page = browser.page()
            page.goto("http://shop.example/")
            assert page.title() == "shop"
            page.close()
    finally:
        browser.close()


def test_a_session_retires_by_use_and_the_next_proxy_takes_over(proxies: list[Proxy], tmp_path: Path) -> None:
    visit(proxies, tmp_path, 5, session_pages=2)
    assert [one.seen for one in proxies] == [["", "visit=1", ""], ["", "visit=1"]]
    assert all(one.refused for one in proxies), "the login is sent only when it is asked for"


def test_a_session_retires_by_age(proxies: list[Proxy], tmp_path: Path) -> None:
    visit(proxies, tmp_path, 3, session_age=0.001)
    assert [one.seen for one in proxies] == [["", ""], [""]]


def test_one_session_keeps_its_proxy_and_its_cookies(proxies: list[Proxy], tmp_path: Path) -> None:
    visit(proxies, tmp_path, 3)
    assert [one.seen for one in proxies] == [["", "visit=1", "visit=2"], []]
