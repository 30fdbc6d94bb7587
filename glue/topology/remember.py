"""After an apply: what it owns, and a line in the history."""

from __future__ import annotations

import getpass
import logging
import socket
from collections.abc import Sequence

from glue.errors import MillionXError
from glue.topology.diff import Action, Change, to_json
from glue.topology.history import Applied, new_id, now
from glue.topology.model import Kind
from glue.topology.plan import Plan
from glue.topology.services import Services
from glue.topology.snapshot import to_snapshot
from glue.topology.topic_ids import topic_ids

log = logging.getLogger(__name__)


def remember(
    services: Services,
    plan: Plan,
    done: Sequence[Change],
    *,
    error: BaseException | None = None,
    rolled_back: bool = False,
    failures: Sequence[str] = (),
) -> None:
    """Note ownership and history. An apply that did nothing leaves no trace; failing to note is no failure of it."""
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
    created = [c.name for c in done if c.kind == Kind.TOPIC and c.action in (Action.CREATE, Action.RECREATE)]
    ids = topic_ids(services.admin, created)
    for change in done:
        if change.action == Action.DELETE:
            services.memory.own(change.kind, change.name, None)
        elif change.action in (Action.CREATE, Action.RECREATE) and change.kind != Kind.STORE:
            note = {"owner": plan.declared.owner, "created": True, "since": now()}
            if change.kind == Kind.TOPIC:
                note["topic_id"] = ids.get(change.name)
            services.memory.own(change.kind, change.name, note)
