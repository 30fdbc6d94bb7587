"""Search over the collection SocialPost: the words become a vector here, by the model that made the posts' vectors."""

from __future__ import annotations

import datetime as dt

from glue.errors import UsageError
from glue.settings import Settings
from glue.stores.rows import Rows
from glue.stores.weaviate.client import Weaviate

COLLECTION = "SocialPost"
BENGALI_SHARE = 0.25  # of meaning: the model was trained on English and knows no Bengali words
COLUMNS = ["score", "platform", "timestamp", "engagement", "content", "hashtags", "product_mentions", "post_id"]


def default_share(text: str) -> float | None:
    """The share of meaning, against words, that finds most for ``text``; None for meaning alone."""
    return BENGALI_SHARE if any("\u0980" <= char <= "\u09ff" for char in text) else None


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment is not None and moment.tzinfo is None else moment


def search_posts(
    text: str,
    *,
    platform: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    min_engagement: int | None = None,
    hybrid: float | None = None,
    limit: int = 10,
    settings: Settings | None = None,
) -> Rows:
    """The posts nearest to ``text``, best first; see :meth:`glue.stores.weaviate.client.Weaviate.search`.

    Args:
        hybrid: None for meaning alone, but for a text in Bengali letters :data:`BENGALI_SHARE`.

    Raises:
        UsageError: there is no text.
        ServiceUnavailableError, ServiceError: Weaviate is away, or has no such collection.
    """
    from glue.embedding import open_embedder

    if not text.strip():
        raise UsageError("search", "there are no words to search for", 'mxctl search "winter shoes"')
    embedder = open_embedder()
    try:
        vector = embedder.embed([text])[0].tolist()
    finally:
        embedder.close()
    with Weaviate(settings) as weaviate:
        found = weaviate.search(
            COLLECTION,
            text,
            vector,
            platform=platform,
            since=_utc(since),
            until=_utc(until),
            min_engagement=min_engagement,
            hybrid=default_share(text) if hybrid is None else hybrid,
            limit=limit,
        )
    return Rows(COLUMNS, [tuple(_cell(post.get(column)) for column in COLUMNS) for post in found])


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
