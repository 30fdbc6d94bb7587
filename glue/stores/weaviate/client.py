"""Weaviate through weaviate-client: objects by the keys of their records, and search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import md5
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from glue.errors import ServiceError, ServiceUnavailableError
from glue.identity import CANARY
from glue.settings import Settings, get_settings

if TYPE_CHECKING:
    from weaviate import WeaviateClient

_QUERY_SECONDS = 30
_PAGE = 100


def document_id(name: str) -> UUID:
    """The id of a record's object: Java's ``UUID.nameUUIDFromBytes``, MD5 without a namespace (version 3).

    So does Weaviate's own Kafka connector; ``name`` is the record key there and here.
    """
    return UUID(bytes=md5(name.encode(), usedforsecurity=False).digest(), version=3)


def open_client(
    url: str,
    grpc: str,
    *,
    grpc_secure: bool,
    auth: Any = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = _QUERY_SECONDS,
) -> WeaviateClient:
    """A connected client.

    Args:
        url: scheme://host:port of the REST interface.
        grpc: host:port of the gRPC interface.
        auth: what ``weaviate.classes.init.Auth`` makes, or None.
        seconds: bound of one call.
    """
    from weaviate import connect_to_custom
    from weaviate.classes.init import AdditionalConfig, Timeout

    parts = urlsplit(url)
    secure = parts.scheme == "https"
    grpc_host, _, grpc_port = grpc.rpartition(":")
    return connect_to_custom(
        http_host=str(parts.hostname),
        http_port=parts.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=grpc_host,
        grpc_port=int(grpc_port),
        grpc_secure=grpc_secure,
        headers=dict(headers) if headers else None,
        auth_credentials=auth,
        additional_config=AdditionalConfig(timeout=Timeout(init=seconds, query=seconds, insert=seconds)),
    )


class Weaviate:
    """One connection, opened on first use. Close it, or use it in a ``with`` block.

    Args:
        settings: ``weaviate*`` say where; defaults to those of this process.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or get_settings()
        self._client: WeaviateClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a closed one opens again on use."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _collection(self, name: str) -> Iterator[Any]:
        """The collection, with what goes wrong in the block as this project's errors."""
        from weaviate.exceptions import WeaviateBaseError

        try:
            yield self._connected().collections.use(name)
        except WeaviateBaseError as error:
            text = str(getattr(error, "message", error)).splitlines()[0]
            if "could not find class" in text:
                raise ServiceError(f"collection {name}", "it does not exist", "mxctl weaviate apply") from error
            if any(word in text.lower() for word in ("connect", "unavailable", "timed out", "deadline", "start up")):
                raise self._away(text) from error
            raise ServiceError(f"Weaviate, collection {name}", text) from error
        except OSError as error:
            raise self._away(str(error)) from error

    def _away(self, text: str) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"Weaviate at {self._settings.weaviate}", text, "start it (mxctl local up), or set MXCTL_WEAVIATE"
        )

    def _connected(self) -> WeaviateClient:
        if self._client is None:
            from weaviate.classes.init import Auth

            settings = self._settings
            key = settings.weaviate_api_key
            self._client = open_client(
                settings.weaviate,
                settings.weaviate_grpc,
                grpc_secure=settings.weaviate.startswith("https:"),
                auth=Auth.api_key(key.get_secret_value()) if key else None,
            )
        return self._client

    def count(self, collection: str) -> int:
        """How many objects the collection holds."""
        with self._collection(collection) as found:
            return int(found.aggregate.over_all(total_count=True).total_count or 0)

    def stored(self, collection: str, keys: Iterable[str]) -> set[str]:
        """Those of the record keys that have an object."""
        from weaviate.classes.query import Filter

        by_id = {str(document_id(key)): key for key in keys}
        ids = list(by_id)
        present: set[str] = set()
        with self._collection(collection) as found:
            for at in range(0, len(ids), _PAGE):
                page = Filter.by_id().contains_any(ids[at : at + _PAGE])
                answer = found.query.fetch_objects(filters=page, limit=_PAGE, return_properties=[])
                present.update(by_id[str(one.uuid)] for one in answer.objects)
        return present

    def tagged(self, collection: str, hashtag: str, until: dt.datetime) -> list[dict[str, Any]]:
        """The properties of objects with ``hashtag`` that were collected before ``until``, at most 100."""
        from weaviate.classes.query import Filter

        old = Filter.by_property("collected_at").less_than(until)
        with self._collection(collection) as found:
            answer = found.query.fetch_objects(
                filters=Filter.by_property("hashtags").contains_any([hashtag]) & old, limit=_PAGE
            )
        return [dict(one.properties) for one in answer.objects]

    def search(
        self,
        collection: str,
        text: str,
        vector: list[float],
        *,
        platform: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        min_engagement: int | None = None,
        hybrid: float | None = None,
        limit: int = 10,
    ) -> list[dict[str, Any]]:
        """The nearest objects, best first: their properties, and ``score`` (1 is best). Canaries are left out.

        Args:
            text: the words, used by hybrid search.
            vector: what ``text`` means, by the model of the collection's vectors.
            since, until: bounds of ``timestamp``, the first inclusive, the second exclusive; with a time zone.
            hybrid: None for the vector alone; else the share of the vector against BM25, 0 to 1.
        """
        from weaviate.classes.query import Filter, MetadataQuery

        posted, engagement = Filter.by_property("timestamp"), Filter.by_property("engagement")
        filters = [
            Filter.by_property("hashtags").contains_none([CANARY]),
            *([Filter.by_property("platform").equal(platform)] if platform is not None else []),
            *([posted.greater_or_equal(since)] if since is not None else []),
            *([posted.less_than(until)] if until is not None else []),
            *([engagement.greater_or_equal(min_engagement)] if min_engagement is not None else []),
        ]
        common: dict[str, Any] = {
            "limit": limit,
            "filters": Filter.all_of(filters),
            "return_metadata": MetadataQuery(distance=True, score=True),
        }
        with self._collection(collection) as found:
            if hybrid is None:
                answer = found.query.near_vector(vector, **common)
            else:
                answer = found.query.hybrid(text, vector=vector, alpha=hybrid, **common)
        return [{**one.properties, "score": _score(one.metadata)} for one in answer.objects]


def _score(metadata: Any) -> float:
    """Hybrid search gives a score; a vector search a cosine distance."""
    value = metadata.score if metadata.distance is None else 1 - metadata.distance
    return round(float(value or 0), 4)


def apply_collections(settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Bring Weaviate's collections to what ``connect-config/weaviate`` declares; the changes in words, none if none."""
    from glue.stores.weaviate.schema import apply

    return apply(settings, dry_run=dry_run)
