"""Posts of public Facebook pages: through the Graph API where a token is given, else from the pages themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pydantic import Field, SecretStr

from connectors.browser import Browser, BrowserOptions
from connectors.facebook_graph import GraphApi, graph_post, graph_version, native_id
from connectors.models import SocialPost
from connectors.scrape import Card, Listing, Selectors, count
from connectors.source import (
    Context,
    Cursor,
    Fields,
    Page,
    Raw,
    Source,
    SourceOptions,
    Window,
    each_of,
    mapping,
    newest,
    required,
    text_of,
    times_of,
)
from connectors.text import Mentions, has_no_text, hashtags, product_ids
from glue.errors import DataError


class FacebookOptions(SourceOptions):
    """Options of the Facebook source; without ``token`` the pages are scraped."""

    graph_url: str
    pages_url: str = Field(description="Address of a public page, with {page}.")
    token: SecretStr | None = None
    pages: list[str] = Field(min_length=1)
    page_size: int = Field(100, ge=1, le=100)
    posts_per_page: int = Field(50, ge=1, description="Most posts read from one public page in a run (scraping).")
    selectors: Selectors
    products: dict[str, list[str]] = Field(default_factory=dict, description="Canonical name and its spellings.")
    browser: BrowserOptions = BrowserOptions()


class Facebook(Source[FacebookOptions]):
    """One listing a page. The cursor holds a time for each, because one may fail while another goes on."""

    model = SocialPost
    options_class = FacebookOptions

    def __init__(self, options: FacebookOptions, context: Context) -> None:
        super().__init__(options, context)
        self._browser = Browser(options.browser, context.evidence)
        self._mentions = Mentions(options.products)

    @classmethod
    def api_version_of(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        """The version in the address of the Graph API."""
        return "facebook", graph_version(str(options["graph_url"]))

    def start(self, cursor: Cursor, overlap: timedelta) -> datetime | None:
        """Each page has its own beginning."""
        return None

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Page after page, each from its own time on."""
        times = dict(cursor.get("pages") or {})
        token = self.options.token.get_secret_value() if self.options.token else ""
        if not token:
            return each_of(self.options.pages, partial(self._scraped, window))
        graph = GraphApi(self.context.http, self.options.graph_url, token, self.options.page_size)
        return each_of(self.options.pages, partial(self._listed, graph, window, times))

    def _listed(self, graph: GraphApi, window: Window, times: dict[str, str], page: str) -> Iterator[Page]:
        """Listings come newest first, so the time of a page moves on only when its listing was read to the end."""
        started, known = self.context.now(), times.get(page)
        since = window.since or (datetime.fromisoformat(known) - self.context.overlap if known else None)
        seen: list[datetime] = []
        for posts in graph.posts(page, since, window.until):
            seen += times_of(posts, "created_time")
            worded = [post for post in posts if not (isinstance(post, dict) and has_no_text(post.get("message")))]
            yield Page([{"page": page, "post": post} for post in worded], without_text=len(posts) - len(worded))
        reached = newest(seen, started, known)
        if reached:
            times[page] = reached
            yield Page([], {"pages": dict(times)})

    def _scraped(self, window: Window, page: str) -> Iterator[Page]:
        listing = Listing(self._browser, self.context.http, self.options.selectors)
        url = self.options.pages_url.format(page=page)
        cards = listing.read(f"Facebook page {page}", url, self.options.posts_per_page)
        worded = [card for card in cards if not has_no_text(card.get("text"))]
        chosen = [{"page": page, "card": card} for card in worded if _in(window, card)]
        yield Page(chosen, without_text=len(cards) - len(worded))

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """A post of either kind; both give the same id."""
        found = mapping(raw, "post or card of a page")
        fields = graph_post(found["post"]) if "post" in found else self._from_card(found)
        text = fields["content"]
        yield {
            **fields,
            "platform": "facebook",
            "author_username": fields.get("author_username") or found.get("page"),
            "hashtags": hashtags(text),
            "product_mentions": self._mentions(text),
            "product_ids": product_ids(text),
            "engagement_count": fields["likes"] + fields["comments"] + fields["shares"],
            "collected_at": collected_at,
        }

    def _from_card(self, raw: Mapping[str, Any]) -> Fields:
        card = mapping(raw.get("card"), "card")
        return {
            "post_id": _card_id(card),
            "content": text_of(card, "text"),
            "author_username": text_of(card, "author") or None,
            "likes": count(card, "likes"),
            "comments": count(card, "comments"),
            "shares": count(card, "shares"),
            "posted_at": required(card, "time"),
        }

    def close(self) -> None:
        """End the browser, if it was needed."""
        self._browser.close()


def _in(window: Window, card: Card) -> bool:
    try:
        return window.holds(datetime.fromtimestamp(int(card["time"] or ""), UTC))
    except (KeyError, ValueError, OverflowError):
        return True  # let parse say what is wrong


def _card_id(card: Mapping[str, Any]) -> str:
    """The post's id in the attribute that the pages carry."""
    try:
        value = json.loads(str(required(card, "ft")))["top_level_post_id"]
    except (ValueError, KeyError, TypeError):
        raise DataError("card", "ft: is not JSON with top_level_post_id") from None
    return native_id(value, "ft.top_level_post_id")
