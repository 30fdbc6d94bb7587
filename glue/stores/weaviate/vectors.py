"""The named vectors of a collection's objects: which lack one, giving them one, and copies of a collection without one.

Weaviate adds a vector to a collection that exists, and takes none away, neither from it nor from an object. It writes
nothing on a condition: who may have been overtaken reads again. A PATCH writes the other vectors back as they were just
before. All is read from the objects themselves, by cursor and by id: a filter asks the inverted index, which after
writes of one object at the same time may serve an old version of it (1.35.2).
Source: Weaviate 1.35, REST /v1/objects and /v1/aliases, and its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from glue.errors import ServiceError
from glue.settings import Settings
from glue.stores.weaviate.client import MODELS, VARIANT
from glue.stores.weaviate.rest import Rest, graphql, where


class Embedded(NamedTuple):
    """An object as far as its vectors go.

    Attributes:
        models: identities of the models of its vectors. variant: of the runtime that computed them.
        updated: when it was written last, milliseconds by the clock of a node.
    """

    id: str
    text: str
    models: list[str]
    variant: str
    updated: int


class VectorsOf:
    """A collection by its name, or by its alias. Close it, or use it in a ``with`` block.

    Args:
        text: the property that is embedded.
    """

    def __init__(self, settings: Settings, place: str, text: str = "content") -> None:
        self._rest, self.place, self._text = Rest(settings), place, text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._rest.close()

    def schema(self, name: str = "") -> dict[str, Any] | None:
        """What Weaviate says of the collection, or of another; under ``class`` the name that is no alias."""
        return self._rest.get(f"schema/{name or self.place}")

    def create(self, body: Mapping[str, Any]) -> None:
        """Make another collection."""
        self._rest.send("POST", "schema", body)

    def rename(self, name: str) -> None:
        """Move the alias: from now on, the collection is the one of that name."""
        self._rest.send("PUT", f"aliases/{self.place}", {"class": name})

    def remove(self, name: str) -> None:
        """Delete a collection by the name that is no alias."""
        self._rest.send("DELETE", f"schema/{name}", {})

    def lacking(self, identity: str) -> int:
        """How many objects have no vector of that model."""
        return sum(identity not in one.models for page in self.walk() for one in page)

    def read(self, ids: Iterable[str], name: str = "") -> dict[str, Embedded]:
        """The objects of these ids, absent ones left out; of the collection, or of another."""
        found = (self._rest.get(f"objects/{name or self.place}/{one}") for one in ids)
        return {one["id"]: self._embedded(one) for one in found if one is not None}

    def nearest(self, vector: Iterable[float], name: str, limit: int) -> list[str]:
        """Ids of the objects whose vector of that name is nearest."""
        near = graphql({"vector": list(vector), "targetVectors": [name]})
        found = self._rest.ask(self.place, "Get", f"nearVector:{near} limit:{limit}", "_additional{id}")
        return [one["_additional"]["id"] for one in found]

    def _embedded(self, one: Mapping[str, Any]) -> Embedded:
        has = one["properties"]
        text, models, variant = has.get(self._text) or "", has.get(MODELS) or [], has.get(VARIANT) or ""
        return Embedded(one["id"], text, models, variant, int(one["lastUpdateTimeUnix"]))

    def patch(self, one: Embedded, vectors: Mapping[str, list[float]]) -> bool:
        """Give an object vectors, and write its ``models`` and ``variant``; False if it is gone by now."""
        body = {"class": self.place, "id": one.id, "vectors": vectors}
        properties = {MODELS: one.models, VARIANT: one.variant}
        path = f"objects/{self.place}/{one.id}"
        return self._rest.send_to("PATCH", path, body | {"properties": properties}) is not None

    def walk(self, name: str = "", page: int = 100, after: str = "") -> Iterator[list[Embedded]]:
        """All objects by their ids, which are hashes, from the one after ``after``; as :meth:`read` has ``name``."""
        return ([self._embedded(one) for one in found] for found in self._pages(name, page, after))

    def whole(self, name: str, page: int = 100) -> Iterator[list[dict[str, Any]]]:
        """All objects of the collection of that name as REST gives them, with their vectors."""
        return self._pages(name, page, "", "&include=vector")

    def _pages(self, name: str, page: int, after: str, extra: str = "") -> Iterator[list[dict[str, Any]]]:
        path = f"objects?class={name or self.place}&limit={page}{extra}&after="
        while found := (self._rest.get(f"{path}{after}") or {}).get("objects"):
            yield found
            after = found[-1]["id"]

    def put(self, objects: list[dict[str, Any]]) -> None:
        """Write whole objects, each into the collection that its ``class`` names.

        Raises:
            ServiceError: one of them was refused.
        """
        answer: Any = self._rest.send("POST", "batch/objects", {"objects": objects})
        for one in answer:
            if errors := (one.get("result") or {}).get("errors"):
                raise ServiceError(f"object {one['id']}", str(errors)[:300])

    def delete(self, name: str, ids: list[str]) -> None:
        """Delete objects of the collection of that name."""
        match = {"class": name, "where": where("id", "ContainsAny", "TextArray", ids)}
        self._rest.send("DELETE", "batch/objects", {"match": match, "output": "minimal"})
