"""Kafka transactions: outputs, dead letters and the offsets of the inputs, all or nothing (KIP-98, KIP-447)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from glue.deadletters.headers import TRUNCATED
from glue.deadletters.letter import LetterMaker
from glue.errors import DataError, ServiceError, ServiceUnavailableError
from glue.kafka.produce import FENCED
from glue.service.process import Produced, Result
from glue.transforms.chain import Failure

log = logging.getLogger(__name__)
_PATIENCE = 5.0
_STUCK = 25.0
_LOOK = 0.2


class StuckError(ServiceUnavailableError):
    """A Kafka client does not come back, or says that it cannot go on; a new one takes over."""


class Aborted(Exception):  # noqa: N818 - an outcome that the loop handles
    """The transaction was aborted; nothing of it is visible, and its inputs must be read again."""


class TransactionalWriter:
    """Writes with a transactional producer: ``publish`` as often as wanted, then ``commit``.

    Args:
        keep_going: False ends waiting for a broker that does not answer.
    """

    def __init__(self, producer: Any, dead_topic: str, letter: LetterMaker, keep_going: Callable[[], bool]) -> None:
        self._producer, self._dead_topic, self._letter, self._keep_going = producer, dead_topic, letter, keep_going
        self.is_open = False

    def start(self) -> None:
        """Fence a previous producer of the same transactional id, and finish what it left open."""
        self._until_it_works(self._producer.init_transactions, "start transactions")

    def publish(self, messages: Sequence[Any], results: list[Result]) -> None:
        """Produce ``results`` in order, in the open transaction or a new one. What a topic cannot take becomes a
        failure in place, and its message a dead letter.

        Raises:
            Aborted, ServiceError: see ``commit``.
        """
        try:
            if not self.is_open:
                self._producer.begin_transaction()
                self.is_open = True
            for place, result in enumerate(results):
                if type(result) is Produced:
                    try:
                        self._produce(result.topic, result.key, result.value, result.headers, result.timestamp)
                        continue
                    except KafkaException as error:
                        if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                            raise
                    refused = DataError("produce", f"the value is too large for {result.topic}")
                    results[place] = result = Failure(refused, "TASK_PUT", f"{__name__}:TransactionalWriter")
                if isinstance(result, Failure):
                    self._produce_dead_letter(messages[place], result)
            self._producer.poll(0)
        except KafkaException as error:
            self._abort_because(error.args[0])

    def commit(self, offsets: list[TopicPartition], member: Any) -> None:
        """Commit what was published together with the inputs' ``offsets``.

        Args:
            member: the consumer's group metadata, by which the broker refuses one that has lost its partitions.

        Raises:
            Aborted: see there.
            ServiceError: this worker was fenced, or the client cannot go on.
            StuckError: the client does not come back; leave it, and start a new one.
        """
        try:
            send = self._producer.send_offsets_to_transaction
            self._until_it_works(
                lambda wait: bounded(lambda: send(offsets, member, wait), _STUCK, "send offsets", self._keep_going),
                "send offsets",
            )
            self._until_it_works(self._producer.commit_transaction, "commit")
            self.is_open = False
        except KafkaException as error:
            self._abort_because(error.args[0])

    def abort(self) -> None:
        """Undo what was published since the last commit."""
        if self.is_open:
            self._until_it_works(self._producer.abort_transaction, "abort")
            self.is_open = False

    def _produce_dead_letter(self, message: Any, failure: Failure) -> None:
        letter = self._letter(message, failure)
        try:
            self._produce(self._dead_topic, letter.key, letter.value, letter.headers, letter.timestamp)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise
            # The original stays where its headers say; a letter without contents still names it.
            size = str(len(letter.value or b"")).encode()
            self._produce(self._dead_topic, letter.key, None, [*letter.headers, (TRUNCATED, size)], letter.timestamp)

    def _produce(self, topic: str, key: Any, value: bytes | None, headers: Any, timestamp: int | None) -> None:
        deadline = time.monotonic() + _STUCK
        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers or None, timestamp=timestamp or 0)
                return
            except BufferError:  # the queue is full, memory is bounded: wait until the broker took some
                if not self._keep_going() or time.monotonic() > deadline:
                    raise StuckError("produce", "the broker accepts no records") from None
                self._producer.poll(0.1)

    def _until_it_works(self, call: Callable[[float], Any], what: str) -> None:
        deadline = time.monotonic() + _STUCK
        while True:
            try:
                call(_PATIENCE)
                return
            except KafkaException as error:
                reason = error.args[0]
                if reason.fatal() or reason.txn_requires_abort() or not reason.retriable():
                    raise
                if not self._keep_going() or time.monotonic() > deadline:
                    raise StuckError(what, reason.str()) from None
                log.warning("%s: %s, trying again", what, reason.str())

    def _abort_because(self, reason: Any) -> None:
        if reason.code() in FENCED:
            raise ServiceError(
                "transactions", f"{reason.name()}: {reason.str()}", "is another worker running under the same name?"
            )
        # A consumer can be fenced by what it asked for itself before its broker hung: new clients go on. Where another
        # worker has this name, its producer fences this one.
        if reason.fatal() or reason.code() == KafkaError.FENCED_INSTANCE_ID:
            raise StuckError("transactions", f"{reason.name()}: {reason.str()}")
        log.warning("transaction aborted: %s (%s)", reason.name(), reason.str())
        try:
            self.abort()
        except KafkaException as error:
            raise StuckError("abort", error.args[0].str()) from error
        raise Aborted(reason.name())


def bounded(call: Callable[[], object], seconds: float, what: str, keep_going: Callable[[], bool]) -> None:
    """Run ``call`` in a thread and wait for it, at most ``seconds``, or a fifth of that once told to stop.

    librdkafka can ignore the timeout of ``send_offsets_to_transaction`` when the group's coordinator went away and came
    back (confluentinc/librdkafka #5456, #5511; seen here with 2.16).

    Raises:
        StuckError: it did not come back; its thread is left behind.
        Exception: what the call raised.
    """
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name=what, daemon=True).start()
    started = time.monotonic()
    while not done.wait(_LOOK):
        if time.monotonic() - started > (seconds if keep_going() else seconds / 5):
            raise StuckError(what, f"the Kafka client did not return within {seconds:.0f} s")
    if errors:
        raise errors[0]
