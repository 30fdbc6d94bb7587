"""Stores: their own clients bring them there; what they create is never taken back, for it may hold data."""

from __future__ import annotations

from glue.topology.diff import Change
from glue.topology.live import Live
from glue.topology.model import Declared
from glue.topology.services import Services
from glue.topology.steps.undo import Undo
from glue.topology.stores import STORES


def do(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Bring a store to its declaration and note which one."""
    store = STORES[change.name]
    store.apply(services.settings)
    if digest := store.digest(services.settings):
        services.memory.store(change.name, digest)
    return Undo(f"leave store {change.name} as it is now: what was added does no harm", lambda: None)
