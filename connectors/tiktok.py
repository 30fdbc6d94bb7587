"""Posts that TikTok's search shows for the keywords in the options."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from pydantic import Field

from connectors.browser import Browser, BrowserOptions
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
    required,
    text_of,
)
from connectors.text import Mentions, has_no_text, hashtags, product_ids
from glue.errors import DataError

_POST = re.compile(r"/(?:video|photo|v|embed(?:/v\d)?|player/v\d)/(\d{10,20})(?!\d)")


class TikTokOptions(SourceOptions):
    """Options of the TikTok source."""

    base_url: str
    search_path: str = "/search?q={keyword}"
    keywords: list[str] = Field(min_length=1)
    posts_per_keyword: int = Field(20, ge=1)
    selectors: Selectors
    products: dict[str, list[str]] = Field(default_factory=dict, description="Canonical name and its spellings.")
    browser: BrowserOptions = BrowserOptions()


class TikTok(Source[TikTokOptions]):
    """One page a keyword. Search has no cursor: every run reads it again, and the runner drops what is known."""

    model = SocialPost
    options_class = TikTokOptions

    def __init__(self, options: TikTokOptions, context: Context) -> None:
        super().__init__(options, context)
        self._browser = Browser(options.browser, context.evidence)
        self._listing = Listing(self._browser, context.http, options.selectors)
        self._mentions = Mentions(options.products)

    def start(self, cursor: Cursor, overlap: timedelta) -> datetime | None:
        """No beginning: what the search shows is what there is."""
        return None

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """One page a keyword; a window only chooses among what the search shows."""

        def read(keyword: str) -> Iterator[Page]:
            path = self.options.search_path.format(keyword=urllib.parse.quote(keyword))
            url = f"{self.options.base_url.rstrip('/')}{path}"
            cards = self._listing.read(f"TikTok search {keyword!r}", url, self.options.posts_per_keyword)
            worded = [card for card in cards if not has_no_text(card.get("text"))]
            yield Page([card for card in worded if _in(window, card)], without_text=len(cards) - len(worded))

        return each_of(self.options.keywords, read)

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """The post of a card, of a video or of photos. Its id holds its time of posting in the upper 32 bits."""
        card = mapping(raw, "card")
        link = text_of(card, "link") or required(card, "link")
        post = _POST.search(link)
        if not post:
            raise DataError("card", "link: holds no /video/ or /photo/ with an id")
        text = text_of(card, "text")
        counts = {name: count(card, name) for name in ("likes", "comments", "shares")}
        yield {
            "post_id": post.group(1),
            "platform": "tiktok",
            "content": text,
            "author_username": text_of(card, "author").lstrip("@") or None,
            "url": urllib.parse.urljoin(self.options.base_url, link),
            "hashtags": hashtags(text),
            "product_mentions": self._mentions(text),
            "product_ids": product_ids(text),
            **counts,
            "engagement_count": sum(counts.values()),
            "posted_at": posted_at(post.group(1)),
            "collected_at": collected_at,
        }

    def close(self) -> None:
        """End the browser."""
        self._browser.close()


def posted_at(post_id: str) -> datetime:
    """The time that a post's id holds."""
    return datetime.fromtimestamp(int(post_id) >> 32, UTC)


def _in(window: Window, card: Card) -> bool:
    post = _POST.search(card.get("link") or "")
    return post is None or window.holds(posted_at(post.group(1)))
