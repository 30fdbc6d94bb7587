"""Kinds of resources, a file each."""

from __future__ import annotations

from glue.topology.change import Undo
from glue.topology.diff import Change
from glue.topology.kinds import chain, connector, store, subject, topic
from glue.topology.live import Live
from glue.topology.model import Declared, Kind
from glue.topology.services import Services

_APPLY = {
    Kind.TOPIC: topic.apply,
    Kind.SUBJECT: subject.apply,
    Kind.STORE: store.apply,
    Kind.CHAIN: chain.apply,
    Kind.CONNECTOR: connector.apply,
}


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Write one change; returns how to put back what was."""
    return _APPLY[change.kind](services, declared, live, change)
