"""When did it arrive: sends records at a pace and watches for the moment at which each can be queried."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
from typing import Any

from glue.local import process
from glue.local.state import State
from glue.settings import state_dir
from glue.stores.snowflake.client import SnowflakeClient

Count = Callable[[list[str]], Iterable[str]]
_PARTS = ("kafka", "connect", "warehouse", "weaviate", "chain-orders")
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


class NewRows:
    """Which keys a table of the warehouse has, for a :class:`Clock`: the endpoint is asked for what came since.

    To name a thousand keys costs it a quarter of a second of its processor, so that asking so each 50 ms was most of
    what it did.
    """

    ask_s = 0.2  # seconds between two questions

    def __init__(self, client: SnowflakeClient, table: str) -> None:
        self._client, self._table, self._seen = client, table, set[str]()
        ((last,),) = client.query(f"select max(rowid) from {table}").rows  # noqa: S608
        self._last = -1 if last is None else int(last)

    def __call__(self, keys: list[str]) -> Iterable[str]:
        new = self._client.query(f"select RECORD_KEY, rowid from {self._table} where rowid > {self._last}").rows  # noqa: S608
        self._seen.update(str(key) for key, _ in new)
        self._last = max((int(row) for _, row in new), default=self._last)
        return self._seen.intersection(keys)


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """P50 and P95, in seconds."""
    values = sorted(seconds)
    if len(values) < 2:
        return {"p50": values[0], "p95": values[0]} if values else {}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3)}


def pace(count: int, per_second: float, send: Callable[[int], Any], page: int = 1) -> float:
    """Call ``send`` with 0 … count-1, ``per_second`` a second (0: as fast as it goes) in pages; the seconds it took."""
    began = time.monotonic()
    for number in range(count):
        if per_second and number % page == 0:
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        send(number)
    return time.monotonic() - began


def processor() -> dict[str, float]:
    """Seconds of the processor that the local stack's parts have taken; of a worker without its Python, and that."""
    found = {}
    for name, part in State(state_dir() / "state.json").parts.items():
        if name in _PARTS and (one := process.find(part)) is not None:
            found[name] = sum(one.cpu_times()[:2])
            if name == "connect":
                found["gate"] = sum(sum(child.cpu_times()[:2]) for child in one.children(recursive=True))
    return found


def tasks() -> tuple[float, float]:
    """Seconds that the threads of the connectors' tasks have run, and have waited for a core though they could run."""
    part = State(state_dir() / "state.json").parts.get("connect")
    ran = waited = 0.0
    if part is not None and (one := process.find(part)) is not None:
        for thread in Path(f"/proc/{one.pid}/task").glob("*"):
            with suppress(OSError):  # it may end just now
                if (thread / "comm").read_text().startswith("task-thread"):
                    on_core, in_queue, _ = (thread / "schedstat").read_text().split()  # nanoseconds
                    ran, waited = ran + int(on_core) / 1e9, waited + int(in_queue) / 1e9
    return ran, waited
