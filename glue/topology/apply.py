"""Bringing a cluster to its declaration: check first, then write in order, then wait until it really works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from glue.errors import ServiceError
from glue.kafka.lock import Lock
from glue.settings import Settings
from glue.topology.change import Action, Change, Event, Journal, Progress, silent
from glue.topology.history import remember
from glue.topology.kinds import KINDS
from glue.topology.load import load
from glue.topology.model import Declared
from glue.topology.plan import Plan, make_plan
from glue.topology.services import Services
from glue.topology.validate import refuse_problems
from glue.topology.wait import Health, health, wait_running


@dataclass(frozen=True)
class Options:
    """How to apply.

    Attributes:
        dry_run: check and plan only.
        prune: delete what this owner created and declares no more.
        rollback: when something fails, put back what was.
        allow_recreate: delete and create topics where nothing else helps; their records are lost.
        stable_for: seconds for which every task must stay RUNNING before it counts.
        timeout: seconds for connectors to get there.
        lock_timeout: seconds to wait for another apply to end.
    """

    dry_run: bool = False
    prune: bool = False
    rollback: bool = False
    allow_recreate: bool = False
    stable_for: float = 5
    timeout: float = 180
    lock_timeout: float = 0


@dataclass
class Outcome:
    """What an apply did: its changes, the health of the connectors it answers for, seconds and Connect calls."""

    changes: list[Change] = field(default_factory=list)
    health: dict[str, Health] = field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0


def apply_all(
    settings: Settings,
    *,
    kinds: Iterable[str] = KINDS,
    options: Options | None = None,
    progress: Progress = silent,
    services: Services | None = None,
    declared: Declared | None = None,
    rules: bool = True,
) -> Outcome:
    """Bring the cluster to what is declared.

    Idempotent: where nothing differs, nothing is written and no lock is taken.

    Args:
        kinds: names of kinds; only these resources.
        services, declared: made from the settings where not given.
        rules: refuse what the offline rules find; not asked for a part of the files, or for an earlier state.

    Raises:
        ConfigError: the declared files are wrong.
        ServiceError: a schema is incompatible or a plugin refuses its config; nothing has been written then.
        ConnectorFailedError: a task failed or did not stay RUNNING.
        LockHeldError: another mxctl is applying.
        ServiceUnavailableError: a service does not answer.
    """
    options, wanted = options or Options(), tuple(kinds)
    services = services or Services(settings)
    declared = declared or load(settings)
    if rules:
        refuse_problems(declared, wanted)

    def plan() -> Plan:
        return make_plan(services, declared, wanted, prune=options.prune)

    return execute(services, plan, options, progress)


def execute(services: Services, plan_now: Callable[[], Plan], options: Options, progress: Progress = silent) -> Outcome:
    """Do what a plan says.

    Args:
        plan_now: makes the plan; asked again once the lock is held, for the cluster may have moved until then.
    """
    started = time.monotonic()
    plan = plan_now()
    if plan.changes and not options.dry_run:
        with services.memory.lock(options.lock_timeout) as lock:
            plan = plan_now()
            states = _write(services, plan, options, progress, lock)
    else:
        _check(services, plan, options)
        _verify(services, plan)
        states = {} if options.dry_run else _wait(services, plan, options, progress)
    return Outcome(list(plan.changes), states, time.monotonic() - started, services.connect_calls)


def _write(services: Services, plan: Plan, options: Options, progress: Progress, lock: Lock) -> dict[str, Health]:
    journal = Journal()

    def apply(change: Change) -> None:
        lock.check()
        progress(Event(change.label, f"{change.action}…"))
        live = plan.live[change.kind]
        journal.entries.append((change, KINDS[change.kind].apply(services, plan.declared, live, change)))
        progress(Event(change.label, "ok", change.action))

    try:
        _check(services, plan, options)
        for change in plan.changes:
            if KINDS[change.kind].first:
                apply(change)
        _verify(services, plan)
        for change in plan.changes:
            if not KINDS[change.kind].first:
                apply(change)
        states = _wait(services, plan, options, progress)
    except BaseException as error:
        done = journal.changes
        failures = journal.undo(progress) if options.rollback and done else []
        remember(services, plan, done, error=error, rolled_back=options.rollback, failures=failures)
        _explain(error, done, options.rollback, failures)
        raise
    remember(services, plan, plan.changes)
    return states


def _explain(error: BaseException, done: list[Change], rolled_back: bool, failures: list[str]) -> None:
    """Add to an error what was written before it, and whether that was undone."""
    if not hasattr(error, "why"):
        return
    if not done:
        error.why += "\n       nothing has been written"
    elif not rolled_back:
        names = ", ".join(change.label for change in done)
        error.why += f"\n       written before it and left in place: {names}; apply again, or use --rollback next time"
    elif failures:
        error.why += "\n       rolled back, except: " + "; ".join(failures)
    else:
        error.why += f"\n       rolled back: {', '.join(change.label for change in done)}"


def _check(services: Services, plan: Plan, options: Options) -> None:
    """Refuse what would fail half-way: recreating unasked, incompatible schemas, plugins that are not there."""
    for change in plan.changes:
        if change.action == Action.RECREATE and not options.allow_recreate:
            fix = "declare what can be reached without it, or pass --allow-recreate and lose its records"
            raise ServiceError(change.label, "; ".join(change.cost), fix)
        KINDS[change.kind].check(services, plan.declared, change)


def _verify(services: Services, plan: Plan) -> None:
    """Let the plugins validate every config that changes: the warehouse's, for one, logs in for it."""
    for change in plan.changes:
        KINDS[change.kind].verify(services, plan.declared, change)


def _wait(services: Services, plan: Plan, options: Options, progress: Progress) -> dict[str, Health]:
    """Wait for every declared connector; where nothing changed, what was just read may be enough."""
    if "connector" not in plan.kinds:
        return {}
    changed = {change.name for change in plan.of("connector") if change.action != Action.DELETE}
    names = plan.declared.connectors.keys()
    if not changed:
        states = {name: health(plan.live["connector"].found.get(name)) for name in names}
        if all(state.state == "ok" for state in states.values()):
            return states
    return wait_running(
        services,
        names,
        stable_for=options.stable_for if changed else 0,
        timeout=options.timeout,
        expected={name: plan.declared.connectors[name].config for name in changed},
        progress=progress,
    )
