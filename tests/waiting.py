"""Waiting in tests: for a condition, never for a time. The one bound ends what hangs, and suits a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 240.0  # seconds


def wait_for(
    ask: Callable[[], Any], good: Callable[[Any], bool] = bool, seconds: float = PATIENCE, what: str = ""
) -> Any:
    """Ask until the answer is good, and return it. Fails after ``seconds`` with ``what`` and the last answer."""
    deadline, pause = time.monotonic() + seconds, 0.05
    while not good(answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what} (last answer: {answer!r:.500})"
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)  # an answer may cost the machine something
    return answer
