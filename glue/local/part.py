"""What a part of the stack is: the contract that ``stack`` drives, and what a part may ask about the stack it is in."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from glue.http_access import HttpAccess
from glue.local.downloads import Fetcher
from glue.local.ports import LOOPBACK
from glue.local.process import Launch
from glue.local.report import Reporter
from glue.local.security import Security
from glue.local.size import Size
from glue.local.state import State
from glue.settings import Settings


@dataclass(frozen=True)
class Site:
    """One stack: its folder, its state, and the helpers a part may use."""

    root: Path
    state: State
    settings: Settings  # what the user set; addresses of the stack itself are in ``state``
    fetcher: Fetcher
    report: Reporter
    halt: threading.Event  # set: nobody waits for anything any more
    security: Security | None = None  # its own, of a stack that asks for passwords
    size: Size = field(default_factory=Size)

    def folder(self, part: str) -> Path:
        """Where a part keeps its files."""
        folder = self.root / part
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, part: str) -> Path:
        """Where the output of a part goes."""
        return self.root / "logs" / f"{part}.log"

    def port(self, part: str, name: str) -> int:
        """A port of a part; chosen before any part starts."""
        return self.state.part(part).ports[name]

    def address(self, part: str, name: str) -> str:
        """``127.0.0.1:port``."""
        return f"{LOOPBACK}:{self.port(part, name)}"

    @property
    def scheme(self) -> str:
        """Of the registry, of Connect and of Weaviate."""
        return "https" if self.security else "http"

    def access(self, service: str) -> HttpAccess:
        """How to log in to them."""
        return self.security.access(service) if self.security else HttpAccess(service)


class Part(ABC):
    """One process of the stack.

    Lifecycle: ``prepare`` (downloads, folders, configuration files; may take minutes), ``launch`` (cheap, no effects),
    then ``healthy`` is asked until it is true, or until the process has done no work for ``timeout_s``.
    """

    name: str
    ports: tuple[str, ...] = ()
    timeout_s: float = 180  # without work of its process; an error that ends the process is reported at once
    warmup_s: float = 60  # how old it may be and not answer yet, before a later command considers it unhealthy
    grace_s: float = 15  # how long it may take to end by itself
    slow: bool = False  # may be busy for minutes before it serves; the others then do not wait for it
    optional: bool = False  # when it does not start, that is reported and the stack is up all the same
    early: bool = False  # others need it when they start
    wave: int = 1  # parts of a higher wave are stopped first

    def copies(self, size: Size) -> tuple[Part, ...]:
        """This part, and those beside it in a stack of that size."""
        return (self,)

    def check(self, site: Site) -> None:  # noqa: B027
        """Refuse what the user set wrongly, before anything starts. Raises :class:`glue.errors.ConfigError`."""

    def prepare(self, site: Site) -> None:  # noqa: B027  (nothing to prepare is a fine default)
        """Bring everything the launch needs; safe to call again. Raises :class:`glue.errors.MillionXError`."""

    @abstractmethod
    def launch(self, site: Site) -> Launch:
        """How to start it, given what ``prepare`` left behind."""

    @abstractmethod
    def healthy(self, site: Site) -> bool:
        """Whether it serves; quick, and False rather than an exception when it does not answer."""

    def settings(self, site: Site) -> dict[str, str]:
        """Fields of :class:`glue.settings.Settings` that this part determines."""
        return {}

    def busy(self, site: Site) -> str:
        """What it is doing before it can serve, when that takes long (a build); then the timeout does not run."""
        return ""

    def waiting(self, site: Site) -> bool:
        """Whether a part that it needs does not serve; what it does not answer meanwhile is not held against it."""
        return False

    def warn(self, site: Site) -> None:  # noqa: B027
        """Report what is not as it should be with a part that serves."""

    def note(self, site: Site) -> str:
        """What to do with it while it runs, e.g. the address for a browser."""
        return ""

    def fix(self, site: Site) -> str:
        """What a user can do when it does not start."""
        return f"see the whole log: mxctl local logs {self.name}"


def slack() -> float:
    """How many times longer than on a quiet machine an answer may take: the programs that share a core, at most 20."""
    return min(max(os.getloadavg()[0] / (os.cpu_count() or 1), 1), 20)


def http_ok(url: str, timeout_s: float = 2, access: HttpAccess | None = None) -> bool:
    """Whether ``url`` answers 200, in time for a quiet machine or later on a busy one."""
    answer = _get(url, timeout_s, access)
    return answer is not None and answer.status_code == 200


def json_of(url: str, timeout_s: float = 2, access: HttpAccess | None = None) -> dict[str, Any]:
    """The JSON object at ``url``; empty when there is none."""
    answer = _get(url, timeout_s, access)
    try:
        found = answer.json() if answer is not None else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _get(url: str, timeout_s: float, access: HttpAccess | None = None) -> requests.Response | None:
    with (access or HttpAccess("")).session() as session:
        session.trust_env = False  # no proxy from the environment: this is loopback
        try:
            return session.get(url, timeout=timeout_s * slack())
        except requests.RequestException:
            return None
