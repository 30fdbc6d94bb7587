"""What a Weaviate collection holds: counts and sums of windows of ``collected_at``, and the objects of small ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from glue.errors import MillionXError, ServiceError, ServiceUnavailableError
from glue.settings import Settings
from glue.stores.weaviate.client import open_client

_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_PAGE = 100
_MOST = 10_000  # Weaviate's QUERY_MAXIMUM_RESULTS by default
FIRST_MS, LAST_MS = 0, 253_402_300_799_000  # 1970 to 9999: what a filter on a date can name


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as far as the audit needs it; vector and properties only where they were asked for."""

    moment: int
    measure: int
    properties: dict[str, Any]
    vector: list[float] | None = None


def milliseconds(moment: datetime | None) -> int:
    """Whole milliseconds since the epoch, cut off and not rounded; 0 for none."""
    return (moment - _EPOCH) // _MS if moment is not None else 0


class CollectionSide:
    """One collection whose objects have ``collected_at`` (date) and ``engagement`` (int)."""

    def __init__(self, name: str, client: Any, settings: Settings) -> None:
        self._name, self._settings = name, settings
        self._collection = client.collections.use(name)

    def totals(self, first: int, end: int) -> tuple[int, int]:
        """(objects, sum of engagement) with ``first`` <= collected_at < ``end``, milliseconds."""
        from weaviate.classes.query import Metrics

        with self._errors():
            answer = self._collection.aggregate.over_all(
                filters=_between(first, end),
                total_count=True,
                return_metrics=[Metrics("engagement").integer(sum_=True)],
            )
        engagement = answer.properties.get("engagement")
        return int(answer.total_count or 0), int((engagement.sum_ if engagement else 0) or 0)

    def count(self) -> int:
        """All objects."""
        with self._errors():
            return int(self._collection.aggregate.over_all(total_count=True).total_count or 0)

    def undated(self) -> list[str]:
        """Ids of objects without ``collected_at``, at most 10,000."""
        from weaviate.classes.query import Filter

        with self._errors():
            found = self._collection.query.fetch_objects(
                filters=Filter.by_property("collected_at").is_none(True), limit=_MOST, return_properties=[]
            )
        return [str(one.uuid) for one in found.objects]

    def window(self, first: int, end: int) -> dict[str, Stored]:
        """The objects of a window by id, at most 10,000."""
        with self._errors():
            found = self._collection.query.fetch_objects(
                filters=_between(first, end), limit=_MOST, return_properties=["collected_at", "engagement"]
            )
        return {str(one.uuid): _stored(one) for one in found.objects}

    def fetch(self, ids: Iterable[str], *, whole: bool = False) -> dict[str, Stored]:
        """The objects with these ids; with ``whole``, all properties and the vector."""
        from weaviate.classes.query import Filter

        wanted: Sequence[str] = list(ids)
        found: dict[str, Stored] = {}
        names = None if whole else ["collected_at", "engagement"]
        with self._errors():
            for at in range(0, len(wanted), _PAGE):
                page = Filter.by_id().contains_any(list(wanted[at : at + _PAGE]))
                answer = self._collection.query.fetch_objects(
                    filters=page, limit=_PAGE, return_properties=names, include_vector=whole
                )
                found.update({str(one.uuid): _stored(one) for one in answer.objects})
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from weaviate.exceptions import WeaviateBaseError

        try:
            yield
        except (WeaviateBaseError, OSError) as error:
            text = str(getattr(error, "message", error)).splitlines()[0]
            problem: type[MillionXError] = ServiceUnavailableError
            if "could not find class" in text:
                problem, text = ServiceError, "it does not exist; mxctl weaviate apply creates it"
            raise problem(f"Weaviate at {self._settings.weaviate}, collection {self._name}", text) from error


def _between(first: int, end: int) -> Any:
    from weaviate.classes.query import Filter

    collected = Filter.by_property("collected_at")
    start, stop = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (first, min(end, LAST_MS)))
    return Filter.all_of([collected.greater_or_equal(start), collected.less_than(stop)])


def _stored(one: Any) -> Stored:
    properties: dict[str, Any] = dict(one.properties)
    vector = (one.vector or {}).get("default") if isinstance(one.vector, dict) else None
    return Stored(
        milliseconds(properties.get("collected_at")), int(properties.get("engagement") or 0), properties, vector
    )


@contextmanager
def open_collection(name: str, settings: Settings) -> Iterator[CollectionSide]:
    """The collection over a connection that is closed after.

    Raises:
        ServiceUnavailableError: Weaviate does not answer.
    """
    from weaviate.classes.init import Auth
    from weaviate.exceptions import WeaviateBaseError

    secret = settings.weaviate_api_key
    auth = Auth.api_key(secret.get_secret_value()) if secret else None
    try:
        client = open_client(
            settings.weaviate, settings.weaviate_grpc, grpc_secure=settings.weaviate.startswith("https:"), auth=auth
        )
    except (WeaviateBaseError, OSError) as error:
        what = f"Weaviate at {settings.weaviate}"
        raise ServiceUnavailableError(what, str(error).splitlines()[0], "mxctl local status") from error
    try:
        yield CollectionSide(name, client, settings)
    finally:
        client.close()
