"""Posts of public Facebook pages: through the Graph API where a token is given, else from the pages themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import Field, SecretStr

from connectors.browser import Browser, BrowserOptions
from connectors.facebook_graph import GraphApi
from connectors.models import SocialPost
from connectors.scrape import Card, Listing, Selectors
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
)
from connectors.text import Mentions, hashtags, parse_count, product_ids


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
            seen += _times(posts)
            # A photo without words is no record and no error.
            yield Page([{"page": page, "post": post} for post in posts if not _wordless(post)])
        reached = newest(seen, started, known)
        if reached:
            times[page] = reached
            yield Page([], {"pages": dict(times)})

    def _scraped(self, window: Window, page: str) -> Iterator[Page]:
        listing = Listing(self._browser, self.context.http, self.options.selectors)
        url = self.options.pages_url.format(page=page)
        cards = listing.read(f"Facebook page {page}", url, self.options.posts_per_page)
        yield Page([{"page": page, "card": card} for card in cards if _in(window, card)])

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """A post of either kind; both give the same id."""
        fields = self._from_graph(raw) if "post" in raw else self._from_card(raw)
        text = fields["content"]
        yield {
            **fields,
            "platform": "facebook",
            "author_username": fields.get("author_username") or raw["page"],
            "hashtags": hashtags(text),
            "product_mentions": self._mentions(text),
            "product_ids": product_ids(text),
            "engagement": fields["likes"] + fields["comments"] + fields["shares"],
            "collected_at": collected_at,
        }

    def _from_graph(self, raw: Raw) -> Fields:
        post = mapping(raw["post"], "post")
        native = str(post["id"]).rpartition("_")[2]
        return {
            "post_id": native,
            "content": post["message"],
            "url": f"https://www.facebook.com/{post['id']}",
            "likes": _total(post, "reactions"),
            "comments": _total(post, "comments"),
            "shares": int(mapping(post.get("shares") or {}, "shares").get("count", 0)),
            "posted_at": _time(post["created_time"]),
        }

    def _from_card(self, raw: Raw) -> Fields:
        card = mapping(raw["card"], "card")
        return {
            "post_id": str(json.loads(card["ft"])["top_level_post_id"]),
            "content": card.get("text") or "",
            "author_username": card.get("author"),
            "likes": parse_count(card.get("likes")),
            "comments": parse_count(card.get("comments")),
            "shares": parse_count(card.get("shares")),
            "posted_at": datetime.fromtimestamp(int(card["time"]), UTC),
        }

    def close(self) -> None:
        """End the browser, if it was needed."""
        self._browser.close()


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _times(posts: list[Raw]) -> list[datetime]:
    found = []
    for post in posts:
        try:
            found.append(_time(post["created_time"]))
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _in(window: Window, card: Card) -> bool:
    try:
        return window.holds(datetime.fromtimestamp(int(card["time"] or ""), UTC))
    except (KeyError, ValueError, OverflowError):
        return True  # let parse say what is wrong


def _wordless(post: Raw) -> bool:
    return isinstance(post, dict) and "created_time" in post and not post.get("message")


def _total(post: Raw, name: str) -> int:
    summary = mapping(mapping(post.get(name) or {}, name).get("summary") or {}, "summary")
    return int(summary.get("total_count", 0))
