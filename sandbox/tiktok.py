"""TikTok's search pages, rendered by JavaScript and filled by scrolling."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json
from sandbox.made_posts import MadePost, written_count
from sandbox.pages import login_page, page, wall
from sandbox.world import World

KEYWORDS = ["online shopping bangladesh", "daraz deal", "facebook shop", "delivery dhaka", "trending product"]
_PER_SCROLL = 6
_CARD = """<div class="card" data-e2e="search_top-item"><div data-e2e="search_video-item">
<a href="{href}"><img alt=""></a><div data-e2e="search-card-desc">
<span data-e2e="search-card-video-caption">{text}</span>
<a data-e2e="search-card-user-link"><p data-e2e="search-card-user-unique-id">{handle}</p></a></div>
<strong data-e2e="like-count">{likes}</strong><strong data-e2e="comment-count">{comments}</strong>
<strong data-e2e="share-count">{shares}</strong></div></div>"""
_OLD_CARD = """<div class="card" data-e2e="search-result"><a href="{href}"></a>
<p data-e2e="search-desc">{text}</p><span data-e2e="search-user-name">{handle}</span>
<strong data-e2e="like-count">{likes}</strong></div>"""
_CHANGED_CARD = """<div class="css-1x9k"><a href="{href}"></a><p class="css-7ab2">{text}</p><b>{likes}</b></div>"""
_NOTHING = '<div data-e2e="search-error-title">No results found</div>'


def _card(post: MadePost) -> Json:
    rng = random.Random(post.post_id)
    return {
        "href": f"/tiktok/@{post.handle}/video/{post.post_id}",
        "text": post.text,
        "handle": post.handle,
        "likes": written_count(rng, post.likes),
        "comments": written_count(rng, post.comments),
        "shares": written_count(rng, post.shares),
    }


def routes(world: World) -> list[Route]:
    """The routes below ``/tiktok``."""
    faults = world.faults

    async def search(request: Request) -> Response:
        before = wall(world, "tiktok", "/tiktok/login")
        if before is not None:
            return before
        template = _CARD
        if faults.has("tiktok", "changed-selectors"):
            template = _CHANGED_CARD
        elif faults.has("tiktok", "old-selectors"):
            template = _OLD_CARD
        return page("TikTok search", f"/tiktok/api/search?{request.url.query}", template, _NOTHING)

    async def feed(request: Request) -> Response:
        if faults.has("tiktok", "empty-200"):
            return PlainTextResponse("")
        keyword, cursor = request.query_params.get("q", "").lower(), int(request.query_params.get("cursor", "0"))
        number = KEYWORDS.index(keyword) if keyword in KEYWORDS else -1
        posts = [post for post in reversed(world.posts["tiktok"]) if post.keyword % len(KEYWORDS) == number]
        shown = posts[cursor : cursor + _PER_SCROLL]
        cards = [world.broken("tiktok", cursor + index, _card(post), [{"href": ""}, {"text": "ok"}, {"likes": "many"}])
                 for index, post in enumerate(shown)]  # fmt: skip
        if faults.has("tiktok", "duplicate-records"):
            cards += cards[:2]
        more = cursor + _PER_SCROLL < len(posts)
        return JSONResponse({"posts": cards, "cursor": cursor + _PER_SCROLL, "has_more": more})

    async def login(_request: Request) -> Response:
        return login_page()

    return [Route("/search", search), Route("/api/search", feed), Route("/login", login)]


def posted_at(video_id: str) -> datetime:
    """The time in a video id."""
    return datetime.fromtimestamp(int(video_id) >> 32, UTC)
