"""One service's last answer, refreshed in a thread when someone asks and it is old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from glue.errors import MillionXError
from glue.privacy.shown import clean

T = TypeVar("T")
SILENT_AFTER = 8.0  # seconds that a read may take before the service counts as not answering


class Reading(Generic[T]):
    """Keeps what ``read`` returned; safe from any thread, and at most one read runs at a time.

    Args:
        name: the service, as people call it.
        every: seconds for which an answer is fresh.
    """

    def __init__(self, name: str, read: Callable[[], T], every: float) -> None:
        self.name, self._read, self._every = name, read, every
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._began = self._ended = 0.0
        self._value: T | None = None
        self._error = ""
        self.count = 0

    def refresh(self, pool: ThreadPoolExecutor) -> Future[None] | None:
        """Start a read where the answer is old; the read that runs, if any."""
        with self._lock:
            if self._running is None and time.monotonic() - self._ended >= self._every:
                self._began = time.monotonic()
                self._running = pool.submit(self._run)
            return self._running

    def _run(self) -> None:
        value: T | None = None
        error = ""
        try:
            value = self._read()
        except MillionXError as failure:
            error = clean(f"{failure.why or failure.what}. {failure.fix}".strip(" ."))
        except Exception as failure:  # a page that is watched must go on
            error = f"unexpected {type(failure).__name__}"
        with self._lock:
            self._value, self._error = value, error
            self._ended, self._running = time.monotonic(), None
            self.count += 1

    @property
    def value(self) -> T | None:
        """The last answer; None while there is none, and where the service does not answer (any more)."""
        with self._lock:
            return None if self._silent() else self._value

    @property
    def error(self) -> str:
        """Why there is no answer, in a sentence; empty where there is one, or none was awaited yet."""
        with self._lock:
            return self._error or ("no answer yet, for several seconds" if self._silent() else "")

    @property
    def known(self) -> bool:
        """Whether it answered or failed at least once."""
        return bool(self.count) or bool(self.error)

    def _silent(self) -> bool:
        return self._running is not None and time.monotonic() - self._began > SILENT_AFTER
