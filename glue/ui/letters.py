"""Dead letters as they come: each read once, kept without its contents, so that causes and open ones can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from glue.deadletters.headers import PREFIX
from glue.deadletters.read import Letter, note_mark
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TopicPartition, read_to_end

MOST = 2000  # of each partition, the latest; what is older is left to `mxctl dlq`
_PATIENCE = 6.0  # seconds for one refresh; what is left is read by the next
_TRACE = PREFIX + "exception.stacktrace"


class Letters:
    """The latest letters of the dead-letter topics. For one thread at a time; reads only what is new."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._kafka = kafka
        self._next: dict[TopicPartition, int] = {}
        self._letters: dict[str, Letter] = {}
        self._done: dict[str, str] = {}
        self.cut: set[str] = set()

    def refresh(self, ends: Mapping[TopicPartition, tuple[int, int]]) -> dict[str, list[Letter]]:
        """Letters by topic, the newest first, each with its state, as of now.

        Args:
            ends: first and next offset of each partition of the dead-letter topics.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        new: dict[TopicPartition, int] = {}
        for partition, (low, high) in ends.items():
            begin = max(low, high - MOST)
            if begin > low:
                self.cut.add(partition[0])
            begin = max(begin, self._next.get(partition, 0))
            if self._next.get(partition, 0) > high:  # the topic was recreated
                begin = low
            if begin < high:
                new[partition] = begin
        if new:
            self._read(new)
        found: dict[str, list[Letter]] = {topic: [] for topic, _ in ends}
        for letter in self._letters.values():
            state = self._done.get(letter.id, "")
            found.setdefault(letter.topic, []).append(replace(letter, done=state) if state else letter)
        for letters in found.values():
            letters.sort(key=lambda letter: letter.timestamp, reverse=True)
        return found

    def _read(self, begins: dict[TopicPartition, int]) -> None:
        self._next |= read_to_end(self._kafka, begins, self._take, _PATIENCE)
        if len(self._letters) > 4 * MOST:
            for name in sorted(self._letters, key=lambda one: self._letters[one].timestamp)[: -4 * MOST]:
                del self._letters[name]
            self._done = {name: mark for name, mark in self._done.items() if name in self._letters}

    def _take(self, message: Any) -> None:
        headers = message.headers() or []
        if note_mark(self._done, headers):
            return
        name = f"{message.topic()}/{message.partition()}/{message.offset()}"
        kept = [header for header in headers if header[0] != _TRACE]
        self._letters[name] = Letter(name, None, None, kept, message.timestamp()[1])
