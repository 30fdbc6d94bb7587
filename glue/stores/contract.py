"""What the pipeline asks of a store, whichever it is. A new kind is one module and one line in the registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

PYTHON_SINK = "bd.millionx.connect.PythonSinkConnector"


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
    origin: tuple[str, str, str] = ("", "", "")

    @property
    def name(self) -> str:
        """The short name in options and reports, the same whichever store holds it: ``orders``."""
        return self.place.rpartition(".")[2].strip('"').lower()


class Store(ABC):
    """A kind of store."""

    name: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[frozenset[str]]
    package: ClassVar[str]  # what must be installed to talk to it

    @abstractmethod
    def targets(self, connector: str, config: Mapping[str, str], topics: Sequence[str]) -> list[Target]:
        """What a sink of one of ``classes`` with this configuration fills from ``topics``, without asking anyone."""
