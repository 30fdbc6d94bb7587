"""Follows produced records until each is stored or dead, and measures how long that took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, cast

from glue.audit.expect import DEAD_LETTER_TOPICS, SOURCE_TOPICS, expected_keys, stores_denied
from glue.avro import Decoder
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TopicTail
from glue.registry import registry_client
from glue.settings import Settings


class Store(Protocol):
    """Something that keeps records by key."""

    name: str

    def size(self) -> int:
        """How much it holds in all; a cheap question."""

    def count(self, keys: Iterable[str]) -> Counter[str]:
        """How often each of ``keys`` can be queried now; absent keys are left out."""


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
    """Opened before producing, it sees each record appended to the source topics from then on."""

    def __init__(self, settings: Settings, stores: Iterable[Store]) -> None:
        self._stores = {store.name: store for store in stores}
        self._asked = {name: Asked() for name in self._stores}
        self._tail = TopicTail(KafkaConfig.of(settings), SOURCE_TOPICS + DEAD_LETTER_TOPICS)
        self._registry = registry_client(settings.registry)
        self._decode = Decoder(self._registry)
        self.tally = Tally(waiting={name: {} for name in self._stores}, stored={name: set() for name in self._stores})

    def look(self) -> Tally:
        """Read what is new in the topics, then ask the stores for what is still waited for."""
        for message in self._tail.new():
            topic, key = message.topic() or "", (message.key() or b"").decode("utf-8", "replace")
            if topic in DEAD_LETTER_TOPICS:
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
        collected: datetime = self._decode(value)[0]["collected_at"]
        self.tally.produced.setdefault(topic, {})[key] = collected.timestamp()
        for name, stored_key in expected_keys(topic, key):
            if stored_key not in self.tally.stored[name] and (name, stored_key) not in self.tally.denied:
                self.tally.waiting[name].setdefault(stored_key, collected.timestamp())

    def _bury(self, key: str, headers: dict[str, bytes]) -> None:
        self.tally.dead.add(key)
        connector, topic = (
            headers.get(f"__connect.errors.{name}", b"").decode() for name in ("connector.name", "topic")
        )
        for name in stores_denied(connector, topic):
            keys = {stored for source in SOURCE_TOPICS for store, stored in expected_keys(source, key) if store == name}
            for stored_key in keys | {key}:
                self.tally.denied.add((name, stored_key))
                self.tally.waiting.get(name, {}).pop(stored_key, None)

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
