"""A collection as it is declared, by another one: Weaviate takes no vector away, and builds no index again.

All objects are copied while the sink writes; then the sink is paused, which keeps records waiting and loses none, what
changed meanwhile is copied, the alias moves in one step, and the sink goes on. Searches ask the alias and notice
nothing. Everything is found out from Weaviate itself, so that a run that was killed is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from glue.errors import ServiceError, UsageError
from glue.model_change.declared import Embedding
from glue.stores.weaviate.client import MODELS
from glue.stores.weaviate.schema import built_otherwise
from glue.stores.weaviate.vectors import VectorsOf
from glue.times import split_list
from glue.topology.operate import set_state
from glue.topology.services import Services

_FEW = 200  # copied in a moment, while the sink is paused
_BEHIND = "g"  # sorts after every id
_SKEW_MS = 10_000  # by which the clocks of Weaviate's nodes may differ
Progress = Callable[[str], None]


class Difference(NamedTuple):
    """Between a collection in Weaviate and what is declared.

    Attributes:
        name: of the collection, which is no alias.
        surplus: vectors that it has and the file does not.
        otherwise: what the indexes of its vectors were built with, where something else is declared.
    """

    name: str
    surplus: list[str]
    otherwise: list[str]


class Rebuild:
    """Of one collection, to what is declared."""

    def __init__(self, one: Embedding, store: VectorsOf, services: Services, progress: Progress) -> None:
        self._one, self._store, self._services, self._tell = one, store, services, progress
        self._wanted = one.body()
        self._kept = {one.model(name).identity for name in one.writer.models}

    def difference(self) -> Difference:
        """What the collection has that is not declared.

        Raises:
            ServiceError: there is no such collection.
        """
        if (live := self._store.schema()) is None:
            place = self._one.target.place
            raise ServiceError(f"collection {place}", "it does not exist", "mxctl apply creates what is declared")
        surplus = set(live.get("vectorConfig") or {}) - set(self._wanted.get("vectorConfig", {}))
        return Difference(str(live["class"]), sorted(surplus), built_otherwise(self._wanted, live))

    def run(self) -> int:
        """Take the place of the collection; how many objects were copied.

        Raises:
            UsageError: the collection has its name for itself, or the sink that runs still writes the vector.
            ServiceUnavailableError, ServiceError: Weaviate or Connect does not answer, or refuses; run it again.
        """
        place, sink = self._one.target.place, self._one.target.connector
        now, surplus, otherwise = self.difference()  # anew: somebody may have thought about it for long
        head, _, number = now.rpartition("_")
        if head != place or not number.isdigit():
            why = f"it was not made by this mxctl, which calls the first one {place}_1 and names it {place}"
            raise UsageError(f"collection {place}", why, "declare another collection, and load it from the topic")
        copied, before, after = 0, f"{place}_{int(number) - 1}", f"{place}_{int(number) + 1}"
        if surplus or otherwise:
            self._refuse_written(surplus)
            if self._store.schema(after) is None:
                self._store.create(self._wanted | {"class": after})
            last = float("inf")
            while _FEW < (changed := self._copy(now, after)) < last / 2:  # else the sink writes as fast
                copied, last = copied + changed, changed
            set_state(self._services, [sink], "pause")
            copied += changed + self._copy(now, after)
            self._store.rename(after)
            before, now = now, after
        if self._store.schema(before) is not None:
            if self._services.connect.status(sink)["connector"]["state"] == "PAUSED":
                for _ in self._pages(before, now):
                    pass  # what somebody else than the sink deleted meanwhile goes here too, and nothing newer
            self._store.remove(before)
        set_state(self._services, [sink], "resume")
        return copied

    def _refuse_written(self, surplus: list[str]) -> None:
        sink = self._one.target.connector
        lengths = str(self._services.connect.config(sink).get("vector.dimensions", ""))
        if still := [
            name for name in surplus if name in {one.partition(":")[0].strip() for one in split_list(lengths)}
        ]:
            why = f"the connector that runs still takes the vector {', '.join(still)}"
            raise UsageError(f"connector {sink}", why, "mxctl apply, and then this again")

    def _copy(self, source: str, into: str) -> int:
        """Copy what is not there as it is; how many that were."""
        copied = seen = 0
        for page, there in self._pages(source, into):
            old = [one for one in page if there.get(one["id"], 0) <= int(one["lastUpdateTimeUnix"]) + _SKEW_MS]
            if old:
                self._store.put([self._copied(one, into) for one in old])
            copied, seen = copied + len(old), seen + len(page)
            self._tell(f"{seen} objects of {source} compared, {copied} copied to {into}")
        return copied

    def _copied(self, one: Mapping[str, Any], into: str) -> dict[str, Any]:
        vectors = {name: at for name, at in one["vectors"].items() if name in self._wanted["vectorConfig"]}
        models = [model for model in one["properties"].get(MODELS) or [] if model in self._kept]
        properties = one["properties"] | {MODELS: models}
        return {"class": into, "id": one["id"], "properties": properties, "vectors": vectors}

    def _pages(self, source: str, into: str) -> Iterator[tuple[list[dict[str, Any]], dict[str, int]]]:
        """The source, with when its objects were written to the copy; what only the copy has is deleted.

        Both are walked by their cursors, which go by the ids.
        """
        after = ""
        for page in chain(self._store.whole(source), [[]]):
            last = page[-1]["id"] if page else _BEHIND
            there: dict[str, int] = {}
            for one in chain.from_iterable(self._store.walk(into, after=after)):
                if one.id > last:
                    break
                there[one.id] = one.updated
            if gone := sorted(there.keys() - {one["id"] for one in page}):
                self._store.delete(into, gone)
            yield page, there
            after = last
