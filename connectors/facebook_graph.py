"""Posts of Facebook pages through the Graph API."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.api_versions import check_answered
from connectors.errors import CredentialError, EmptyListingError, ThrottledError
from connectors.http import Answer, Http, check_status
from connectors.reading import whole
from connectors.source import Fields, Raw, mapping, required, text_of, text_or_none
from glue.errors import DataError, ServiceError, ServiceUnavailableError

log = logging.getLogger(__name__)
_FIELDS = (
    "id,message,created_time,shares,reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0)"
)
_THROTTLES = {4, 17, 32, 613}
_DEAD_TOKEN = {102, 190}
_USAGE_LIMIT = 95  # per cent: above it the vendor soon refuses
_PAUSE = 60.0


def graph_version(url: str) -> str:
    """The version that an address of the API names (``v25.0``); empty where it names none."""
    return next((part for part in url.split("/") if re.fullmatch(r"v\d+\.\d+", part)), "")


class TooMuchDataError(ServiceError):
    """The vendor asks for a smaller page."""


class GraphApi:
    """Calls with one token. ``base_url`` holds the version."""

    def __init__(self, http: Http, base_url: str, token: str, page_size: int) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._token = token
        self._size = page_size

    def posts(self, page: str, since: datetime | None, until: datetime | None) -> Iterator[list[Any]]:
        """Posts of a page, the newest first, page by page of the listing.

        Raises:
            EmptyListingError: the first page of a whole listing is empty: such a page does not exist or is hidden.
        """
        params: dict[str, Any] = {"fields": _FIELDS, "access_token": self._token}
        if since:
            params["since"] = int(since.timestamp())
        if until:
            params["until"] = int(until.timestamp())
        what, after, first = f"Facebook page {page}", None, True
        while True:
            body = self._page(what, f"{self._base}/{page}/posts", params | ({"after": after} if after else {}))
            data = body["data"]
            if first and not data and since is None:
                raise EmptyListingError(
                    what, "the API answered without a single post", "is the page public and its name right?"
                )
            first = False
            yield data
            paging = body.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after:
                return

    def _page(self, what: str, url: str, params: dict[str, Any]) -> dict[str, Any]:
        while True:
            try:
                return self._http.attempt(what, lambda: self._once(what, url, {**params, "limit": self._size}))
            except TooMuchDataError:
                if self._size <= 1:
                    raise
                self._size = max(1, self._size // 2)
                log.info("%s: asked for less data, now %d posts a page", what, self._size)

    def _once(self, what: str, url: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.send(what, url, params)
        self._listen(answer)
        try:
            body = json.loads(answer.body)
        except ValueError:
            body = None
        if isinstance(body, dict) and isinstance(body.get("error"), dict):
            raise _error(what, body["error"])
        check_status(what, answer)
        answered = answer.headers.get("facebook-api-version", "")
        check_answered(what, graph_version(self._base), answered, self._http.stats)
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            raise ServiceUnavailableError(what, "the answer is not a page of posts")
        return body

    def _listen(self, answer: Answer) -> None:
        """``X-App-Usage`` counts in per cent of what is allowed an hour."""
        try:
            usage = json.loads(answer.headers.get("x-app-usage", "{}"))
            highest = max((float(value) for value in usage.values()), default=0.0)
        except (ValueError, TypeError, AttributeError):
            return
        if highest >= _USAGE_LIMIT:
            self._http.bucket.pause(_PAUSE)


def _error(what: str, error: dict[str, Any]) -> Exception:
    """The vendor's error by its code; its message may quote the token and is left out."""
    code = error.get("code")
    if "reduce the amount of data" in str(error.get("message", "")).lower():
        return TooMuchDataError(what, "it asks for a smaller page")
    if code in _THROTTLES:
        return ThrottledError(what, f"throttled (code {code})")
    if code in _DEAD_TOKEN:
        return CredentialError(what, f"the token is no longer valid (code {code})", "make a new page token and set it")
    if code in (1, 2):
        return ServiceUnavailableError(what, f"code {code}")
    return ServiceError(what, f"code {code}, subcode {error.get('error_subcode')}")


def graph_post(raw: Raw) -> Fields:
    """A post of the Graph API by our names.

    Raises:
        DataError: a part of it is missing, or has another form.
    """
    post = mapping(raw, "post")
    native = native_id(required(post, "id"), "id")
    return {
        "post_id": native.rpartition("_")[2],
        "content": text_of(post, "message"),
        "url": f"https://www.facebook.com/{native}",
        "likes": _total(post, "reactions"),
        "comments": _total(post, "comments"),
        "shares": _number(mapping(post.get("shares") or {}, "shares").get("count", 0), "shares.count"),
        "posted_at": required(post, "created_time"),
    }


def _total(post: Mapping[str, Any], name: str) -> int:
    """A count that Facebook sums up; what it does not count is 0, what it lists without a sum is unknown."""
    if not post.get(name):
        return 0
    summary = mapping(mapping(post[name], name).get("summary"), f"{name}.summary")
    return _number(required(summary, "total_count"), f"{name}.summary.total_count")


def _number(value: Any, name: str) -> int:
    try:
        return int(whole(value))
    except (ValueError, TypeError):
        raise DataError("post", f"{name}: is not a whole number") from None


def native_id(value: Any, name: str) -> str:
    """An id is a text or a whole number: a double has lost digits of it."""
    text = text_or_none(value)
    if not isinstance(text, str):
        raise DataError("post", f"{name}: is not an id")
    return text
