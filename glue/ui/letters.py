"""Dead letters as they come: each read once, kept without its contents, so that causes and open ones can be counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from glue.clients import kafka
from glue.deadletters.headers import PREFIX, last
from glue.deadletters.read import MARK, MARKED, Letter
from glue.topology.kafka_read import kafka_unavailable

MOST = 2000  # of each partition, the latest; what is older is left to `mxctl dlq`
_PATIENCE = 6.0  # seconds for one refresh; what is left is read by the next
_TRACE = PREFIX + "exception.stacktrace"
Place = tuple[str, int]


class Letters:
    """The latest letters of the dead-letter topics. For one thread at a time; reads only what is new."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._next: dict[Place, int] = {}
        self._letters: dict[str, Letter] = {}
        self._done: dict[str, str] = {}
        self.cut: set[str] = set()

    def refresh(self, ends: Mapping[Place, tuple[int, int]]) -> dict[str, list[Letter]]:
        """Letters by topic, the newest first, each with its state, as of now.

        Args:
            ends: first and next offset of each partition of the dead-letter topics.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        new = {}
        for place, (low, high) in ends.items():
            begin = max(low, high - MOST)
            if begin > low:
                self.cut.add(place[0])
            begin = max(begin, self._next.get(place, 0))
            if self._next.get(place, 0) > high:  # the topic was made anew
                begin = low
            if begin < high:
                new[place] = (begin, high)
        if new:
            self._read(new)
        found: dict[str, list[Letter]] = {topic: [] for topic, _ in ends}
        for letter in self._letters.values():
            state = self._done.get(letter.id, "")
            found.setdefault(letter.topic, []).append(replace(letter, done=state) if state else letter)
        for letters in found.values():
            letters.sort(key=lambda letter: letter.timestamp, reverse=True)
        return found

    def _read(self, new: dict[Place, tuple[int, int]]) -> None:
        settings = {"enable.partition.eof": True, "client.id": "mxctl-ui", "log_level": 2}
        consumer = kafka.consumer(self._bootstrap, f"mxctl-ui-{uuid4()}", settings)
        try:
            consumer.assign([TopicPartition(topic, number, begin) for (topic, number), (begin, _) in new.items()])
            open_places, deadline = set(new), time.monotonic() + _PATIENCE
            while open_places and time.monotonic() < deadline:
                for message in consumer.consume(500, 0.2):
                    place = (message.topic(), message.partition())
                    error = message.error()
                    if error is None:
                        self._take(message)
                        self._next[place] = message.offset() + 1
                    elif error.code() == KafkaError._PARTITION_EOF:
                        self._next[place] = message.offset()  # past transaction markers, too
                        open_places.discard(place)
                    elif not error.retriable():
                        raise kafka_unavailable(f"topic {place[0]}", KafkaException(error))
        except KafkaException as error:
            raise kafka_unavailable("dead letters", error) from None
        finally:
            consumer.close()
        if len(self._letters) > 4 * MOST:
            for name in sorted(self._letters, key=lambda one: self._letters[one].timestamp)[: -4 * MOST]:
                del self._letters[name]

    def _take(self, message: Any) -> None:
        headers = message.headers() or []
        mark = last(headers, MARK)
        if mark:
            self._done[last(headers, MARKED) or ""] = mark
            return
        name = f"{message.topic()}/{message.partition()}/{message.offset()}"
        kept = [header for header in headers if header[0] != _TRACE]
        self._letters[name] = Letter(name, None, None, kept, message.timestamp()[1])
