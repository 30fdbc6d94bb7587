"""A token bucket that listens to the vendor. Time is monotonic: a wall clock that jumps changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """At most ``burst`` calls at once and ``per_second`` in the long run; the vendor's word lowers it further.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()
        self._not_before = 0.0

    def _fill(self) -> float:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return now

    def take(self) -> float:
        """Take one token; the seconds to wait before it may be used (0 where it is there)."""
        now = self._fill()
        self._tokens -= 1
        wait = max(0.0, -self._tokens / self._rate)
        return max(wait, self._not_before - now)

    def used(self, used: float, size: float) -> None:
        """The vendor's own count of its bucket (``n/40``): ours never holds more than is left there."""
        self._fill()
        if size > 0:
            self._tokens = min(self._tokens, max(0.0, size - used))

    def pause(self, seconds: float) -> None:
        """No call for that long: the vendor asked for it."""
        self._not_before = max(self._not_before, self._clock() + max(0.0, seconds))
