"""Reading a listing that JavaScript renders: wait, scroll, extract; tell blocked, changed, empty and broken apart.

Selectors are data: for everything an ordered list of alternatives, CSS with an optional ``@attribute`` behind it. A
page that brings its content as data of its own scripts is read there first: data change less often than markup.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from connectors.browser import Browser
from connectors.errors import BlockedError, ChangedError, ThrottledError
from connectors.http import Http, retry_after
from connectors.policies import Strict
from connectors.reading import whole
from connectors.text import parse_count
from connectors.traffic import Traffic
from glue.errors import DataError, ServiceError, ServiceUnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

log = logging.getLogger(__name__)
Card = dict[str, Any]  # from the markup texts, from the page's data whatever they hold
_PATIENCE = 0.4  # of the page's timeout
_QUIET = 0.3  # seconds without a request before a scroll is over
_LITTLE_TEXT = 200  # characters: a page with less shows nothing, whatever its markup


class Selectors(Strict):
    """Where to find what. ``required`` fields are in every real card; where no card has one, the page has changed."""

    data: list[str] = Field(
        default_factory=list,
        description="Where the page's scripts keep a list of cards, or an object of them: pageData.mods.listItems.",
    )
    data_fields: dict[str, list[str]] = Field(
        default_factory=dict,
        description="The same fields in the data: a path in the card (price.value), or one from window. on.",
    )
    card: list[str] = Field(min_length=1)
    fields: dict[str, list[str]]
    required: list[str]
    blocked: list[str] = Field(default_factory=list, description="Captchas and refusals.")
    login: list[str] = Field(default_factory=list, description="Login forms in place of the page.")
    nothing: list[str] = Field(default_factory=list, description="The site says that there is nothing.")


_EXTRACT = """([cards, fields]) => {
  const found = cards.map(css => [...document.querySelectorAll(css)]).find(list => list.length) || [];
  const read = (card, ways) => {
    for (const way of ways) {
      const at = way.lastIndexOf("@"), css = at < 0 ? way : way.slice(0, at), name = at < 0 ? null : way.slice(at + 1);
      const node = css === "" ? card : card.querySelector(css);
      const value = node && (name ? node.getAttribute(name) : node.textContent);
      if (value && value.trim()) return value.trim();
    }
    return null;
  };
  return found.map(card => Object.fromEntries(Object.entries(fields).map(([name, ways]) => [name, read(card, ways)])));
}"""
_LOOK = """([data, cards, blocked, login, nothing]) => {
  const any = list => list.some(css => document.querySelector(css));
  const at = path => path.split(".").reduce((here, name) => here?.[name], window);
  const some = paths => paths.some(path => Object.keys(at(path) ?? {}).length);
  return any(blocked) ? "blocked" : some(data) ? "data" : any(cards) ? "cards" : any(login) ? "login"
    : any(nothing) ? "nothing" : "";
}"""
_DATA = """([data, fields]) => {
  const at = (from, path) => path.split(".").reduce((here, name) => here?.[name], from);
  const found = data.map(path => Object.values(at(window, path) ?? {})).find(list => list.length) || [];
  const one = (card, path) => path.startsWith("window.") ? at(window, path.slice(7)) : at(card, path);
  const read = (card, ways) => ways.map(way => one(card, way)).find(value => value != null && value !== "") ?? null;
  return found.map(card => Object.fromEntries(Object.entries(fields).map(([name, ways]) => [name, read(card, ways)])));
}"""


class Listing:
    """Reads listings of one site."""

    def __init__(self, browser: Browser, http: Http, selectors: Selectors) -> None:
        self._browser = browser
        self._http = http
        self._selectors = selectors

    def read(self, what: str, url: str, cap: int) -> list[Card]:
        """Up to ``cap`` cards of the listing at ``url``; none only where the site says that there are none.

        A block retires the session; the next one tries again, up to ``browser.sessions``.

        Raises:
            BlockedError: captcha, login wall or an empty page in every session; evidence is kept.
            ChangedError: the page came, and no configured selector fits; evidence is kept.
            ServiceError, ServiceUnavailableError: robots.txt forbids it; the site does not answer.
        """
        self._browser.check_robots(url, self._http)
        for session in range(1, self._browser.options.sessions + 1):
            try:
                return self._http.attempt(what, lambda: self._read(what, url, cap))
            except BlockedError as error:
                self._browser.retire()
                if session == self._browser.options.sessions:
                    raise
                log.warning("%s: %s; trying with a fresh session", what, error.why)
                self._http.wait(min(30.0, self._http.backoff(session)))
        raise AssertionError("unreachable")

    def _read(self, what: str, url: str, cap: int) -> list[Card]:
        from playwright.sync_api import Error

        try:
            page = self._browser.page()
        except Error as error:
            self._browser.close()
            raise ServiceUnavailableError(what, "the browser exited unexpectedly") from error
        try:
            traffic = Traffic(page)
            answer = page.goto(url, wait_until="domcontentloaded")
            _check_answer(what, answer)
            shown = self._look(what, page, traffic)
            if shown == "nothing":
                return []
            if shown == "data":
                cards = page.evaluate(_DATA, [self._selectors.data, self._selectors.data_fields])
                return self._checked(what, page, cards[:cap])
            cards = self._scroll(what, page, traffic, cap)
            if traffic.failed and len(cards) < cap:
                raise ServiceUnavailableError(
                    what, f"the listing broke off after {len(cards)} cards: {traffic.failed[0]}"
                )
            return self._checked(what, page, cards[:cap])
        except Error as error:
            # The message holds the address; its first word names the kind (net::ERR_…, Timeout).
            kind = "timeout" if "Timeout" in type(error).__name__ else "the page did not load"
            raise ServiceUnavailableError(what, kind) from error
        finally:
            _close(page)

    def _look(self, what: str, page: Page, traffic: Traffic) -> str:
        """Wait until the page shows what it is: ``data``, ``cards``, or an honest ``nothing``."""
        one = self._selectors
        began, timeout = time.monotonic(), self._browser.options.page_timeout
        groups = [one.data, one.card, one.blocked, one.login, one.nothing]
        while not (shown := page.evaluate(_LOOK, groups)) and not traffic.failed and time.monotonic() < began + timeout:
            # A page at rest that shows nothing will not change; but give a slow machine time to begin.
            if time.monotonic() > began + _PATIENCE * timeout and traffic.wait_until_quiet(0.5, 0.6):
                break
            page.wait_for_timeout(100)
        if shown in ("data", "cards", "nothing"):
            return str(shown)
        if traffic.failed:
            raise ServiceUnavailableError(what, f"the page could not load its content: {traffic.failed[0]}")
        if shown == "blocked":
            raise BlockedError(what, "the site shows a captcha", self._browser.keep_evidence(page, "captcha"))
        if shown == "login":
            raise BlockedError(what, "the site asks for a login", self._browser.keep_evidence(page, "login"))
        text: int = page.evaluate("document.body.innerText.trim().length")
        if text < _LITTLE_TEXT:
            raise BlockedError(what, "the site sent an empty page", self._browser.keep_evidence(page, "empty"))
        raise ChangedError(
            what, "the page came, but no configured selector fits it",
            f"correct selectors in the source's file; {self._browser.keep_evidence(page, 'changed')}",
        )  # fmt: skip

    def _scroll(self, what: str, page: Page, traffic: Traffic, cap: int) -> list[Card]:
        """Scroll until there are enough cards, or nothing more comes although the page loads nothing any more."""
        one, timeout = self._selectors, self._browser.options.page_timeout
        cards: list[Card] = page.evaluate(_EXTRACT, [one.card, one.fields])
        idle = 0
        while len(cards) < cap and idle < 2 and not traffic.failed:
            before = len(cards)
            page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            if not traffic.wait_until_quiet(_QUIET, timeout):
                log.warning("%s: the page does not come to rest", what)
            cards = page.evaluate(_EXTRACT, [one.card, one.fields])
            idle = idle + 1 if len(cards) == before else 0
        return cards

    def _checked(self, what: str, page: Page, cards: list[Card]) -> list[Card]:
        for name in self._selectors.required:
            if cards and not any(card.get(name) for card in cards):
                raise ChangedError(
                    what, f"{len(cards)} cards, and none has its {name}",
                    f"correct selectors.fields.{name}; {self._browser.keep_evidence(page, 'changed')}",
                )  # fmt: skip
        return cards


def count(card: Mapping[str, Any], name: str) -> int:
    """The count in the field ``name`` of a card: a text as the page shows it, or a whole number.

    Raises:
        DataError: it is not a count as a whole.
    """
    value = card.get(name)
    try:
        if value is None or isinstance(value, str):
            return parse_count(value)
        if isinstance(value, int | float):
            return int(whole(value))
        raise ValueError("is not a count")
    except ValueError as error:
        raise DataError("card", f"{name}: {error}") from None


def _check_answer(what: str, answer: Response | None) -> None:
    if answer is None or answer.ok:
        return
    if answer.status == 429:
        raise ThrottledError(what, "throttled (429)", retry_after=retry_after(answer.headers))
    if answer.status >= 500 or answer.status == 408:
        raise ServiceUnavailableError(what, f"it answered {answer.status}")
    if answer.status in (401, 403):
        raise BlockedError(what, f"it answered {answer.status}")
    raise ServiceError(what, f"it answered {answer.status}")


def _close(page: Page) -> None:
    try:
        page.close()
    except Exception:  # the browser may be gone already
        log.debug("a page was gone before it was closed")
