"""Starts and stops the sandbox as a process of its own and remembers where it listens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TRIES = 3


class SandboxError(Exception):
    """It could not be started; the text says why."""


@dataclass(frozen=True)
class Running:
    """A sandbox that answers."""

    address: str
    pid: int
    log: str


def _file(state_dir: Path) -> Path:
    return state_dir / "sandbox.json"


def state(running: Running, timeout: float = 2.0) -> dict[str, Any] | None:
    """What the sandbox says of itself; None when it does not answer, or when another one answers there."""
    try:
        with urllib.request.urlopen(f"{running.address}/_sandbox/state", timeout=timeout) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found if found.get("pid") == running.pid else None
    except (OSError, ValueError, urllib.error.URLError):
        return None


def find(state_dir: Path) -> Running | None:
    """The sandbox of this state folder, if it answers."""
    try:
        running = Running(**json.loads(_file(state_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return running if state(running) is not None else None


def up(state_dir: Path, arguments: Sequence[str] = (), port: int | None = None, timeout: float = 30.0) -> Running:
    """Start the sandbox with ``arguments`` of ``python -m sandbox``; one that runs already is left as it is.

    Raises:
        SandboxError: it ended or did not answer within ``timeout`` seconds.
    """
    found = find(state_dir)
    if found is not None:
        return found
    log = state_dir / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Between choosing a free port and listening there, another program may take it: then another one is tried.
    for left in range(0 if port else _TRIES - 1, -1, -1):
        try:
            running = _start(port or _free_port(), arguments, log, timeout)
            break
        except SandboxError:
            if not left:
                raise
    _file(state_dir).write_text(json.dumps(asdict(running)) + "\n")
    return running


def _start(port: int, arguments: Sequence[str], log: Path, timeout: float) -> Running:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", str(port), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)},
        )  # fmt: skip
    running = Running(f"http://127.0.0.1:{port}", process.pid, str(log))
    deadline = time.monotonic() + timeout
    while state(running) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise SandboxError(f"the sandbox did not start on port {port}\n{tail}")
        time.sleep(0.1)
    return running


def down(state_dir: Path, timeout: float = 10.0) -> bool:
    """Stop the sandbox of this state folder; whether there was one."""
    running = find(state_dir)
    if running is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while state(running, 0.5) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        if state(running, 0.5) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(running.pid, os.WNOHANG)
    _file(state_dir).unlink(missing_ok=True)
    return running is not None


def put_faults(running: Running, faults: Sequence[str]) -> None:
    """Switch exactly these faults on.

    Raises:
        SandboxError: one is unknown.
    """
    request = urllib.request.Request(  # noqa: S310
        f"{running.address}/_sandbox/faults", json.dumps(list(faults)).encode(), method="PUT"
    )
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        raise SandboxError(str(json.load(error).get("error", error))) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
