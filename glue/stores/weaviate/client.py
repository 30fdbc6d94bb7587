"""Weaviate as a store: objects by the keys of their records, windows of the collection time, and search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from glue.errors import ServiceError
from glue.settings import Settings, get_settings
from glue.stores.contract import COLLECTED_AT, MOST, Conditions, Search, Stamp, Target, TimeClient
from glue.stores.weaviate.rest import Rest, every, graphql, where

if TYPE_CHECKING:
    from weaviate import WeaviateClient

_QUERY_SECONDS = 30
_PAGE, _FEW = 100, 1000  # MOST is Weaviate's QUERY_MAXIMUM_RESULTS by default
MODELS = "embedding_models"  # the property with the identities of the models of an object's vectors
VARIANT = "embedding_variant"  # and with the runtime that computed them
LAST_MS = 9_223_372_036_000  # in 2262: Weaviate counts nanoseconds in 64 bits, and a later date is before all others
_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_OPERATORS = {"=": "Equal", ">=": "GreaterThanEqual", "<": "LessThan", "lacks": "ContainsNone", "has": "ContainsAny"}
_KINDS = {"int": "Int", "number": "Number", "date": "Date", "boolean": "Boolean"}


def document_id(name: str) -> UUID:
    """The id of a record's object: Java's ``UUID.nameUUIDFromBytes``, MD5 without a namespace (version 3).

    So does Weaviate's own Kafka connector; ``name`` is the record key there and here.
    """
    return UUID(bytes=md5(name.encode(), usedforsecurity=False).digest(), version=3)


def milliseconds(text: str | None) -> int:
    """Whole milliseconds since the epoch of an ISO 8601 time, cut off and not rounded; 0 for none."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS


def open_client(
    url: str,
    grpc: str,
    *,
    grpc_secure: bool,
    auth: Any = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = _QUERY_SECONDS,
) -> WeaviateClient:
    """A connected client of Weaviate's own library, for the sink: it writes batches over gRPC.

    The environment names an authority of one's own: ``SSL_CERT_FILE`` for HTTP, ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH``.

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
        additional_config=AdditionalConfig(
            trust_env=True, timeout=Timeout(init=seconds, query=seconds, insert=seconds)
        ),
    )


class WeaviateStoreClient(TimeClient):
    """Collections by REST. Close it, or use it in a ``with`` block.

    Args:
        settings: ``weaviate*`` say where; defaults to those of this process.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._rest = Rest(settings or get_settings())
        self._properties: dict[str, dict[str, str]] = {}
        self._vectors: dict[str, list[str]] = {}

    def close(self) -> None:
        """Close the connection; a closed one opens again on use."""
        self._rest.close()

    def identity(self, key: str) -> str:
        """The id of a record key's object."""
        return str(document_id(key))

    def properties(self, target: Target) -> dict[str, str]:
        """The data types of a collection's properties, by name; read once.

        Raises:
            ServiceError: there is no such collection.
        """
        if target.place not in self._properties:
            found = self._rest.get(f"schema/{target.place}")
            if found is None:
                why = "it does not exist"
                raise ServiceError(f"collection {target.place}", why, "mxctl apply creates what is declared")
            self._properties[target.place] = {one["name"]: one["dataType"][0] for one in found.get("properties") or []}
            self._vectors[target.place] = sorted(found.get("vectorConfig") or {})
        return self._properties[target.place]

    def vectors(self, target: Target) -> list[str]:
        """Names of a collection's vectors; none where it has one without a name.

        Raises:
            ServiceError: there is no such collection.
        """
        self.properties(target)
        return self._vectors[target.place]

    def models(self, target: Target, first: int = 0, end: int = LAST_MS) -> dict[str, int]:
        """How many objects have a vector of each model, by the models' identities; few calls whatever the size.

        Args:
            first, end: bounds of the collection time, milliseconds; by default of all that say one.
        """
        arguments = f'groupBy:["{MODELS}"] where:{graphql(_between(first, end))}'
        found = self._rest.ask(target.place, "Aggregate", arguments, "groupedBy{value} meta{count}")
        return {str(one["groupedBy"]["value"]): int(one["meta"]["count"]) for one in found}

    def embedded(self, target: Target, identity: str, has: bool, first: int, end: int) -> int:
        """How many objects have a vector of a model, or have none; few are read, as the index may be wrong of them."""
        asked = where(MODELS, "ContainsAny" if has else "ContainsNone", "Text", [identity])
        chosen = f"where:{graphql(every([_between(first, end), asked]))}"
        listed = self._rest.ask(target.place, "Get", f"{chosen} limit:{_FEW + 1}", "_additional{id}")
        if len(listed) > _FEW:
            return int(self._rest.ask(target.place, "Aggregate", chosen, "meta{count}")[0]["meta"]["count"])
        found = self._by_id(target, (one["_additional"]["id"] for one in listed))
        return sum((identity in (one["properties"].get(MODELS) or [])) is has for one in found)

    def measures(self, target: Target) -> list[str]:
        """All whole numbers."""
        return sorted(name for name, kind in self.properties(target).items() if kind == "int")

    def size(self, target: Target) -> int:
        """All objects."""
        return int(self._rest.ask(target.place, "Aggregate", "", "meta{count}")[0]["meta"]["count"])

    def count(self, target: Target, keys: Iterable[str]) -> Counter[str]:
        """1 for each key that has an object."""
        by_id = {self.identity(key): key for key in keys}
        return Counter(by_id[one["id"]] for one in self._by_id(target, by_id))

    def rows(self, target: Target, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """All properties of each key's object, times with their zone, and the vectors: None for one that it lacks."""
        by_id = {self.identity(key): key for key in keys}
        absent, named = dict.fromkeys(self.properties(target)), self.vectors(target)
        found = {}
        for one in self._by_id(target, by_id, "?include=vector" if target.vector else ""):
            row = {name.lower(): value for name, value in self._typed(target, absent | one["properties"]).items()}
            if target.vector:
                have = one.get("vectors") or {}
                row[target.vector] = {name: have.get(name) for name in named} if named else one.get("vector")
            found[by_id[one["id"]]] = row
        return found

    def matching(self, target: Target, where: Conditions, before: datetime, limit: int = MOST) -> list[dict[str, Any]]:
        """By one question."""
        arguments = f"where:{graphql(_condition(where, before))} limit:{limit}"
        found = self._rest.ask(target.place, "Get", arguments, " ".join(self.properties(target)))
        return [self._typed(target, one) for one in found]

    def erase(self, target: Target, where: Conditions, before: datetime) -> int:
        """As many at a time as Weaviate takes."""
        removed, condition = 0, _condition(where, before, "TextArray")
        while count := self._delete(target, condition):
            removed += count
        return removed

    def delete(self, target: Target, keys: Iterable[str]) -> int:
        """Remove the objects of the keys."""
        ids = [self.identity(key) for key in keys]
        pages = (ids[at : at + _PAGE] for at in range(0, len(ids), _PAGE))
        return sum(self._delete(target, where("id", "ContainsAny", "TextArray", page)) for page in pages)

    def _delete(self, target: Target, condition: Mapping[str, Any]) -> int:
        match = {"class": target.place, "where": condition}
        answer = self._rest.send("DELETE", "batch/objects", {"match": match, "output": "minimal"})["results"]
        if answer.get("failed"):
            raise ServiceError(f"collection {target.place}", f"{answer['failed']} objects could not be deleted")
        return int(answer["successful"])

    def totals(self, target: Target, first: int, end: int) -> tuple[int, int]:
        """By one aggregate."""
        names = self.measures(target)
        fields = "meta{count}" + "".join(f" {name}{{sum}}" for name in names)
        (found,) = self._rest.ask(target.place, "Aggregate", f"where:{graphql(_between(first, end))}", fields)
        return int(found["meta"]["count"]), sum(int((found[name] or {}).get("sum") or 0) for name in names)

    def undated(self, target: Target) -> list[str]:
        """By the index of empty properties."""
        arguments = f"where:{graphql(where(COLLECTED_AT, 'IsNull', 'Boolean', True))} limit:{MOST}"
        found = self._rest.ask(target.place, "Get", arguments, "_additional{id}")
        return [one["_additional"]["id"] for one in found]

    def window(self, target: Target, first: int, end: int) -> dict[str, Stamp]:
        """By one question."""
        names = self.measures(target)
        arguments = f"where:{graphql(_between(first, end))} limit:{MOST}"
        fields = f"{COLLECTED_AT} {' '.join(names)} _additional{{id}}"
        found = self._rest.ask(target.place, "Get", arguments, fields)
        return {one["_additional"]["id"]: _stamp(one, names) for one in found}

    def stamps(self, target: Target, ids: Iterable[str]) -> dict[str, Stamp]:
        """Of the objects themselves."""
        names = self.measures(target)
        return {one["id"]: _stamp(one["properties"], names) for one in self._by_id(target, ids)}

    def search(self, target: Target, text: str, vector: Sequence[float], wanted: Search) -> list[dict[str, Any]]:
        """By the vector, or by vector and BM25 together.

        Raises:
            ServiceError: the collection has no vectors of the model that made ``vector``.
        """
        kinds = self.properties(target)
        named = {"targetVectors": [wanted.vector]} if wanted.vector else {}
        if wanted.vector and wanted.vector not in (have := self.vectors(target)):
            why = f"it has no vector {wanted.vector}; it has {', '.join(have) or 'one without a name'}"
            raise ServiceError(f"collection {target.place}", why, "mxctl apply, or ask another model")
        arguments = f"limit:{wanted.limit}"
        if wanted.where:
            conditions = [
                where(name, _OPERATORS[sign], _KINDS.get(kinds.get(name, ""), "Text"), _plain(value))
                for name, sign, value in wanted.where
            ]
            arguments += f" where:{graphql(every(conditions))}"
        if wanted.hybrid is None:
            arguments += f" nearVector:{graphql({'vector': list(vector)} | named)}"
        else:
            words = {"properties": list(wanted.words)} if wanted.words else {}
            asked = {"query": text, "vector": list(vector), "alpha": wanted.hybrid}
            arguments += f" hybrid:{graphql(asked | named | words)}"
        fields = f"{' '.join(kinds)} _additional{{distance score}}"
        found = self._rest.ask(target.place, "Get", arguments, fields)
        return [self._typed(target, one) | {"score": _score(one.pop("_additional"))} for one in found]

    def _by_id(self, target: Target, ids: Iterable[str], extra: str = "") -> Iterator[dict[str, Any]]:
        """The objects themselves: a filter asks the index, which may serve an old version of one."""
        self.properties(target)  # else a collection that is not there reads like objects that are not
        found = (self._rest.get(f"objects/{target.place}/{one}{extra}") for one in ids)
        return (one for one in found if one is not None)

    def _typed(self, target: Target, one: Mapping[str, Any]) -> dict[str, Any]:
        kinds = self.properties(target)
        return {
            name: datetime.fromisoformat(value) if value and kinds.get(name) == "date" else value
            for name, value in one.items()
            if name != "_additional"
        }


def _condition(conditions: Conditions, before: datetime, texts: str = "Text") -> dict[str, Any]:
    """Of properties that are texts, or lists of texts; REST calls a list of them TextArray."""
    matches = [where(field, "ContainsAny", texts, list(values)) for field, values in conditions.items()]
    return every([*matches, where(COLLECTED_AT, "LessThan", "Date", before.isoformat())])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value


def _between(first: int, end: int) -> dict[str, Any]:
    start, stop = (datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in (first, min(end, LAST_MS)))
    return every(
        [where(COLLECTED_AT, "GreaterThanEqual", "Date", start), where(COLLECTED_AT, "LessThan", "Date", stop)]
    )


def _stamp(one: Mapping[str, Any], names: Sequence[str]) -> Stamp:
    return Stamp(milliseconds(one.get(COLLECTED_AT)), sum(int(one.get(name) or 0) for name in names))


def _score(metadata: Mapping[str, Any]) -> float:
    """Hybrid search gives a score; a vector search a cosine distance."""
    distance = metadata.get("distance")
    return round(float(metadata.get("score") or 0) if distance is None else 1 - float(distance), 4)
