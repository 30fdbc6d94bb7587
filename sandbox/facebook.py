"""Facebook: the Graph API for pages, and the public pages themselves for clients without a token."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json
from sandbox.made_posts import MadePost, written_count
from sandbox.pages import login_page, page, wall
from sandbox.versions import graph_version
from sandbox.world import TOKENS, World

PAGES = ["dhaka.deals.example", "sharee.house.example", "gadget.bazar.example"]
_PER_SCROLL = 5
_NOTHING = '<div data-testid="no-posts">No posts yet</div>'
_ARTICLE = """<article class="card" data-ft="{ft}"><header><h3><a>{author}</a></h3><abbr data-utime="{utime}">x</abbr>
</header><div class="story_body_container"><p>{text}</p></div><footer><span data-sigil="reactions-count">{likes}</span>
<span data-sigil="comments-count">{comments}</span><span data-sigil="shares-count">{shares}</span></footer></article>"""
_OLD_ARTICLE = """<article class="card" data-ft="{ft}"><h3>{author}</h3><abbr data-utime="{utime}">x</abbr>
<div class="userContent">{text}</div><a class="_likes">{likes}</a></article>"""
_CHANGED_ARTICLE = """<div class="x1yztbdb"><h3>{author}</h3><div class="xdj266r">{text}</div></div>"""
_BREAKS: list[Json] = [{"created_time": "then"}, {"id": "(missing)"}, {"message": "ok"}, {"reactions": "many"}]


def graph_json(post: MadePost, page_number: int) -> Json:
    """The post as the Graph API gives it; ``shares`` is absent when nobody shared."""
    made: Json = {
        "id": f"{1000 + page_number}_{post.post_id}",
        "message": post.text,
        "created_time": post.posted_at.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "reactions": {"data": [], "summary": {"total_count": post.likes}},
        "comments": {"data": [], "summary": {"total_count": post.comments}},
    }
    return made | ({"shares": {"count": post.shares}} if post.shares else {})


def _error(status: int, code: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b"}},
                        status)  # fmt: skip


def _posts(world: World, number: int) -> list[MadePost]:
    """Posts of a page, the newest first."""
    return [post for post in reversed(world.posts["facebook"]) if post.keyword % len(PAGES) == number]


def routes(world: World) -> list[Route]:
    """The routes below ``/facebook``."""
    faults = world.faults

    async def graph(request: Request) -> Response:
        query, name = request.query_params, request.path_params["page"]
        if faults.has("facebook", "throttle"):
            return _error(400, faults.choice([4, 17, 32, 613]), "(#4) Application request limit reached")
        if faults.has("facebook", "html-instead-of-json"):
            return HTMLResponse("<html><body>Sorry, something went wrong.</body></html>")
        if query.get("access_token") != TOKENS["facebook"] or faults.has("facebook", "expired-token"):
            return _error(400, 190, "Error validating access token: Session has expired")
        if name not in PAGES:
            return _error(404, 803, "(#803) Some of the aliases you requested do not exist")
        limit = int(query.get("limit", "25"))
        if limit > 10 and faults.has("facebook", "reduce-data"):
            return _error(500, 1, "Please reduce the amount of data you're asking for, then retry your request")
        return JSONResponse(_graph_page(world, request, PAGES.index(name), limit), headers={
            "Facebook-API-Version": graph_version(request.path_params["version"], datetime.now(UTC).date()),
            "X-App-Usage": json.dumps({"call_count": 28, "total_time": 25, "total_cputime": 25})})  # fmt: skip

    async def public(request: Request) -> Response:
        before = wall(world, "facebook", "/facebook/login")
        if before is not None:
            return before
        template = _ARTICLE
        if faults.has("facebook", "changed-selectors"):
            template = _CHANGED_ARTICLE
        elif faults.has("facebook", "old-selectors"):
            template = _OLD_ARTICLE
        feed = f"/facebook/feed?page={request.path_params['page']}"
        return page("Facebook page", feed, template, _NOTHING)

    async def feed(request: Request) -> Response:
        if faults.has("facebook", "empty-200"):
            return PlainTextResponse("")
        name, cursor = request.query_params.get("page", ""), int(request.query_params.get("cursor", "0"))
        posts = _posts(world, PAGES.index(name)) if name in PAGES else []
        cards = [
            world.broken("facebook", cursor + index, _article(post), [{"utime": ""}, {"text": "ok"}, {"likes": "many"}])
            for index, post in enumerate(posts[cursor : cursor + _PER_SCROLL])
        ]
        if faults.has("facebook", "duplicate-records"):
            cards += cards[:2]
        return JSONResponse(
            {"posts": cards, "cursor": cursor + _PER_SCROLL, "has_more": cursor + _PER_SCROLL < len(posts)}
        )

    async def login(_request: Request) -> Response:
        return login_page()

    return [
        Route("/feed", feed),
        Route("/login", login),
        Route("/pages/{page}", public),
        Route("/{version}/{page}/posts", graph),
    ]


def _graph_page(world: World, request: Request, number: int, limit: int) -> Json:
    query = request.query_params
    if "after" not in query:
        world.listings["facebook"] = world.listings.get("facebook", 0) + 1
    since = _time(query.get("since"))
    until = _time(query.get("until"))
    at = int(base64.urlsafe_b64decode(query["after"])) if "after" in query else 0
    if world.faults.has("facebook", "empty-200"):
        return {"data": []}
    found = [
        post
        for post in _posts(world, number)
        if (since is None or post.posted_at.timestamp() >= since)
        and (until is None or post.posted_at.timestamp() <= until)
        and not world.late("facebook", int(post.post_id), post.posted_at)
    ]
    data = [
        world.broken("facebook", at + index, graph_json(post, number), _BREAKS)
        for index, post in enumerate(found[at : at + limit])
    ]
    if world.faults.has("facebook", "duplicate-records"):
        data += data[:2]
    made: Json = {"data": data}
    if data:
        after = base64.urlsafe_b64encode(str(at + limit).encode()).decode()
        made["paging"] = {"cursors": {"before": "x", "after": after}}
        if at + limit < len(found):
            made["paging"]["next"] = f"{str(request.url).split('?')[0]}?after={after}&access_token=hidden"
    return made


def _time(value: str | None) -> float | None:
    if not value:
        return None
    return float(value) if value.isdigit() else datetime.fromisoformat(value).timestamp()


def _article(post: MadePost) -> Json:
    rng = random.Random(post.post_id)
    ft = json.dumps({"top_level_post_id": post.post_id, "page_insights": {}})
    return {
        "ft": ft,
        "author": post.author,
        "utime": str(int(post.posted_at.timestamp())),
        "text": post.text,
        "likes": written_count(rng, post.likes),
        "comments": f"{written_count(rng, post.comments)} Comments",
        "shares": f"{written_count(rng, post.shares)} Shares",
    }
