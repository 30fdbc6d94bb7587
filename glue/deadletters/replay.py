"""Sending letters back to where they came from, or discarding them: each exactly once, resumable at any point."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glue.deadletters.headers import REPLAY_FOR, RETRY_COUNT, TRUNCATED, without_errors
from glue.deadletters.read import ERASED, MARK, MARKED, Letter, topics_there
from glue.errors import DataError, MillionXError
from glue.identity import REPLAY
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord, TransactionalProducer
from glue.privacy.keyring import Keyring
from glue.privacy.seal import unseal

log = logging.getLogger(__name__)
_IN_ONE = 500


@dataclass
class Outcome:
    """What came of a replay: the ids of those sent back, and why the others stayed."""

    replayed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def open_letter(letter: Letter, ring: Keyring) -> ProducerRecord:
    """The record inside a letter as it was before it failed, to be sent back.

    Raises:
        DataError: it was erased, its contents were never kept, its seal does not open, or it does not say where it
            came from.
    """
    topic = letter.header("topic")
    if letter.done == ERASED:
        raise DataError(f"letter {letter.id}", "was erased at the request of its person or shop")
    if not topic:
        raise DataError(f"letter {letter.id}", "does not say which topic it came from")
    if any(name == TRUNCATED for name, _ in letter.headers):
        raise DataError(f"letter {letter.id}", f"was too large to keep; the original is at {letter.origin}")
    key, value, headers = letter.key, letter.value, without_errors(letter.headers)
    if letter.sealed:
        key, value, headers = unseal(ring, letter.sealed, letter.value or b"", topic)  # it goes nowhere else
    headers = [header for header in headers if header[0] != REPLAY_FOR]
    headers += [
        (RETRY_COUNT, str(letter.attempts + 1).encode()),
        (REPLAY_FOR, letter.header("connector.name").encode()),
    ]
    return ProducerRecord(topic, key, value, headers, letter.timestamp)


def replay(
    letters: Sequence[Letter],
    kafka: KafkaConfig,
    ring: Keyring,
    *,
    most: int = 3,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> Outcome:
    """Send open letters back to their topics with their own key, value and headers.

    The record that goes back and the mark on its letter are one transaction: stopped at any point, nothing is sent
    twice, and the next call goes on. The record names the chain that refused it, and only that one takes it again.

    Args:
        most: letters that were replayed so often already are kept.
        dry_run: say what would happen, and change nothing.
        progress: called with the number of letters sent so far.

    Raises:
        FencedError: another replay runs at the same time; what was sent is marked.
        ServiceError, ServiceUnavailableError: Kafka refused or does not answer; run it again.
    """
    outcome = Outcome()
    ready: list[tuple[Letter, ProducerRecord]] = []
    topics = topics_there(kafka, "replay")
    for letter in letters:
        try:
            if letter.done:
                raise DataError(f"letter {letter.id}", f"was {letter.done} already")
            if letter.attempts >= most:
                raise DataError(f"letter {letter.id}", f"was replayed {letter.attempts} times already")
            original = open_letter(letter, ring)
            if original.topic not in topics:
                raise DataError(f"letter {letter.id}", f"its topic {original.topic} does not exist")
            ready.append((letter, original))
        except MillionXError as error:
            outcome.kept[letter.id] = error.why
    if dry_run:
        outcome.replayed = [letter.id for letter, _ in ready]
        return outcome
    producer = TransactionalProducer(kafka, REPLAY)
    for first in range(0, len(ready), _IN_ONE):
        part = ready[first : first + _IN_ONE]
        producer.commit([*(original for _, original in part), *(_mark(letter, "replayed") for letter, _ in part)])
        outcome.replayed += [letter.id for letter, _ in part]
        progress(len(outcome.replayed))
    return outcome


def discard(letters: Sequence[Letter], kafka: KafkaConfig) -> list[str]:
    """Discard open letters: listed as discarded, they stay in their topic until its retention or a deletion ends them.

    Raises:
        FencedError, ServiceError, ServiceUnavailableError: as :func:`replay`.
    """
    return _mark_all([letter for letter in letters if not letter.done], kafka, "discarded")


def erase(letters: Sequence[Letter], kafka: KafkaConfig) -> list[str]:
    """Close letters for good, whatever came of them: nothing here opens them or sends them back any more.

    Raises:
        FencedError, ServiceError, ServiceUnavailableError: as :func:`replay`.
    """
    return _mark_all([letter for letter in letters if letter.done != ERASED], kafka, ERASED)


def _mark_all(letters: Sequence[Letter], kafka: KafkaConfig, state: str) -> list[str]:
    if not letters:
        return []
    producer = TransactionalProducer(kafka, REPLAY)
    for first in range(0, len(letters), _IN_ONE):
        producer.commit([_mark(letter, state) for letter in letters[first : first + _IN_ONE]])
    return [letter.id for letter in letters]


def _mark(letter: Letter, state: str) -> ProducerRecord:
    headers = [(MARK, state.encode()), (MARKED, letter.id.encode())]
    return ProducerRecord(letter.topic, letter.key, None, headers, partition=letter.place[1])
