"""The stores behind the sinks. What they are, and how they are made ready, :mod:`glue.stores` knows."""

from __future__ import annotations

from collections.abc import Iterator

from glue.settings import Settings
from glue.stores.contract import Schemas, Store
from glue.stores.registry import STORES, targets_of
from glue.topology.change import Undo
from glue.topology.diff import Change
from glue.topology.live import Live
from glue.topology.model import Declared
from glue.topology.services import Services


def schemas_of(declared: Declared, store: Store) -> Schemas:
    """What the declared connectors fill in a kind of store, with the Avro schema of each topic."""
    subjects = declared.subjects
    return {
        target: subjects[name].schema if (name := f"{target.topic}-value") in subjects else None
        for connector in declared.connectors.values()
        for target in targets_of(connector.name, connector.config, list(declared.topics))
        if target.store == store.name
    }


def used(settings: Settings, declared: Declared) -> Iterator[tuple[Store, Schemas]]:
    """The kinds of store that a declared connector fills and that can be reached, with what is filled in each."""
    for store in STORES.values():
        if (schemas := schemas_of(declared, store)) and store.known(settings):
            yield store, schemas


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Bring a store to its declaration and note which one; what it creates stays, for it may hold data."""
    store = STORES[change.name]
    schemas = schemas_of(declared, store)
    store.ensure(services.settings, schemas)
    if digest := store.digest(services.settings, schemas):
        services.memory.store(change.name, digest)
    return Undo(f"leave store {change.name} as it is now: what was added does no harm", lambda: None)
