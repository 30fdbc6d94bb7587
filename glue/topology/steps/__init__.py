"""One change done on the cluster, a file a kind: what is checked before, how it is done, how it is undone."""

from __future__ import annotations

from glue.topology.diff import Change
from glue.topology.live import Live
from glue.topology.model import Declared, Kind
from glue.topology.services import Services
from glue.topology.steps import chains, connectors, stores, subjects, topics
from glue.topology.steps.undo import Undo

_STEPS = {
    Kind.TOPIC: topics.do,
    Kind.SUBJECT: subjects.do,
    Kind.STORE: stores.do,
    Kind.CHAIN: chains.do,
    Kind.CONNECTOR: connectors.do,
}


def do(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Write one change; returns how to put back what was."""
    return _STEPS[change.kind](services, declared, live, change)
