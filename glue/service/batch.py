"""One batch of messages: in chunks through the chain into a transaction, so that sending overlaps with work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import TopicPartition

from glue.errors import ServiceError
from glue.service.config import ServiceConfig
from glue.service.metrics import Metrics
from glue.service.observe import observe_results
from glue.service.process import Processor, Produced, Result, Stopping
from glue.service.writer import Writer
from glue.tracing import Traces
from glue.transforms.chain import Failure

log = logging.getLogger(__name__)
_CHUNK = 500
Place = tuple[str, int]


class Batch:
    """Works through batches.

    Args:
        member: gives the consumer's group metadata of the moment.
        traces: of this chain; None when they are off.
    """

    def __init__(
        self,
        chain: str,
        config: ServiceConfig,
        process: Processor,
        writer: Writer,
        metrics: Metrics,
        member: Callable[[], Any],
        traces: Traces | None = None,
    ) -> None:
        self._chain, self._config, self._process, self._writer = chain, config, process, writer
        self._metrics, self._member, self._traces = metrics, member, traces
        self._done: list[tuple[Any, Result]] = []
        self.lost: set[Place] = set()

    def __call__(self, messages: list[Any]) -> None:
        """Process and commit ``messages``.

        Raises:
            Aborted: nothing after the last commit is visible; read again.
            ServiceError: fenced, or a bad record with errors.tolerance=none.
        """
        self.lost.clear()
        self._done = []
        if self._traces is not None:
            self._traces.begin()
        started = time.perf_counter()
        for first in range(0, len(messages), _CHUNK):
            chunk = self._ours(messages[first : first + _CHUNK])
            try:
                results = self._process(chunk)
            except Stopping:
                break
            if self.lost:
                kept = [i for i, message in enumerate(chunk) if place_of(message) not in self.lost]
                chunk, results = [chunk[i] for i in kept], [results[i] for i in kept]
            self._refuse(results)
            if self._traces is not None:
                _lead_traces(self._traces, chunk, results)
            self._writer.put(chunk, results)
            self._done += zip(chunk, results, strict=True)
        self._metrics.seconds.labels(self._chain, "process").observe(time.perf_counter() - started)
        self.settle()

    def settle(self) -> None:
        """Commit what was put so far; before a wait, so that no transaction stays open for long."""
        if not self._done:
            return
        started = time.perf_counter()
        messages, results = zip(*self._done, strict=True)
        self._done = []
        self._writer.commit(_offsets_after(messages), self._member())
        if self._traces is not None:
            self._traces.end()
        observe_results(self._metrics, messages, results)
        self._metrics.seconds.labels(self._chain, "commit").observe(time.perf_counter() - started)

    def _ours(self, chunk: list[Any]) -> list[Any]:
        return [message for message in chunk if place_of(message) not in self.lost] if self.lost else chunk

    def _refuse(self, results: list[Result]) -> None:
        for result in results:
            if isinstance(result, Failure):
                if self._config.errors_log_enable:
                    log.warning("record set aside by %s: %s", result.class_name, type(result.error).__qualname__)
                if self._config.errors_tolerance == "none":
                    raise ServiceError(
                        f"chain {self._chain}",
                        f"a record failed in {result.class_name}: {result.error}",
                        "correct it, or set errors.tolerance=all with a dead-letter topic",
                    )


def place_of(message: Any) -> Place:
    """Topic and partition of a message."""
    return message.topic(), message.partition()


def _lead_traces(traces: Traces, messages: list[Any], results: list[Result]) -> None:
    for message, result in zip(messages, results, strict=True):
        if isinstance(result, Produced):
            result.headers = traces.passes(result.headers)
        elif isinstance(result, Failure):
            traces.passes(message.headers() or [], f"{result.class_name}: {type(result.error).__qualname__}")


def _offsets_after(messages: tuple[Any, ...]) -> list[TopicPartition]:
    after = {place_of(message): message.offset() + 1 for message in messages}
    return [TopicPartition(topic, partition, offset) for (topic, partition), offset in after.items()]
