"""Reading dead-letter topics: letters, and the marks that say which of them were dealt with.

A letter that was replayed or discarded stays in its topic; a mark is written after it, in the same topic and, for a
replay, in the same transaction as the record that goes back. So the topic alone tells what is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from glue.deadletters.headers import PREFIX, SEALED, last, retry_count
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.reads import TIMEOUT, must_answer, read_topics
from glue.transforms.contract import Headers

MARK = "millionx.letter.done"
MARKED = "millionx.letter"
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes:
        id: ``topic/partition/offset`` of the letter itself.
        done: empty while open, else ``replayed``, ``discarded`` or ``erased``.
        origin: ``topic/partition/offset`` of the record that failed.
        timestamp: of the record, milliseconds since the epoch.
        sealed: id of the key that its value is sealed with; empty when it is in the clear.
    """

    id: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    done: str = ""

    def header(self, name: str) -> str:
        """One of Connect's headers, by its short name; empty when absent."""
        return last(self.headers, PREFIX + name) or ""

    @property
    def topic(self) -> str:
        return self.place[0]

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition and offset of the letter itself."""
        topic, partition, offset = self.id.rsplit("/", 2)
        return topic, int(partition), int(offset)

    @property
    def origin(self) -> str:
        return "/".join(self.header(name) for name in ("topic", "partition", "offset"))

    @property
    def sealed(self) -> str:
        return last(self.headers, SEALED) or ""

    @property
    def attempts(self) -> int:
        return retry_count(self.headers)

    def summary(self) -> dict[str, Any]:
        """What may be shown of it without opening it."""
        return {
            "id": self.id,
            "state": self.done or "open",
            "origin": self.origin,
            "by": self.header("connector.name"),
            "stage": self.header("stage"),
            "class": self.header("class.name"),
            "error": self.header("exception.class.name"),
            "message": self.header("exception.message"),
            "attempts": self.attempts,
            "timestamp": self.timestamp,
            "sealed": bool(self.sealed),
        }


def dead_letter_topics(kafka: KafkaConfig) -> list[str]:
    """The topics of the cluster whose name starts with ``dead-letters``.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    kafka.must_listen()
    return sorted(name for name in topics_there(kafka, "dead-letter topics") if name.startswith("dead-letters"))


def topics_there(kafka: KafkaConfig, what: str) -> frozenset[str]:
    """The names of all topics, which ``what`` needs.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    with must_answer(what):
        return frozenset(kafka.admin(QUIET).list_topics(timeout=TIMEOUT).topics)


def note_mark(done: dict[str, str], headers: Headers) -> bool:
    """Whether a record with these headers marks a letter; what it says goes to ``done``, by the letter's id.

    What was erased stays so, whatever is said of it later.
    """
    mark = last(headers, MARK)
    if mark:
        marked = last(headers, MARKED) or ""
        done[marked] = ERASED if done.get(marked) == ERASED else mark
    return bool(mark)


def read_letters(kafka: KafkaConfig, topics: Sequence[str]) -> list[Letter]:
    """All letters of ``topics`` up to this moment, in the order of their topic and position, with their state.

    Raises:
        UsageError: a topic does not exist.
        ServiceUnavailableError: Kafka does not answer.
    """
    done: dict[str, str] = {}
    letters: list[Letter] = []
    for topic, message in read_topics(kafka, topics):
        headers: Headers = message.headers() or []
        if note_mark(done, headers):
            continue
        place = f"{topic}/{message.partition()}/{message.offset()}"
        letters.append(Letter(place, message.key(), message.value(), headers, message.timestamp()[1]))
    return [replace(letter, done=done.get(letter.id, "")) for letter in letters]
