"""One part at a time: bring it up, bring it down, say how it is."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from glue.errors import MillionXError
from glue.local import process
from glue.local.part import Part, Site, slack
from glue.local.state import PartState

POLL_S = 0.25
SOON_S = 5.0  # within which a part that runs well answers; longer on a busy machine
WORKING = 0.05  # of a core: a process that uses less waits for something
LONGEST = 5  # times its timeout, however hard it works
TAIL_LINES = 20
# What helps against the ends of logs that people meet.
HINTS = (
    (
        "Address already in use|BindException|address in use",
        "another program took its port while it started; mxctl local up chooses another one",
    ),
    ("No space left on device|ENOSPC", "free some space on that disk, or move the stack: MXCTL_STATE_DIR"),
    (
        "OutOfMemoryError|Cannot allocate memory|insufficient memory",
        "the machine has too little free memory (the stack takes about 2 GB): stop other programs",
    ),
    ("Too many open files", "allow more open files, then start again: ulimit -n 65536"),
    (
        "UnsupportedVersionException: Can't read version",
        "its data is of a newer Kafka; to start with empty data: mxctl local down --purge, then mxctl local up",
    ),
    (
        "InconsistentClusterId|CorruptRecord|Malformed|corrupt",
        "its data seems damaged; to start with empty data: mxctl local down --purge, then mxctl local up",
    ),
)


class PartFailedError(MillionXError):
    """A part did not start; ``why`` ends with the tail of its log."""


@dataclass(frozen=True)
class PartStatus:
    """How a part is. ``state``: running, starting, unhealthy, dead (it ended by itself) or stopped."""

    name: str
    state: str
    pid: int | None = None
    ports: dict[str, int] = field(default_factory=dict)
    memory_mb: int | None = None
    started: str = ""
    log: str = ""
    detail: str = ""
    tail: tuple[str, ...] = ()


def bring_up(part: Part, site: Site, wait: bool = True) -> bool:
    """Start a part, restart it when it is unhealthy or configured differently, leave it alone otherwise.

    Returns whether it is healthy: without ``wait``, a part that is busy before it can serve is left to itself, and so
    is every part when another one has failed. Raises :class:`PartFailedError`, or what its preparation raises.
    """
    try:
        return _bring_up(part, site, wait)
    except OSError as error:
        if not part.optional:
            site.halt.set()
        raise PartFailedError(f"part {part.name}", str(error), part.fix(site)) from error
    except MillionXError:
        if not (part.slow or part.optional):  # the others do not wait for such a part
            site.halt.set()
        raise


def _bring_up(part: Part, site: Site, wait: bool) -> bool:
    state = site.state.part(part.name)
    part.prepare(site)
    launch = part.launch(site)
    running = process.find(state)
    same = state.fingerprint == launch.fingerprint()
    if running is not None and same:
        age = time.time() - (state.created or 0)
        if _soon(part, site, max(SOON_S * slack(), part.warmup_s - age)):
            site.report.event(part.name, "already running")
            return True
        if part.busy(site):
            return _await(part, site, state, wait)
    if site.halt.is_set():
        return False
    if running is not None:
        site.report.event(part.name, "unhealthy: restarting" if same else "configured differently: restarting")
    process.stop(state, site.root, part.name, part.grace_s)  # with what a dead one left behind
    began = time.monotonic()
    process.start(launch, site.root, part.name, state, site.log(part.name))
    site.state.save()
    healthy = _await(part, site, state, wait)
    if healthy:
        site.report.event(part.name, f"ready in {time.monotonic() - began:.1f} s")
        part.warn(site)
    return healthy


def _await(part: Part, site: Site, state: PartState, wait: bool) -> bool:
    patience = _Patience(part, state)
    while True:
        if process.find(state) is None:
            raise _failure(part, site, f"it ended with exit code {process.exit_code(state)}")
        if part.healthy(site):
            return True
        if site.halt.is_set():
            return False
        busy = part.busy(site)
        if busy and not wait:
            site.report.event(part.name, f"{busy}; it continues in the background, see: mxctl local status")
            return False
        if busy:
            patience = _Patience(part, state)
            site.report.progress(part.name, busy)
        if patience.ended():
            raise _failure(part, site, f"it runs but was not healthy within {part.timeout_s:.0f} s")
        time.sleep(POLL_S)


class _Patience:
    """Ends when a part has done no work for its timeout: what takes long on a busy machine is not stuck."""

    def __init__(self, part: Part, state: PartState) -> None:
        self._timeout, self._state = part.timeout_s, state
        self._began = self._worked = self._looked = time.monotonic()
        self._used = process.cpu_seconds(state)

    def ended(self) -> bool:
        now = time.monotonic()
        if now - self._looked >= min(5, self._timeout / 4):
            used = process.cpu_seconds(self._state)
            if used - self._used > WORKING * (now - self._looked):
                self._worked = now
            self._looked, self._used = now, used
        return now - self._worked > self._timeout or now - self._began > LONGEST * self._timeout


def _hint(log: str) -> str:
    """The remedy for what the end of a log tells; "" when it tells nothing known."""
    return next((remedy for pattern, remedy in HINTS if re.search(pattern, log, re.IGNORECASE)), "")


def _failure(part: Part, site: Site, why: str) -> PartFailedError:
    log = site.log(part.name)
    lines = [f"    {line}" for line in process.tail(log, TAIL_LINES)]
    fix = _hint("\n".join(lines)) or part.fix(site)
    return PartFailedError(f"part {part.name}", "\n".join([f"{why}; the end of {log}:", *lines]), fix)


def _soon(part: Part, site: Site, seconds: float) -> bool:
    """Whether a part serves within ``seconds``, which do not run while another part that it needs does not serve."""
    deadline = time.monotonic() + seconds
    while not part.healthy(site):
        if part.waiting(site):
            deadline = time.monotonic() + seconds
        dead = process.find(site.state.part(part.name)) is None
        if dead or time.monotonic() > deadline or site.halt.is_set():
            return False
        time.sleep(POLL_S)
    return True


def bring_down(part: Part, site: Site) -> None:
    """Stop a part and all it started; its entry then says that it is meant to be stopped."""
    state = site.state.part(part.name)
    if process.stop(state, site.root, part.name, part.grace_s):
        site.report.event(part.name, "stopped")
    state.pid = state.created = None


def status(part: Part, site: Site) -> PartStatus:
    """How a part is now; of a dead one also the tail of its log."""
    state = site.state.parts.get(part.name)
    if state is None or state.pid is None:
        return PartStatus(part.name, "stopped")
    pid: int | None = state.pid
    detail, tail = "", tuple[str, ...]()
    if process.find(state) is None:
        how, pid, tail = "dead", None, tuple(process.tail(state.log, TAIL_LINES))
        detail = "it exited; to start it again: mxctl local up"
    elif part.healthy(site):
        how, detail = "running", part.note(site)
    else:
        detail = part.busy(site)
        how = "starting" if detail else "unhealthy"
    memory = process.memory_mb(state)
    rounded = None if memory is None else round(memory)
    return PartStatus(part.name, how, pid, state.ports, rounded, state.started, state.log, detail, tail)
