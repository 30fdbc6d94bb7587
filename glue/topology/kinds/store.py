"""The stores behind the sinks. What they are, and how they are made ready, :mod:`glue.stores` knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glue.pipeline.routes import Pipeline
from glue.stores.contract import Schemas, Store
from glue.stores.registry import STORES
from glue.topology.change import Action, Change, FieldChange, Undo
from glue.topology.kinds.contract import Kind, Live
from glue.topology.memory import Memory
from glue.topology.model import Declared
from glue.topology.services import Services


def schemas_of(declared: Declared, store: Store) -> Schemas:
    """What the declared connectors fill in a kind of store, with the Avro schema of each topic."""
    subjects = declared.subjects
    return {
        target: subjects[name].schema if (name := f"{target.topic}-value") in subjects else None
        for target in Pipeline.of(declared).targets
        if target.store == store.name
    }


class Stores(Kind):
    """What a store creates is never taken back, for it may hold data; so no store is ever pruned."""

    name = "store"
    first = True
    remembers = True

    def wanted(self, services: Services, declared: Declared) -> Mapping[str, tuple[Store, Schemas]]:
        """The kinds of store that a declared connector fills and that can be reached, with what is filled in each."""
        filled = {name: (store, schemas_of(declared, store)) for name, store in STORES.items()}
        return {name: one for name, one in filled.items() if one[1] and one[0].known(services.settings)}

    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> Live:
        return Live(memory.of(self.name))

    def diff(self, services: Services, name: str, want: tuple[Store, Schemas], live: Live) -> Change | None:
        store, schemas = want
        pending = store.pending(services.settings, schemas, live.found.get(name))
        fields = tuple(FieldChange(one, None, None) for one in pending)
        return Change(self.name, name, Action.UPDATE, fields) if fields else None

    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        store = STORES[change.name]
        schemas = schemas_of(declared, store)
        store.ensure(services.settings, schemas)
        if digest := store.digest(services.settings, schemas):
            services.memory.note(self.name, change.name, digest)
        return Undo(f"leave store {change.name} as it is now: what was added does no harm", lambda: None)
