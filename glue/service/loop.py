"""The work of one consumer and one producer: from the broker to the broker, each record exactly once."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from glue.errors import ServiceError
from glue.reasons import reason_of
from glue.service.config import ServiceConfig
from glue.service.health import Health
from glue.service.metrics import Metrics
from glue.service.process import Processor, Produced, Result
from glue.service.progress import Partition, Progress, partition_of
from glue.service.transaction import Aborted, StuckError, TransactionalWriter
from glue.tracing import Traces
from glue.transforms.chain import Failure

log = logging.getLogger(__name__)
_FIRST_DELAY, _POLL = 0.1, 0.5
_LAG_EVERY = 5.0


class Loop:
    """Works until ``stop`` is set. Every record takes these steps:

    1. *Read.* The consumer gives a batch; its position moves on, the offsets of the group do not.
    2. *Process.* The chain makes one result of each message of a chunk, and changes nothing outside this process.
    3. *Retry.* While a needed service is down, the chunk waits: first what is published so far is committed, so that no
       transaction is open during a wait; then the partitions are paused, and the consumer is polled to stay in the
       group, until the records pass or ``errors.retry.timeout`` is over.
    4. *Publish.* The results of the chunk go into the transaction in their order, dead letters among them.
    5. *Commit.* The results and the offsets after their messages become visible together, or not at all.

    When a transaction is aborted, the consumer *seeks* to the last commit and reads the records again. A partition is
    *revoked* only while the consumer is polled, in steps 1 and 3, when no transaction is open: its records are
    forgotten here, and its next owner reads them from the last commit. When the process dies at any point, the next
    one begins at the last commit, and the broker aborts what was open.

    Attributes:
        progress: where the records are; see there.
        committed: whether anything was committed yet.

    Args:
        stop: no new batch is begun once it is set; a chunk that waits is left to the next start.
        traces: of this chain; None when they are off.
    """

    def __init__(self, name: str, config: ServiceConfig, consumer: Any, writer: TransactionalWriter,
                 process: Processor, metrics: Metrics, health: Health, stop: threading.Event,
                 traces: Traces | None = None) -> None:  # fmt: skip
        self.name, self.config, self.progress, self.committed = name, config, Progress(), False
        self._consumer, self._writer, self._process = consumer, writer, process
        self._metrics, self._health, self._stop, self._traces = metrics, health, stop, traces
        self._paused = False
        # Revoked and not assigned since; revoked since the last read began.
        self._left, self._moved = set[Partition](), set[Partition]()

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            ServiceError: fenced, or a bad record with errors.tolerance=none.
            StuckError, KafkaException: the clients cannot go on; what is not committed is read again by new ones.
        """
        self._consumer.subscribe(
            self.config.topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )
        next_lag = 0.0
        while not self._stop.is_set():
            self._health.beat()
            self.read()
            if self.progress.queue:
                try:
                    self.work()
                except Aborted:
                    self._metrics.aborts.inc()
                    self._seek()
                except StuckError:
                    raise
                except BaseException:
                    self._writer.abort()
                    raise
                finally:
                    self._resume()
            if time.monotonic() >= next_lag:
                next_lag = time.monotonic() + _LAG_EVERY
                self._metrics.observe_lag(self._consumer)

    def read(self) -> None:
        """Step 1.

        A partition that went and came back meanwhile begins anew at its last commit: its records may be of before and
        of after.

        Raises:
            KafkaException: the broker does not say what is committed.
        """
        if self.progress.queue:  # they came while the partitions were paused
            return
        self._moved.clear()
        messages = self._consumer.consume(self.config.batch_max_records, self.config.batch_max_wait_ms / 1000)
        messages = [message for message in messages if _is_record(message)]
        if self._left or self._moved:
            # librdkafka can still return what it had collected when the partition was revoked: it is told to drop
            # that by another thread, which may be late.
            messages = [message for message in messages if partition_of(message) not in self._left]
        self.progress.queue = messages
        if self._moved and self._moved.intersection(map(partition_of, messages)):
            self._seek()

    def work(self) -> None:
        """Steps 2 to 5, for all that was read.

        Raises:
            Aborted: nothing after the last commit is visible.
            ServiceError, StuckError: see ``run``.
        """
        progress, started = self.progress, time.perf_counter()
        opened, longest = started, self.config.transaction_timeout_ms / 1000 / 6
        if self._traces is not None:
            self._traces.begin()
        while progress.queue:
            progress.results = self._process(progress.next_chunk())
            if progress.transient() and not self._retry():
                return
            self._refuse()
            if progress.chunk:  # else all of its partitions were revoked, and a transaction would stay open for nothing
                self._publish()
            if time.perf_counter() - opened > longest:  # the next chunk may take as long, with the transaction open
                self.commit()
                opened = time.perf_counter()
        self._metrics.process_seconds.observe(time.perf_counter() - started)
        self.commit()

    def _retry(self) -> bool:
        """Step 3; False when told to stop."""
        progress, limit = self.progress, self.config.errors_retry_timeout
        deadline = float("inf") if limit < 0 else time.monotonic() + limit / 1000
        delay = _FIRST_DELAY
        places = progress.transient()
        first: Any = progress.results[places[0]]
        log.warning("%d records wait: %s", len(places), reason_of(first.error))
        self.commit()
        self._pause()
        while places and time.monotonic() < deadline:
            self._metrics.retries.inc()
            self._wait(min(delay * random.uniform(0.5, 1.5), deadline - time.monotonic()))  # noqa: S311
            if self._stop.is_set():
                return False
            delay = min(delay * 2, self.config.errors_retry_delay_max_ms / 1000)
            places = progress.transient()  # anew, as partitions may have been revoked
            # From the raw message again: a transform may have changed the record before another one failed.
            for place, result in zip(places, self._process([progress.chunk[i] for i in places]), strict=True):
                progress.results[place] = result
            places = progress.transient()
        return True

    def _wait(self, seconds: float) -> None:
        """Let time pass, alive in the group."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stop.is_set():
            self._health.beat()
            message = self._consumer.poll(min(left, _POLL))
            if message is not None and _is_record(message) and partition_of(message) not in self._left:
                self.progress.queue.append(message)

    def _refuse(self) -> None:
        for result in self.progress.results:
            if isinstance(result, Failure):
                if self.config.errors_log_enable:
                    log.warning("dead letter from %s: %s", result.class_name, type(result.error).__qualname__)
                if self.config.errors_tolerance == "none":
                    raise ServiceError(
                        f"chain {self.name}",
                        f"a record failed in {result.class_name}: {reason_of(result.error)}",
                        "correct it, or set errors.tolerance=all with a dead-letter topic",
                    )

    def _publish(self) -> None:
        """Step 4."""
        progress = self.progress
        if self._traces is not None:
            _lead_traces(self._traces, progress.chunk, progress.results)
        self._writer.publish(progress.chunk, progress.results)
        progress.published += zip(progress.chunk, progress.results, strict=True)
        progress.chunk, progress.results = [], []

    def commit(self) -> None:
        """Step 5, for what is published."""
        if not self.progress.published:
            return
        started = time.perf_counter()
        messages, results = zip(*self.progress.published, strict=True)
        after = {partition_of(message): message.offset() + 1 for message in messages}
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in after.items()]
        self._writer.commit(offsets, self._consumer.consumer_group_metadata())
        self.progress.published, self.committed = [], True
        if self._traces is not None:
            self._traces.end()
        self._metrics.observe_results(messages, results)
        self._metrics.commit_seconds.observe(time.perf_counter() - started)

    def _seek(self) -> None:
        """Read again from the last commit, as far as the partitions are still assigned."""
        first: dict[Partition, int] = {}
        for message in self.progress.uncommitted():
            first.setdefault(partition_of(message), message.offset())
        self.progress = Progress()
        ours = [TopicPartition(p.topic, p.partition) for p in self._consumer.assignment()]
        for partition in self._consumer.committed([p for p in ours if (p.topic, p.partition) in first], 30):
            offset = first[partition.topic, partition.partition]
            partition.offset = max(offset, partition.offset)  # no offset is below zero
            self._consumer.seek(partition)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._consumer.pause(self._consumer.assignment())
            self._metrics.held.set(1)
            self._health.held = "a service that records need is down"

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._consumer.resume(self._consumer.assignment())
            self._metrics.held.set(0)
            self._health.held = ""

    def _assigned(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        self._left -= {(p.topic, p.partition) for p in partitions}
        if self._paused and partitions:
            consumer.pause(partitions)
        self._health.assigned = True
        log.info("chain %s: %d partitions assigned", self.name, len(partitions))

    def _revoked(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        gone = {(p.topic, p.partition) for p in partitions}
        self.progress.forget(gone)
        self._left |= gone
        self._moved |= gone
        consumer.unassign()
        log.info("chain %s: %d partitions revoked", self.name, len(partitions))


def _is_record(message: Any) -> bool:
    error = message.error()
    if error is None:
        return True
    if error.fatal() or error.code() == KafkaError._FATAL:  # of a consumer, its flag is not set
        raise KafkaException(error)
    log.warning("consumer: %s", error.str())
    return False


def _lead_traces(traces: Traces, messages: list[Any], results: list[Result]) -> None:
    for message, result in zip(messages, results, strict=True):
        if isinstance(result, Produced):
            result.headers = traces.passes(result.headers)
        elif isinstance(result, Failure):
            traces.passes(message.headers() or [], f"{result.class_name}: {type(result.error).__qualname__}")
