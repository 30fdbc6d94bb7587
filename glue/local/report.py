"""What the user sees on stderr while the stack comes and goes: a line an event, one moving line for what takes long."""

from __future__ import annotations

import sys
import threading
import time

REDRAW_S = 0.2  # on a terminal
REPEAT_S = 30.0  # in a log file


class Reporter:
    """Thread-safe lines on stderr. ``quiet`` keeps only warnings."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()
        self._tty = sys.stderr.isatty()
        self._last: dict[str, float] = {}
        self._moving = False

    def event(self, part: str, message: str) -> None:
        """A fact worth a line: ``kafka        ready in 6.1 s``."""
        if not self._quiet:
            self._line(f"{part:<12} {message}")

    def warning(self, part: str, message: str) -> None:
        """Like :meth:`event`, and never silenced."""
        self._line(f"{part:<12} warning: {message}")

    def progress(self, part: str, message: str) -> None:
        """A state that changes: redrawn in place on a terminal, repeated every half a minute elsewhere."""
        now, key = time.monotonic(), "" if self._tty else part  # a terminal has one such line
        with self._lock:
            if self._quiet or now - self._last.get(key, -REPEAT_S) < (REDRAW_S if self._tty else REPEAT_S):
                return
            self._last[key] = now
            text = f"{part:<12} {message}"[:118]
            sys.stderr.write(f"\r\x1b[K{text}" if self._tty else f"{text}\n")
            sys.stderr.flush()
            self._moving = self._tty

    def _line(self, text: str) -> None:
        with self._lock:
            sys.stderr.write(f"\r\x1b[K{text}\n" if self._moving else f"{text}\n")
            sys.stderr.flush()
            self._moving = False
