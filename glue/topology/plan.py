"""The plan: every change between declared and live, in the order in which it will be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from glue.errors import UsageError
from glue.topology.change import Change
from glue.topology.kinds import KINDS
from glue.topology.kinds.contract import Live
from glue.topology.memory import Memory
from glue.topology.model import Declared
from glue.topology.services import Services


@dataclass
class Plan:
    """What is declared, what there is, and the ordered changes between them.

    Attributes:
        kinds: names of the kinds it is about, in the order of ``KINDS``.
        prune: whether what this owner created and no longer declares is deleted.
        live: what there is, by kind.
    """

    declared: Declared
    kinds: tuple[str, ...]
    prune: bool = False
    live: dict[str, Live] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def of(self, kind: str) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]


def make_plan(services: Services, declared: Declared, kinds: Iterable[str] = KINDS, *, prune: bool = False) -> Plan:
    """Read the live state and compare; nothing is written.

    Raises:
        ServiceUnavailableError: a service that is needed for ``kinds`` does not answer.
        UsageError: there is no such kind.
    """
    chosen = set(kinds)
    if unknown := chosen - KINDS.keys():
        raise UsageError(f"kind {', '.join(sorted(unknown))}", "there is no such kind", f"kinds: {', '.join(KINDS)}")
    plan = Plan(declared, tuple(name for name in KINDS if name in chosen), prune)
    needed = prune or any(KINDS[name].remembers for name in plan.kinds)
    memory = services.memory.read() if needed else Memory()
    for name in plan.kinds:
        kind = KINDS[name]
        wanted = kind.wanted(services, declared)
        plan.live[name] = live = kind.read(services, wanted, memory)
        changes = (kind.diff(services, one, want, live) for one, want in wanted.items())
        plan.changes += [change for change in changes if change]
    if prune:
        plan.changes += _deletions(services, plan, memory)
    return plan


def _deletions(services: Services, plan: Plan, memory: Memory) -> Iterator[Change]:
    """What this owner created, is still there and is declared no more; users of a thing go before the thing."""
    for name in reversed(plan.kinds):
        gone = plan.live[name].names - plan.declared.of(name).keys()
        notes = {
            one: note
            for (kind, one), note in sorted(memory.owned.items())
            if kind == name and one in gone and note.get("owner") == plan.declared.owner and note.get("created")
        }
        if notes:
            yield from KINDS[name].deletions(services, notes)
