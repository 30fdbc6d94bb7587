"""Transform chains: the service reads their files; what was applied is noted in the cluster."""

from __future__ import annotations

from glue.topology.change import Undo
from glue.topology.diff import Action, Change
from glue.topology.live import Live
from glue.topology.model import Declared
from glue.topology.services import Services


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Note a chain as applied, or as gone."""
    name, before = change.name, live.memory.chains.get(change.name)
    after = None if change.action == Action.DELETE else declared.chains[name].get("config", {})
    services.memory.chain(name, after)
    return Undo(f"note chain {name} as it was", lambda: services.memory.chain(name, before))
