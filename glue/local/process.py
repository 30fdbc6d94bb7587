"""Processes of the stack: started detached, known by more than their pid, stopped with all they started.

Every process carries ``MXCTL_LOCAL_STACK`` and ``MXCTL_LOCAL_PART`` in its environment and its children inherit them.
So ``down`` finds what belongs to a stack even when the state file is lost, and never touches a process that is not
ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from glue.local.state import PartState

STACK_MARK = "MXCTL_LOCAL_STACK"
PART_MARK = "MXCTL_LOCAL_PART"
CLOCK_SLACK_S = 5.0  # creation times are derived from the clock, which may be set while we run
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "LD_LIBRARY_PATH")

# Kept so that a process that ends while this program runs is reaped.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Launch:
    """How a part is started.

    ``files`` are read into the fingerprint: another content is another launch. ``same_as`` stands for ``argv`` there,
    for a program that may be started in two ways and be the same in the end.
    """

    argv: list[str]
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    inherit_env: bool = False
    same_as: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Digest of everything that makes this launch what it is."""
        digest = hashlib.sha256()
        env = (f"{key}={value}" for key, value in sorted(self.env.items()))
        for text in (*(self.same_as or self.argv), str(self.cwd), *env):
            digest.update(text.encode() + b"\0")
        for file in self.files:
            digest.update(file.read_bytes() + b"\0")
        return digest.hexdigest()


def basic_env() -> dict[str, str]:
    """What every program needs of this one's environment; the rest might configure a part behind our back."""
    return {key: os.environ[key] for key in PASSED_ON if key in os.environ}


def start(launch: Launch, stack: Path, name: str, state: PartState, log: Path) -> None:
    """Start a part in a session of its own, its output in ``log`` (the one before is kept as ``.1``)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(log.suffix + ".1"))
    inherited = dict(os.environ) if launch.inherit_env else basic_env()
    env = {**inherited, **launch.env, STACK_MARK: str(stack), PART_MARK: name}
    with log.open("wb") as output:
        child = subprocess.Popen(
            launch.argv,
            cwd=launch.cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for mxctl, not for the stack
        )
    _children[child.pid] = child
    state.pid, state.log, state.fingerprint = child.pid, str(log), launch.fingerprint()
    state.started = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        state.created = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        state.created = None


def find(state: PartState) -> psutil.Process | None:
    """The running process of a part, or None; a recycled pid is not mistaken for it."""
    if state.pid is None or state.created is None:
        return None
    child = _children.get(state.pid)
    if child is not None:
        child.poll()
    try:
        process = psutil.Process(state.pid)
        # What was killed has its ports until its last thread has ended, and may be a zombie before.
        dead = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        if dead or abs(process.create_time() - state.created) > CLOCK_SLACK_S:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def exit_code(state: PartState) -> int | None:
    """How a part that this program started ended; None when it runs or someone else started it."""
    child = _children.get(state.pid or -1)
    return child.poll() if child else None


def marked(stack: Path, part: str | None = None) -> Iterator[psutil.Process]:
    """Every process that belongs to ``stack`` (and to ``part``): by its environment, else by the log it writes to."""
    me = os.getpid()
    for process in psutil.process_iter():
        try:
            if process.pid == me or process.status() == psutil.STATUS_ZOMBIE:
                continue
            owner = _owner(process, stack)
            if owner is not None and part in (None, owner):
                yield process
        except (psutil.Error, OSError):  # gone meanwhile, or another user's
            continue


def _owner(process: psutil.Process, stack: Path) -> str | None:
    """The part of ``stack`` that a process belongs to."""
    env = process.environ()
    if STACK_MARK in env:
        return env.get(PART_MARK, "") if env[STACK_MARK] == str(stack) else None
    # Some programs write their title over their environment, redis-server is one. They keep their standard output.
    for file in process.open_files():
        if file.fd == 1 and Path(file.path).parent == stack / "logs":
            return Path(file.path).name.split(".")[0]
    return None


def stop(state: PartState, stack: Path, name: str | None, grace_s: float) -> bool:
    """End a part and all it started: asked to, then after ``grace_s`` seconds forced. Whether anything ran.

    Without a ``name`` everything that belongs to the stack is ended.
    """
    main = find(state)
    family = {process.pid: process for process in (*marked(stack, name), *_family(state))}
    if not family:
        return False
    first = [main] if main is not None else list(family.values())
    for process in first:
        _quietly(process.terminate)
        _quietly(process.resume)  # a suspended one could not hear it
    psutil.wait_procs(first, timeout=grace_s)
    # What the part did not end itself, and what it started since.
    rest = {**family, **{process.pid: process for process in marked(stack, name)}}
    left = [process for process in rest.values() if process.is_running()]
    for process in left:
        _quietly(process.kill)
    psutil.wait_procs(left, timeout=10)
    return True


def _family(state: PartState) -> list[psutil.Process]:
    """The process of a part and all below it; none where it does not run."""
    if (main := find(state)) is None:
        return []
    try:
        return [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [main]


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        action()


def beyond_loopback(state: PartState) -> set[int]:
    """Ports on which a part, or what it started, listens on other addresses than loopback."""
    found: set[int] = set()
    for process in _family(state):
        with contextlib.suppress(psutil.Error):
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN and one.laddr.ip not in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
                    found.add(one.laddr.port)
    return found


def memory_mb(state: PartState) -> float | None:
    """Resident memory of a part with its children in MB; None when it does not run."""
    total = 0
    for process in (family := _family(state)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 1e6 if family else None


def cpu_seconds(state: PartState) -> float:
    """Processor time that a part has used, with its children; 0 when it does not run."""
    total = 0.0
    for process in _family(state):
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:2])
    return total


def tail(log: Path | str, lines: int = 20) -> list[str]:
    """The last lines of a log; none when there is no log."""
    try:
        with Path(log).open(errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, lines)]
    except OSError:
        return []


def python() -> str:
    """The interpreter that runs this program, and so has everything installed."""
    return sys.executable
