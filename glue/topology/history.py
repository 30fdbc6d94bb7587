"""After an apply: what it owns, and a line in the history; and the way back to what an earlier one declared."""

from __future__ import annotations

import getpass
import logging
import socket
from collections.abc import Sequence

from glue.errors import MillionXError, UsageError
from glue.topology.change import Action, Change, to_json
from glue.topology.kinds import KINDS
from glue.topology.load import from_snapshot, to_snapshot
from glue.topology.memory import Applied, Memory, new_id, now
from glue.topology.model import Declared
from glue.topology.plan import Plan
from glue.topology.services import Services
from glue.topology.validate import refuse_unsafe

log = logging.getLogger(__name__)

# Kinds that a rollback takes back. What goes first only adds, and what it added may hold data.
REVERSIBLE = tuple(name for name, kind in KINDS.items() if not kind.first)


def remember(
    services: Services,
    plan: Plan,
    done: Sequence[Change],
    *,
    error: BaseException | None = None,
    rolled_back: bool = False,
    failures: Sequence[str] = (),
) -> None:
    """Note ownership and history. An apply that did nothing leaves no trace; failing to note does not fail it."""
    if not done:
        return
    outcome = "applied" if error is None else "rolled back" if rolled_back and not failures else "failed"
    try:
        if outcome != "rolled back":
            _own(services, plan, done)
        services.memory.remember(
            Applied(
                id=new_id(),
                time=now(),
                who=f"{getpass.getuser()}@{socket.gethostname()}",
                profile=plan.declared.profile,
                outcome=outcome,
                changes=[to_json(change) for change in done],
                desired=to_snapshot(plan.declared),
                error="" if error is None else getattr(error, "what", type(error).__name__),
            )
        )
    except MillionXError as failure:
        log.warning("the history could not be written: %s", failure)


def _own(services: Services, plan: Plan, done: Sequence[Change]) -> None:
    for kind in plan.kinds:
        changes = [change for change in done if change.kind == kind]
        for change in changes:
            if change.action == Action.DELETE:
                services.memory.own(kind, change.name, None)
        created = [change.name for change in changes if change.action in (Action.CREATE, Action.RECREATE)]
        more = KINDS[kind].notes(services, created) if created else {}
        for name in created:
            note = {"owner": plan.declared.owner, "created": True, "since": now(), **more.get(name, {})}
            services.memory.own(kind, name, note)


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
    fix = "mxctl history lists applies"
    raise UsageError("rollback", "there is no earlier apply that declared something else", fix)


def declared_by(applied: Applied) -> Declared:
    """What that apply declared, as state to apply again.

    Raises:
        UsageError: the history holds no such snapshot.
        ConfigError: it would let personal data or a secret out.
    """
    if not applied.desired:
        raise UsageError(f"apply {applied.id}", "its declaration was not kept", "choose another: mxctl history")
    declared = from_snapshot(applied.desired)
    refuse_unsafe(declared)
    return declared
