"""What is known of a running stack: ``<state_dir>/state.json``.

``{"settings": {<fields of Settings>}, "parts": {name: {pid, created, ports, log, fingerprint, started, phase}}}``.
``glue.settings`` reads the first half, so that every program finds the stack without being told its ports.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from glue.errors import ConfigError
from glue.files import write_whole


@dataclass
class PartState:
    """One part as it was started last."""

    ports: dict[str, int] = field(default_factory=dict)
    pid: int | None = None
    created: float | None = None  # creation time of that process, seconds since 1970: a pid alone may be reused
    log: str = ""
    fingerprint: str = ""  # of its command and files: a running part that would be started differently is restarted
    started: str = ""  # ISO 8601, UTC


class State:
    """The file, in memory; every change is written at once and whole."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()
        self.settings: dict[str, Any] = {}
        self.parts: dict[str, PartState] = {}
        try:
            raw = json.loads(file.read_text())
            self.settings = dict(raw["settings"])
            known = {one.name for one in fields(PartState)}
            self.parts = {
                name: PartState(**{key: value for key, value in part.items() if key in known})
                for name, part in raw["parts"].items()
            }
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"it cannot be read: {type(error).__name__}"
            fix = "run: mxctl local down (it finds the processes by themselves), then mxctl local up"
            raise ConfigError(f"state of the local stack {file}", why, fix) from error

    def part(self, name: str) -> PartState:
        """The entry of a part, made when it is new."""
        with self._lock:
            return self.parts.setdefault(name, PartState())

    def save(self) -> None:
        """Write the whole file in one step, readable by its owner only."""
        with self._lock:
            document = {"settings": self.settings, "parts": {name: asdict(part) for name, part in self.parts.items()}}
            write_whole(self.file, json.dumps(document, indent=1).encode() + b"\n", mode=0o600)
