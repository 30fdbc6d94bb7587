"""Follows produced records until each is stored or dead, and measures how long that took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from glue.audit.stores import Held, open_targets
from glue.avro import Decoder
from glue.kafka.config import KafkaConfig
from glue.kafka.tail import TopicTail
from glue.pipeline.routes import Pipeline
from glue.registry import registry_client
from glue.settings import Settings
from glue.stores.contract import COLLECTED_AT, Target
from glue.topology.load import load

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
    """The outcome of the records seen so far. Times are seconds since the epoch, latencies milliseconds."""

    produced: dict[str, dict[str, float]] = field(default_factory=dict)  # by source and key: time of collection
    waiting: dict[Target, dict[str, float]] = field(default_factory=dict)  # by key there: time of collection
    stored: dict[Target, set[str]] = field(default_factory=dict)  # keys there
    dead: set[str] = field(default_factory=set)  # keys on the dead-letter topics
    denied: set[tuple[Target, str]] = field(default_factory=set)  # what a dead letter accounts for
    latencies: list[float] = field(default_factory=list)
    duplicates: int = 0
    held: dict[Target, int] = field(default_factory=dict)  # at the end: all that a store has, of earlier times too

    @property
    def missing(self) -> int:
        """Stored nowhere and not dead."""
        return sum(len(keys) for keys in self.waiting.values())


class Watch:
    """Sees each record that is appended to the topics where routes begin. Made by :func:`watching`."""

    def __init__(self, pipeline: Pipeline, stores: list[Held], tail: TopicTail, decode: Decoder) -> None:
        self._pipeline, self._tail, self._decode = pipeline, tail, decode
        self._stores = {store.target: store for store in stores}
        self._asked = {target: Asked() for target in self._stores}
        self.tally = Tally({}, {target: {} for target in self._stores}, {target: set() for target in self._stores})

    def look(self) -> Tally:
        """Read what is new in the topics, then ask the stores for what is still waited for."""
        for message in self._tail.new():
            topic, key = message.topic() or "", (message.key() or b"").decode("utf-8", "replace")
            if topic in self._pipeline.dead_letters:
                headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
                key = key or f"{topic}/{message.partition()}/{message.offset()}"
                self._dead_letter(key, {name: text or b"" for name, text in headers})
            else:
                self._expect(topic, key, message.value() or b"")
        for target, store in self._stores.items():
            waiting = self.tally.waiting[target]
            keys = len(waiting) + len(self.tally.stored[target])
            if waiting and self._asked[target].worth((store.size(), keys)):
                self._arrived(target, store.count(waiting))
        return self.tally

    def _expect(self, topic: str, key: str, value: bytes) -> None:
        if not value:
            return  # a tombstone: nothing to arrive
        fields = self._decode(value)[0]
        collected = fields.get(COLLECTED_AT)
        since = collected.timestamp() if isinstance(collected, datetime) else time.time()
        self.tally.produced.setdefault(self._pipeline.origin(topic), {})[key] = since
        for target, stored_key in self._pipeline.expected(topic, key, fields):
            if stored_key not in self.tally.stored[target] and (target, stored_key) not in self.tally.denied:
                self.tally.waiting[target].setdefault(stored_key, since)

    def _dead_letter(self, key: str, headers: dict[str, bytes]) -> None:
        self.tally.dead.add(key)
        by, topic = (headers.get(f"__connect.errors.{name}", b"").decode() for name in ("connector.name", "topic"))
        for target, stored_key in self._pipeline.kept_from(by, topic, key):
            self.tally.denied.add((target, stored_key))
            self.tally.waiting.get(target, {}).pop(stored_key, None)

    def _arrived(self, target: Target, found: Counter[str]) -> None:
        now = time.time()
        for key in found:
            self.tally.latencies.append((now - self.tally.waiting[target].pop(key)) * 1000)
            self.tally.stored[target].add(key)

    def complete(self, on_look: Callable[[Tally], None], patience: float = 60.0, pause: float = 0.2) -> Tally:
        """Read to the present end of the topics and look until nothing is missing; then count duplicates and all.

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
        for target, store in self._stores.items():
            counted = store.count(self.tally.stored[target])
            self.tally.duplicates += sum(times - 1 for times in counted.values())
            self.tally.held[target] = store.size()
        return self.tally


@contextmanager
def watching(settings: Settings) -> Iterator[Watch]:
    """Opened before producing, it sees each record appended from then on to a topic where a declared route begins.

    Raises:
        ServiceUnavailableError, ServiceError: Kafka, the registry or a store does not answer, or a table is missing.
    """
    pipeline = Pipeline.of(load(settings))
    with ExitStack() as opened:
        stores = opened.enter_context(open_targets(settings, pipeline.targets))
        for store in stores:
            store.count(["none"])  # logs in now, so that no record's latency holds the time of it
        topics = (*pipeline.raw_topics, *pipeline.dead_letters)
        tail = opened.enter_context(TopicTail(KafkaConfig.of(settings), topics))
        decode = Decoder(opened.enter_context(registry_client(settings)))
        yield Watch(pipeline, stores, tail, decode)
