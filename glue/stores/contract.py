"""What the pipeline asks of a store, whichever it is: where sinks write to, whether it is as declared, what it holds.

A :class:`Store` is a kind of store: it has no connection, and its ``targets`` are pure. :meth:`Store.open` gives a
:class:`StoreClient`, which is a :class:`KeyClient` or a :class:`TimeClient` by what the store can sum up by itself. A
new kind is one module and one line in :mod:`glue.stores.registry`.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Self

from glue.errors import UsageError
from glue.imports import needs
from glue.settings import Settings
from glue.stores.rows import Rows

PYTHON_SINK = "bd.millionx.connect.PythonSinkConnector"
COLLECTED_AT = "collected_at"  # every record says so when its source was read
Ends = Mapping[int, tuple[int, int]]  # partition -> (first offset, offset after the last)
Conditions = Mapping[str, Sequence[str]]  # field -> values, of which its value is one or its list holds one
MOST = 10_000  # rows of one answer
Schemas = Mapping["Target", Mapping[str, Any] | None]  # the Avro schema of each target's topic, where one is declared


@dataclass(frozen=True)
class Target:
    """One place that one sink fills from one topic.

    Attributes:
        connector_class: of the connector; of a sink in Python, its ``python.class``.
        topic: as it is in Kafka, before the connector's transforms.
        place: table or collection, as the store's own language names it: ``MILLIONX.RAW_DATA.ORDERS``.
        store: name of the kind of store, a key of :data:`glue.stores.registry.STORES`.
        label: for people: ``Snowflake ORDERS``.
        dead_letters: topic that the sink sends refused records to; empty if none.
        upserts: whether a second record of a key replaces the first.
        deletes: whether a record without a value removes its key.
        vector: the field that holds a record's vector, or a map of named ones; empty if none.
        origin: the columns that say from which partition, offset and record time a row came; empty ones are unknown.
    """

    connector: str
    connector_class: str
    topic: str
    place: str
    store: str
    label: str
    dead_letters: str = ""
    upserts: bool = True
    deletes: bool = False
    vector: str = ""
    origin: tuple[str, str, str] = ("", "", "")

    @property
    def name(self) -> str:
        """The short name in options and reports, the same whichever store holds it: ``orders``."""
        return self.place.rpartition(".")[2].strip('"').lower()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are looked at: those whose records the topic still has, and of a window of record times (ms)."""

    ends: Ends
    since: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Sums:
    """A bucket of keys: rows, distinct keys, and two sums over characters of the keys."""

    rows: int
    keys: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The rows of a key: how many, and where the first of them came from (-1: the row does not say)."""

    rows: int
    partition: int = -1
    offset: int = -1
    time: int = -1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells states of an object apart: when it was collected (ms, 0 if unknown), and the sum of its measures."""

    moment: int
    measure: int


class Store(ABC):
    """A kind of store."""

    name: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[frozenset[str]]
    keeps: ClassVar[tuple[int, str]] = (0, "")  # days that a deleted row lives on by itself, and where; backups apart
    package: ClassVar[str]  # what must be installed to talk to it, and the extra that installs it; empty: nothing
    extra: ClassVar[str]

    @abstractmethod
    def targets(self, connector: str, config: Mapping[str, str], topics: Sequence[str]) -> list[Target]:
        """What a sink of one of ``classes`` with this configuration fills from ``topics``, without asking anyone."""

    def known(self, settings: Settings) -> bool:
        """Whether this installation can reach the store with what is configured."""
        return True

    def check_installed(self) -> None:
        """Import its client.

        Raises:
            ConfigError: it is not installed; the fix names the extra.
        """
        if self.package:
            with needs(self.title, self.extra):
                importlib.import_module(self.package)

    def digest(self, settings: Settings, schemas: Schemas) -> str:
        """Changes with the declaration, where the store itself cannot be compared with it; else empty."""
        return ""

    @abstractmethod
    def pending(self, settings: Settings, schemas: Schemas, applied: str | None) -> list[str]:
        """What :meth:`ensure` would do, in words; nothing where the store is as declared.

        Args:
            schemas: the targets of the declared connectors in this kind of store.
            applied: the digest of the declaration that was applied last, None if none was.

        Raises:
            ServiceUnavailableError, ServiceError: the store does not answer, or refuses.
        """

    @abstractmethod
    def ensure(self, settings: Settings, schemas: Schemas) -> None:
        """Bring tables or collections to their declaration; a second run changes nothing, nothing is ever removed.

        Raises:
            ServiceUnavailableError, ServiceError: the store does not answer, or refuses.
        """

    @abstractmethod
    def open(self, settings: Settings, targets: Iterable[Target] = ()) -> KeyClient | TimeClient:
        """A client whose connection opens on first use; close it, or use it in a ``with`` block.

        Args:
            targets: names in queries are looked up first where these are.
        """


class StoreClient(ABC):
    """A connection to one store. Every method raises ServiceUnavailableError if the store does not answer, and
    ServiceError if it refuses; what it is asked of a target that does not exist is a ServiceError that says so.
    """

    @abstractmethod
    def close(self) -> None:
        """Close the connection; a closed one opens again on use."""

    @abstractmethod
    def size(self, target: Target) -> int:
        """How many rows or objects there are in all; a cheap question."""

    @abstractmethod
    def count(self, target: Target, keys: Iterable[str]) -> Counter[str]:
        """How many rows each of the record keys has; absent keys are left out."""

    @abstractmethod
    def rows(self, target: Target, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """One row of each record key, with all its fields by their names in lower case; a vector is a list."""

    @abstractmethod
    def matching(self, target: Target, where: Conditions, before: datetime, limit: int = MOST) -> list[dict[str, Any]]:
        """Rows that meet all conditions and were collected before a moment; at most ``MOST`` of them."""

    def find(self, target: Target, field: str, value: str, before: datetime, limit: int = 100) -> list[dict[str, Any]]:
        """Rows whose ``field`` is ``value``, or a list that holds it, and that were collected before a moment."""
        return self.matching(target, {field: [value]}, before, limit)

    @abstractmethod
    def erase(self, target: Target, where: Conditions, before: datetime) -> int:
        """Remove every row that :meth:`matching` names, without its limit; the number of rows that were removed."""

    @abstractmethod
    def delete(self, target: Target, keys: Iterable[str]) -> int:
        """Remove every row of the record keys; the number of rows that were removed. Absent keys are not an error."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement of a store that speaks SQL; ``%s`` stands for a parameter.

        Raises:
            UsageError: this store speaks no SQL.
        """
        raise UsageError("query", "this store speaks no SQL", "use mxctl search")

    def search(self, target: Target, text: str, vector: Sequence[float], wanted: Search) -> list[dict[str, Any]]:
        """The nearest objects, best first: their fields, and ``score`` (1 is best).

        Args:
            text: the words, used by hybrid search.
            vector: what ``text`` means, by the model of the store's vectors.

        Raises:
            UsageError: this store has no vectors.
        """
        raise UsageError("search", "this store has no vectors", "use mxctl query")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class KeyClient(StoreClient):
    """Of a store that sums up its keys by hash buckets: databases."""

    @abstractmethod
    def buckets(self, target: Target, scope: Scope) -> dict[str, Sums]:
        """All buckets of a target, by the first characters of their keys."""

    @abstractmethod
    def keys(self, target: Target, buckets: Sequence[str], scope: Scope) -> dict[str, StoredKey]:
        """The keys of some buckets."""


class TimeClient(StoreClient):
    """Of a store that sums up windows of the collection time, and names its objects otherwise than by their keys."""

    @abstractmethod
    def identity(self, key: str) -> str:
        """The id of a record key's object; it cannot be turned back."""

    @abstractmethod
    def measures(self, target: Target) -> list[str]:
        """The whole-number fields whose sum is the measure of an object."""

    @abstractmethod
    def totals(self, target: Target, first: int, end: int) -> tuple[int, int]:
        """(objects, sum of measures) with ``first`` <= collection time < ``end``, milliseconds."""

    @abstractmethod
    def window(self, target: Target, first: int, end: int) -> dict[str, Stamp]:
        """The objects of a window by id, at most 10,000."""

    @abstractmethod
    def stamps(self, target: Target, ids: Iterable[str]) -> dict[str, Stamp]:
        """The objects with these ids; absent ones are left out."""

    @abstractmethod
    def undated(self, target: Target) -> list[str]:
        """Ids of objects without a collection time, at most 10,000."""


@dataclass(frozen=True)
class Search:
    """What a search asks for beside its text.

    Attributes:
        where: conditions that all hold: a field, an operator (``=``, ``>=``, ``<``; of a list ``has`` and ``lacks``),
            a value.
        hybrid: None for the vector alone; else the share of the vector against the words, 0 to 1.
        vector: name of the vectors to compare with; empty where they have none.
        words: the fields whose words count, each with its weight after ``^``; none: all.
    """

    where: tuple[tuple[str, str, Any], ...] = ()
    hybrid: float | None = None
    limit: int = 10
    vector: str = ""
    words: tuple[str, ...] = ()
