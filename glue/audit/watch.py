"""Follows produced records until each is stored or dead, and measures how long that took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar, cast

from glue.audit.stores import Held, all_stores
from glue.avro import Decoder
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TopicTail
from glue.pipeline.routes import Pipeline
from glue.registry import registry_client
from glue.settings import Settings
from glue.stores.contract import COLLECTED_AT
from glue.topology.load import load

T = TypeVar("T")
_AGAIN = 1.0  # seconds; what replaces an object changes no size


class Asked:
    """When asking a store key by key is worth it: on a small machine the questions themselves hold its answers up."""

    def __init__(self) -> None:
        self._state: tuple[int, int] | None = None
        self._at = 0.0

    def worth(self, state: tuple[int, int]) -> bool:
        """Whether ``state`` (size of the store, keys in question) is new, or the last time is long ago."""
        now = time.monotonic()
        if state == self._state and now - self._at < _AGAIN:
            return False
        self._state, self._at = state, now
        return True


@dataclass
class Tally:
    """What became of the records seen so far. Times are seconds since the epoch, latencies milliseconds."""

    produced: dict[str, dict[str, float]] = field(default_factory=dict)  # topic -> key -> time of collection
    waiting: dict[str, dict[str, float]] = field(default_factory=dict)  # store -> key -> time of collection
    stored: dict[str, set[str]] = field(default_factory=dict)  # store -> keys
    dead: set[str] = field(default_factory=set)  # keys on the dead-letter topics
    denied: set[tuple[str, str]] = field(default_factory=set)  # (store, key) that a dead letter accounts for
    latencies: list[float] = field(default_factory=list)
    duplicates: int = 0

    @property
    def missing(self) -> int:
        """Stored nowhere and not dead."""
        return sum(len(keys) for keys in self.waiting.values())


class Watch:
    """Opened before producing, it sees each record appended to the topics where routes begin from then on."""

    def __init__(self, settings: Settings, stores: Iterable[Held]) -> None:
        self._pipeline = Pipeline.of(load(settings))
        self._stores = {store.name: store for store in stores}
        self._asked = {name: Asked() for name in self._stores}
        self._tail = TopicTail(KafkaConfig.of(settings), (*self._pipeline.raw_topics, *self._pipeline.dead_letters))
        self._registry = registry_client(settings.registry)
        self._decode = Decoder(self._registry)
        self.tally = Tally(waiting={name: {} for name in self._stores}, stored={name: set() for name in self._stores})

    def look(self) -> Tally:
        """Read what is new in the topics, then ask the stores for what is still waited for."""
        for message in self._tail.new():
            topic, key = message.topic() or "", (message.key() or b"").decode("utf-8", "replace")
            if topic in self._pipeline.dead_letters:
                headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
                key = key or f"{topic}/{message.partition()}/{message.offset()}"
                self._bury(key, {name: text or b"" for name, text in headers})
            else:
                self._expect(topic, key, message.value() or b"")
        for name, store in self._stores.items():
            waiting = self.tally.waiting[name]
            keys = len(waiting) + len(self.tally.stored[name])
            if waiting and self._asked[name].worth((store.size(), keys)):
                self._arrived(name, store.count(waiting))
        return self.tally

    def _expect(self, topic: str, key: str, value: bytes) -> None:
        collected: datetime = self._decode(value)[0][COLLECTED_AT]
        self.tally.produced.setdefault(topic, {})[key] = collected.timestamp()
        for target, stored_key in self._pipeline.expected(topic, key):
            name = target.name
            if stored_key not in self.tally.stored[name] and (name, stored_key) not in self.tally.denied:
                self.tally.waiting[name].setdefault(stored_key, collected.timestamp())

    def _bury(self, key: str, headers: dict[str, bytes]) -> None:
        self.tally.dead.add(key)
        connector, topic = (
            headers.get(f"__connect.errors.{name}", b"").decode() for name in ("connector.name", "topic")
        )
        for target, stored_key in self._pipeline.kept_from(connector, topic, key):
            self.tally.denied.add((target.name, stored_key))
            self.tally.waiting.get(target.name, {}).pop(stored_key, None)

    def _arrived(self, name: str, found: Counter[str]) -> None:
        now = time.time()
        for key in found:
            self.tally.latencies.append((now - self.tally.waiting[name].pop(key)) * 1000)
            self.tally.stored[name].add(key)

    def settle(self, on_look: Callable[[Tally], None], patience: float = 60.0, pause: float = 0.2) -> Tally:
        """Read to the present end of the topics and look until nothing is missing; then count duplicates.

        Gives up, with what is missing in the tally, when nothing has moved for ``patience`` seconds.
        """
        ends = self._tail.ends()
        moved, last = time.monotonic(), None
        while (not self._tail.reached(ends) or self.tally.missing) and time.monotonic() - moved < patience:
            on_look(self.look())
            state = (len(self.tally.produced), self.tally.missing)
            if state != last:
                moved, last = time.monotonic(), state
            time.sleep(pause)
        for name, store in self._stores.items():
            counted = store.count(self.tally.stored[name])
            self.tally.duplicates += sum(times - 1 for times in counted.values())
        return self.tally

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._tail.__exit__(kind, error, tb)
        self._registry.__exit__(kind, error, tb)  # type: ignore[no-untyped-call]


def see_arrive(settings: Settings, produce: Callable[[], T], on_look: Callable[[Tally], None]) -> tuple[T, Tally]:
    """Call ``produce``, then wait until each record that reached a source topic meanwhile is stored or dead.

    Returns what ``produce`` returned, and the tally; what never arrived is missing in it.
    """
    with all_stores(settings) as stores, Watch(settings, stores) as watch:
        result = produce()
        return result, watch.settle(on_look)
