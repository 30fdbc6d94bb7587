"""The plan: every change between declared and live, in the order in which it will be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from glue.kafka.reads import record_count
from glue.topology import diff
from glue.topology.diff import Action, Change
from glue.topology.kinds import store as stores
from glue.topology.live import Live, read_live
from glue.topology.model import Declared, Kind
from glue.topology.services import Services
from glue.topology.topic_ids import topic_ids

_DELETE_COST = {
    Kind.CONNECTOR: "its tasks stop; its offsets stay",
    Kind.SUBJECT: "soft deleted; its schema ids stay readable",
}
ALL_KINDS = (Kind.TOPIC, Kind.SUBJECT, Kind.STORE, Kind.CHAIN, Kind.CONNECTOR)


@dataclass
class Plan:
    """What is declared, what there is, and the ordered changes between them.

    Attributes:
        prune: whether what this owner created and no longer declares is deleted.
    """

    declared: Declared
    live: Live
    kinds: tuple[Kind, ...]
    prune: bool = False
    changes: list[Change] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    @property
    def reads_memory(self) -> bool:
        """Whether this plan needs what mxctl remembers."""
        return self.prune or Kind.CHAIN in self.kinds or Kind.STORE in self.kinds


def make_plan(
    services: Services, declared: Declared, kinds: Iterable[Kind] = ALL_KINDS, *, prune: bool = False
) -> Plan:
    """Read the live state and compare; nothing is written.

    Raises:
        ServiceUnavailableError: a service that is needed for ``kinds`` does not answer.
    """
    chosen = set(kinds)
    wanted = tuple(kind for kind in ALL_KINDS if kind in chosen)
    plan = Plan(declared, Live(), wanted, prune)
    plan.live = live = read_live(services, declared, wanted, remember=plan.reads_memory)
    if Kind.TOPIC in wanted:
        for name, topic in declared.topics.items():
            _add(plan, _counted(services, diff.topic_change(name, topic, live.topics.get(name))))
    if Kind.SUBJECT in wanted:
        for name, subject in declared.subjects.items():
            _add(plan, diff.subject_change(name, subject, live.subjects.get(name), live.registry_level))
    if Kind.STORE in wanted:
        for store, schemas in stores.used(services.settings, declared):
            pending = store.pending(services.settings, schemas, live.memory.stores.get(store.name))
            _add(plan, diff.store_change(store.name, pending))
    if Kind.CHAIN in wanted:
        for name, chain in declared.chains.items():
            _add(plan, diff.chain_change(name, chain, live.memory.chains.get(name)))
    if Kind.CONNECTOR in wanted:
        for name, connector in declared.connectors.items():
            _add(plan, diff.connector_change(connector, live.connectors.get(name), services.definitions))
    if prune:
        plan.changes += _deletions(services, plan)
    return plan


def _add(plan: Plan, change: Change | None) -> None:
    if change:
        plan.changes.append(change)


def _counted(services: Services, change: Change | None) -> Change | None:
    """With the number of records that are lost, where a topic goes."""
    if change is None or change.action not in (Action.RECREATE, Action.DELETE):
        return change
    count = record_count(services.kafka, change.name)
    return Change(
        change.kind, change.name, change.action, change.fields, (*change.cost, f"{count} records are deleted")
    )


def _deletions(services: Services, plan: Plan) -> Iterator[Change]:
    """What this owner created, is still there and is declared no more; users of a thing go before the thing."""
    live, declared = plan.live, plan.declared
    there = {
        Kind.TOPIC: live.topics.keys(),
        Kind.SUBJECT: live.subject_names,
        Kind.CONNECTOR: live.connectors.keys(),
        Kind.CHAIN: live.memory.chains.keys(),
    }
    ours = {
        (kind, name): note
        for (kind, name), note in sorted(live.memory.owned.items())
        if note.get("owner") == declared.owner
        and note.get("created")
        and kind in plan.kinds
        and name in there.get(kind, ())
        and name not in declared.names(kind)
    }
    topics = [name for kind, name in ours if kind == Kind.TOPIC]
    ids = topic_ids(services.admin, topics) if topics else {}
    for kind in (Kind.CONNECTOR, Kind.CHAIN, Kind.SUBJECT, Kind.TOPIC):
        for name in (name for owned_kind, name in ours if owned_kind == kind):
            if kind == Kind.TOPIC and ours[kind, name].get("topic_id") != ids.get(name):
                continue  # someone else deleted ours and made another of that name
            cost = _DELETE_COST.get(kind)
            change = Change(kind, name, Action.DELETE, cost=(cost,) if cost else ())
            yield (_counted(services, change) if kind == Kind.TOPIC else None) or change
