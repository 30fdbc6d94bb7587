"""When did it arrive: sends records at a pace and watches for the moment at which each can be queried."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from statistics import quantiles
from typing import Any

Count = Callable[[list[str]], Iterable[str]]
_CHUNK = 1_000  # keys of one question


class Clock:
    """Seconds from the sending of each key to the first answer of a store that has it.

    Args:
        stored: which of the given keys the store has now.
        pause: seconds between two questions; no latency is known better than that.
    """

    def __init__(self, stored: Count, pause: float = 0.05) -> None:
        self._stored, self._pause = stored, pause
        self._sent: dict[str, float] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.taken: dict[str, float] = {}
        self.last = time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def sent(self, key: str) -> None:
        """This record has just been given to the producer."""
        with self._lock:
            self._sent[key] = time.monotonic()

    @property
    def waiting(self) -> int:
        """Records that are sent and not seen."""
        return len(self._sent)

    def wait(self, patience: float) -> int:
        """Wait until everything sent is seen, or nothing new for ``patience`` seconds; how many never came."""
        self.last = time.monotonic()
        while self.waiting and time.monotonic() - self.last < patience:
            time.sleep(self._pause)
        self._stop.set()
        self._thread.join()
        return self.waiting

    def _watch(self) -> None:
        while not self._stop.wait(self._pause):
            with self._lock:
                keys = list(self._sent)
            for at in range(0, len(keys), _CHUNK):
                found = list(self._stored(keys[at : at + _CHUNK]))
                now = time.monotonic()
                with self._lock:
                    for key in found:
                        self.taken[key] = now - self._sent.pop(key)
                if found:
                    self.last = now
                elif at:  # the oldest come first: what follows is not there either
                    break


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """P50 and P95, in seconds."""
    values = sorted(seconds)
    if len(values) < 2:
        return {"p50": values[0], "p95": values[0]} if values else {}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3)}


def pace(count: int, per_second: float, send: Callable[[int], Any]) -> float:
    """Call ``send`` with 0 … count-1, ``per_second`` a second (0: as fast as it goes); the seconds it took."""
    began = time.monotonic()
    for number in range(count):
        if per_second:
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        send(number)
    return time.monotonic() - began
