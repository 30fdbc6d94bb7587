"""Faults by name, for tests: switched on at start (``--fault NAME``) or at run time (``PUT /admin/faults/NAME``)."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

KNOWN: dict[str, str] = {
    "server-error": "answers HTTP 500 and does nothing",
    "slow": "waits `seconds` (default 2) before it answers",
    "lost-reply": "does the work, then answers HTTP 500: the client cannot know that it was done",
    "token-expired": "every token issued until now counts as expired; new ones work",
    "channel-invalidated": "another writer takes over the channels of the next blob: status 20, nothing stored",
    "queue-full": "status 7 for every channel of the next blob, nothing stored; the client tries again",
    "disk-full": "rows cannot be stored: status 10, nothing stored; the client tries again",
}


@dataclass
class Fault:
    """One fault that is on.

    Attributes:
        times: how many more requests it hits; None until it is switched off.
        seconds: for ``slow``.
        path: hits only requests whose path contains this.
    """

    times: int | None = None
    seconds: float = 2.0
    path: str = ""


class UnknownFaultError(ValueError):
    """No fault has this name; the message lists those there are."""


class Faults:
    """The faults that are on. Thread-safe."""

    def __init__(self) -> None:
        self._on: dict[str, Fault] = {}
        self._lock = threading.Lock()

    def switch_on(self, name: str, options: dict[str, Any] | None = None) -> None:
        """Switch a fault on.

        Raises:
            UnknownFaultError: for a name or an option that does not exist.
        """
        if name not in KNOWN:
            raise UnknownFaultError(f"no fault is named {name!r}; known: {', '.join(sorted(KNOWN))}")
        try:
            fault = Fault(**(options or {}))
        except TypeError as error:
            raise UnknownFaultError(f"{name}: options are times, seconds, path") from error
        with self._lock:
            self._on[name] = fault

    def switch_off(self, name: str) -> None:
        """Switch a fault off; one that is not on is not an error."""
        with self._lock:
            self._on.pop(name, None)

    def hit(self, name: str, path: str = "") -> Fault | None:
        """The fault if it is on and hits this path; counts the hit."""
        with self._lock:
            fault = self._on.get(name)
            if fault is None or fault.path not in path:
                return None
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    del self._on[name]
            return fault

    def describe(self) -> dict[str, Any]:
        """What is on, and every name there is with its meaning."""
        with self._lock:
            return {"on": {name: asdict(fault) for name, fault in self._on.items()}, "known": KNOWN}


def parse_fault(text: str) -> tuple[str, dict[str, Any]]:
    """``NAME`` or ``NAME=TIMES`` from the command line, e.g. ``server-error=3``."""
    name, equals, times = text.partition("=")
    return name, ({"times": int(times)} if equals else {})
