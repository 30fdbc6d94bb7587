"""Going back to what an earlier apply declared."""

from __future__ import annotations

from glue.errors import UsageError
from glue.topology.history import Applied, Memory
from glue.topology.model import Declared, Kind
from glue.topology.snapshot import from_snapshot

# A store is not taken back: its script only adds, and what it added may hold data.
KINDS = (Kind.TOPIC, Kind.SUBJECT, Kind.CHAIN, Kind.CONNECTOR)


def target(memory: Memory, identifier: str | None) -> Applied:
    """The apply to go back to: the one named, or the last but one that succeeded and declared something else.

    Raises:
        UsageError: there is none.
    """
    if identifier:
        return memory.find(identifier)
    good = [one for one in memory.history if one.outcome == "applied"]
    latest = memory.history[-1] if memory.history else None
    for one in reversed(good):
        if latest is not None and one.id != latest.id and one.desired != latest.desired:
            return one
    raise UsageError(
        "rollback", "there is no earlier apply that declared something else", "mxctl history lists applies"
    )


def declared_by(applied: Applied) -> Declared:
    """What that apply declared, as state to apply again.

    Raises:
        UsageError: the history holds no such snapshot.
    """
    if not applied.desired:
        raise UsageError(f"apply {applied.id}", "its declaration was not kept", "choose another: mxctl history")
    return from_snapshot(applied.desired)
