"""Posts that TikTok's search shows for the keywords in the options."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from pydantic import Field

from connectors.browser import Browser, BrowserOptions
from connectors.models import SocialPost
from connectors.scrape import Card, Listing, Selectors
from connectors.source import Context, Cursor, Fields, Page, Raw, Source, SourceOptions, Window, each_of, mapping
from connectors.text import Mentions, hashtags, parse_count, product_ids

_VIDEO = re.compile(r"/video/(\d{10,20})")


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
            yield Page([card for card in cards if _in(window, card)])

        return each_of(self.options.keywords, read)

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """The post of a card. The id of a video holds its time of posting in the upper 32 bits."""
        card = mapping(raw, "card")
        link = card.get("link") or ""
        video = _VIDEO.search(link)
        if not video:
            raise ValueError("a card without the link of its video")
        text = card.get("text") or ""
        counts = {name: parse_count(card.get(name)) for name in ("likes", "comments", "shares")}
        yield {
            "post_id": video.group(1),
            "platform": "tiktok",
            "content": text,
            "author_username": (card.get("author") or "").lstrip("@") or None,
            "url": urllib.parse.urljoin(self.options.base_url, link),
            "hashtags": hashtags(text),
            "product_mentions": self._mentions(text),
            "product_ids": product_ids(text),
            **counts,
            "engagement": sum(counts.values()),
            "posted_at": posted_at(video.group(1)),
            "collected_at": collected_at,
        }

    def close(self) -> None:
        """End the browser."""
        self._browser.close()


def posted_at(video_id: str) -> datetime:
    """The time that a video's id holds."""
    return datetime.fromtimestamp(int(video_id) >> 32, UTC)


def _in(window: Window, card: Card) -> bool:
    video = _VIDEO.search(card.get("link") or "")
    return video is None or window.holds(posted_at(video.group(1)))
