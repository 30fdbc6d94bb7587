"""What a page may do: nothing with what lives beside us. And Chromium is asked to use its sandbox."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.browser import Browser, BrowserOptions, is_public


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fd00::1",
     "fe80::1", "::ffff:127.0.0.1", "localhost", "kafka", "connect", "db.internal", "printer.local", "a.localhost",
     "registry.millionx.svc", "api.default.svc.cluster.local", ""],
)  # fmt: skip
def test_what_is_beside_us_is_not_public(host: str) -> None:
    assert not is_public(host, resolve=False)


def test_a_name_that_leads_to_us_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "cdn.example": ["93.184.216.34"],
        "rebind.example": ["93.184.216.34", "127.0.0.1"],
        "in.example": ["10.0.0.1"],
    }

    def resolve(host: str, _port: None) -> list[Any]:
        return [(2, 1, 6, "", (one, 0)) for one in found[host]]

    monkeypatch.setattr("connectors.browser.socket.getaddrinfo", resolve)
    assert [name for name in found if is_public(name)] == ["cdn.example"]
    assert is_public("rebind.example", resolve=False)  # a proxy asks, not we


class RefusedError(Exception):
    """As Playwright says that a program did not start."""


class Launcher:
    """Stands for Playwright: starts Chromium only without its sandbox, where told."""

    def __init__(self, works: bool) -> None:
        self.chromium, self.works, self.asked = self, works, list[bool]()

    def launch(self, *, chromium_sandbox: bool, args: list[str], executable_path: str | None) -> str:
        assert "--no-sandbox" not in args
        self.asked.append(chromium_sandbox)
        if chromium_sandbox and not self.works:
            raise RefusedError
        return "started"


@pytest.mark.parametrize(
    ("sandbox", "root", "works", "asked"),
    [("auto", False, True, [True]), ("auto", False, False, [True, False]), ("auto", True, True, [False]),
     ("on", False, True, [True]), ("off", False, True, [False])],
)  # fmt: skip
def test_the_sandbox_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path, sandbox: Any, root: bool,
    works: bool, asked: list[bool],
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    launcher: Any = Launcher(works)
    browser = Browser(BrowserOptions(sandbox=sandbox), tmp_path)
    assert browser._launch(launcher, None, RefusedError) == "started"
    assert launcher.asked == asked
    assert ("without its sandbox" in caplog.text) == (sandbox == "auto" and not asked[-1])


def test_who_insists_on_the_sandbox_gets_it_or_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    launcher: Any = Launcher(works=False)
    with pytest.raises(RefusedError):
        Browser(BrowserOptions(sandbox="on"), tmp_path)._launch(launcher, None, RefusedError)
    assert launcher.asked == [True]


class Site:
    """A server that notes what it was asked, and answers with a page."""

    def __init__(self, page: str = "") -> None:
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(f"{self.command} {self.path}")
                body = page.replace("OTHER", site.other).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.other = ""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


PAGE = """<html><title>shop</title><script src="http://OTHER/script.js"></script><iframe src="http://OTHER/frame"></iframe>
<form id="f" method="post" target="t" action="http://OTHER/form"></form><iframe name="t"></iframe>
<script>
  const tried = [
    fetch("http://OTHER/fetch", {method: "POST", mode: "no-cors", body: "x"}),
    fetch("http://OTHER/delete", {method: "DELETE"}),
    fetch("/own"),
  ];
  new WebSocket("ws://OTHER/socket");
  document.getElementById("f").submit();
  navigator.sendBeacon("http://OTHER/beacon", "x");
  Promise.allSettled(tried).then(all => { document.title = "done"; });
</script></html>"""


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    page, beside = Site(PAGE), Site()
    page.other = beside.address
    yield page, beside
    for one in (page, beside):
        one.server.shutdown()


@pytest.mark.browser
def test_a_page_reaches_its_own_site_and_nothing_beside_us(sites: tuple[Site, Site], tmp_path: Path) -> None:
    site, beside = sites
    browser = Browser(BrowserOptions(obey_robots=False), tmp_path)
    try:
        nobody: Any = None
        browser.check_robots(f"http://{site.address}/", nobody)
        page = browser.page()
        page.goto(f"http://{site.address}/")
        page.wait_for_function("document.title === 'done'")
        assert "GET /own" in site.asked
        page.goto("about:blank")
        with pytest.raises(Exception, match="ERR_FAILED"):
            page.goto(f"http://{beside.address}/navigated")
    finally:
        browser.close()
    assert beside.asked == []
