"""A Chromium that scrapes politely: light pages, sessions that retire, evidence of what went wrong.

Uses Playwright (extra ``browser``) with the system's Chromium, else Playwright's own (``playwright install chromium``).
"""

from __future__ import annotations

import ipaddress
import logging
import os
import shutil
import socket
import sys
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr

from connectors.evidence import keep
from connectors.http import Http
from connectors.policies import Strict
from connectors.robots import Robots
from glue.errors import ConfigError
from glue.imports import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import BrowserContext, Page, Playwright, Route

log = logging.getLogger(__name__)
_ASK = "use the site's API; or, with its permission, set browser.obey_robots to false"
_HEAVY = {"image", "media", "font"}
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".cluster.local", ".svc")
_SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _of_the_system() -> str | None:
    return next((path for path in map(shutil.which, _SYSTEM) if path), None)


def check_browser() -> None:
    """Say early what a source that reads pages would say late. A Chromium of the system is trusted to start.

    Raises:
        ConfigError: Playwright is not installed, or there is no Chromium that starts.
    """
    with needs("browser"):
        import playwright.sync_api  # noqa: F401
    if _of_the_system() is None:
        browser = Browser(BrowserOptions(), Path())
        browser._start()
        browser.close()


class BrowserOptions(Strict):
    """How the browser behaves. Times in seconds."""

    executable: str | None = Field(None, description="Path of a Chromium; unset: the system's, else Playwright's.")
    user_agent: str | None = None
    locale: str = "bn-BD"
    proxies: list[SecretStr] = Field(default_factory=list, description="http://user:pass@host:port, used in turn.")
    page_timeout: float = Field(20.0, gt=0)
    session_pages: int = Field(20, ge=1, description="Pages after which a session is replaced.")
    session_age: float = Field(900.0, gt=0, description="Age at which a session is replaced.")
    sessions: int = Field(3, ge=1, description="Fresh sessions to try before a block ends the run.")
    obey_robots: bool = True
    sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="Chromium's own sandbox; auto: on where it can start, else a warning."
    )


class Browser:
    """One Chromium of a run, with one session (cookies, proxy) at a time. Not thread-safe."""

    def __init__(self, options: BrowserOptions, evidence: Path) -> None:
        self.options = options
        self._evidence = evidence
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._session: BrowserContext | None = None
        self._pages = 0
        self._born = 0.0
        self._sessions = 0
        self._asked: set[str] = set()
        self._known: dict[str, bool] = {}
        self._robots = Robots(options.user_agent, options.obey_robots, _ASK)

    def _start(self) -> Chromium:
        if self._chromium is None:
            with needs("browser"):
                from playwright.sync_api import Error, sync_playwright
            try:
                self._playwright = sync_playwright().start()
            except Exception as error:  # what ends when its program does not start is not said by the library
                fix = "see what it needs: python -m playwright install-deps --dry-run chromium; and libatomic1"
                raise ConfigError("browser", f"the driver of Playwright does not start: {error}", fix) from error
            try:
                self._chromium = self._launch(self._playwright, self.options.executable or _of_the_system(), Error)
            except Error as error:
                self.close()
                fix = f"install Chromium, or run: {Path(sys.executable).with_name('playwright')} install chromium"
                if self.options.sandbox == "on":
                    fix = "let it make user namespaces, or set browser.sandbox to auto, or " + fix
                raise ConfigError("browser", "no Chromium could be started", fix) from error
        return self._chromium

    def _launch(self, playwright: Playwright, executable: str | None, refused: type[Exception]) -> Chromium:
        """Chromium with its sandbox, which Playwright leaves out unless asked: it needs user namespaces, no root."""

        def launch(sandboxed: bool) -> Chromium:
            return playwright.chromium.launch(
                executable_path=executable, chromium_sandbox=sandboxed, args=["--disable-dev-shm-usage"]
            )

        wanted, root = self.options.sandbox, hasattr(os, "geteuid") and os.geteuid() == 0
        if wanted == "on" or (wanted == "auto" and not root):
            try:
                return launch(sandboxed=True)
            except refused:
                if wanted == "on":
                    raise
        if wanted == "auto":
            why = "it is started by root" if root else "the kernel or the container allows it no user namespaces"
            log.warning("Chromium runs without its sandbox: %s", why)
        return launch(sandboxed=False)

    def page(self) -> Page:
        """A new page of a session that is still good; the caller closes it."""
        old = time.monotonic() - self._born > self.options.session_age
        if self._session is not None and (old or self._pages >= self.options.session_pages):
            self.retire()
        if self._session is None:
            proxies = self.options.proxies
            proxy = proxies[self._sessions % len(proxies)].get_secret_value() if proxies else None
            self._session = self._start().new_context(
                locale=self.options.locale,
                user_agent=self.options.user_agent,
                viewport={"width": 1280, "height": 900},
                accept_downloads=False,
                service_workers="block",  # their requests would pass no route
                proxy=_proxy(proxy) if proxy else None,  # type: ignore[arg-type]
            )
            self._session.set_default_timeout(self.options.page_timeout * 1000)
            self._session.route("**/*", self._route)
            self._session.route_web_socket("**/*", lambda socket: socket.close())  # no request that a route would see
            self._pages, self._born = 0, time.monotonic()
            self._sessions += 1
        self._pages += 1
        return self._session.new_page()

    def _route(self, route: Route) -> None:
        """Let a page load what it needs from the internet, and nothing from where this process lives.

        The site whose robots.txt was asked may be anywhere. What a redirect leads to is not asked here; Chromium keeps
        public pages from local addresses itself (Local Network Access).
        """
        parts = urllib.parse.urlsplit(route.request.url)
        local = parts.scheme in ("data", "blob")
        if route.request.resource_type in _HEAVY or not (
            local or parts.netloc in self._asked or self._is_public((parts.hostname or "").rstrip("."))
        ):
            route.abort()
        else:
            route.continue_()

    def _is_public(self, host: str) -> bool:
        if host not in self._known:
            self._known[host] = is_public(host, resolve=not self.options.proxies)
        return self._known[host]

    def retire(self) -> None:
        """End the session: the next page starts with fresh cookies and the next proxy."""
        if self._session is not None:
            session, self._session = self._session, None
            session.close()

    def keep_evidence(self, page: Page, reason: str) -> str:
        """Save what ``page`` looks like for whoever fixes it; returns the text for the error message."""
        return keep(page, self._evidence, reason)

    def check_robots(self, url: str, http: Http) -> None:
        """Obey the site's robots.txt.

        Raises:
            ServiceError: it does not allow the page.
        """
        self._asked.add(urllib.parse.urlsplit(url).netloc)
        self._robots.check(url, http)

    def close(self) -> None:
        """End Chromium."""
        try:
            self.retire()
            if self._chromium is not None:
                self._chromium.close()
        except Exception as error:  # it may have died; the rest is released all the same
            log.debug("closing Chromium: %s", type(error).__name__)
        finally:
            self._chromium = None
            if self._playwright is not None:
                self._playwright.stop()
                self._playwright = None


def is_public(host: str, *, resolve: bool = True) -> bool:
    """Whether a host is one of the internet: no name of a local network, and no address of one behind it.

    Args:
        resolve: ask for the addresses; not where a proxy does.
    """
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    if "." not in host or host.endswith(_LOCAL):
        return False
    if not resolve:
        return True
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found)


def _proxy(url: str) -> dict[str, Any]:
    parts = urllib.parse.urlsplit(url)
    made = {"server": f"{parts.scheme}://{parts.hostname}:{parts.port}"}
    if parts.username:
        made |= {
            "username": urllib.parse.unquote(parts.username),
            "password": urllib.parse.unquote(parts.password or ""),
        }
    return made
