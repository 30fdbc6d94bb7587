"""From messages to what must be produced: decode, run the chain, encode; retry what is transient."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glue.avro import Encoder
from glue.deadletters.headers import REPLAY_FOR, RETRY_COUNT, last
from glue.errors import Transient
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader, to_records
from glue.transforms.chain import Chain, Failure, Outcome
from glue.transforms.contract import Headers, Record

log = logging.getLogger(__name__)
_FIRST_DELAY = 0.1
_OURS = (REPLAY_FOR, RETRY_COUNT)  # they steer this chain, and no later one


@dataclass(slots=True)
class Produced:
    """What one message becomes: bytes for the sink topic."""

    topic: str
    key: str | None
    value: bytes | None
    headers: Headers
    timestamp: int | None


Result = Produced | Failure | None


class Processor:
    """Turns a batch of messages into results, one a message, in order.

    Args:
        wait: called with seconds to pause before a retry; keeps the consumer alive meanwhile. It returns False when the
            service is stopping, which ends the retries with :class:`Stopping`.
    """

    def __init__(
        self,
        name: str,
        chain: Chain,
        read: TopicReader,
        encode: Encoder,
        config: ServiceConfig,
        wait: Callable[[float], bool],
    ) -> None:
        self._name = name
        self._chain, self._read, self._encode, self._config, self._wait = chain, read, encode, config, wait
        self._passed = frozenset(config.headers_pass)

    def __call__(self, messages: Sequence[Any]) -> list[Result]:
        results = self._once(messages)
        places = _transient(results)
        if places:
            self._retry(messages, results, places)
        return results

    def _retry(self, messages: Sequence[Any], results: list[Result], places: list[int]) -> None:
        limit = self._config.errors_retry_timeout
        deadline = float("inf") if limit < 0 else time.monotonic() + limit / 1000
        delay = _FIRST_DELAY
        first: Any = results[places[0]]
        log.warning("%d records wait: %s", len(places), first.error)
        while places and time.monotonic() < deadline:
            if not self._wait(min(delay * random.uniform(0.5, 1.5), deadline - time.monotonic())):  # noqa: S311
                raise Stopping
            delay = min(delay * 2, self._config.errors_retry_delay_max_ms / 1000)
            # From the raw message again: a transform may have changed the record before another one failed.
            for place, result in zip(places, self._once([messages[place] for place in places]), strict=True):
                results[place] = result
            places = _transient(results)

    def _once(self, messages: Sequence[Any]) -> list[Result]:
        decoded = to_records(messages, self._read)
        records = [record for record in decoded if type(record) is Record and not self._is_for_another(record)]
        sources = [record.topic for record in records]
        outcomes = iter(zip(self._chain.run(records), sources, strict=True))
        results: list[Result] = []
        for record in decoded:
            if isinstance(record, Failure):
                results.append(record)
            elif self._is_for_another(record):
                results.append(None)
            else:
                results.append(self._encoded(*next(outcomes)))
        return results

    def _is_for_another(self, record: Record) -> bool:
        """A record that was replayed for another chain of the same topic: this one has dealt with it before."""
        if not record.headers:
            return False
        wanted = last(record.headers, REPLAY_FOR)
        return bool(wanted) and wanted != self._name

    def _encoded(self, outcome: Outcome, source: str) -> Result:
        if not isinstance(outcome, Record):
            return outcome
        value = outcome.value
        headers = outcome.headers
        if headers:
            headers = [
                h for h in headers if (h[0].startswith("millionx.") and h[0] not in _OURS) or h[0] in self._passed
            ]
        try:
            data = None if value is None else self._encode(value)
        except Exception as error:
            return Failure(error, "VALUE_CONVERTER", "glue.avro:Encoder")
        topic = outcome.topic if outcome.topic != source else self._config.output_topic
        return Produced(topic, outcome.key, data, headers, outcome.timestamp)


class Stopping(Exception):  # noqa: N818 - no error: the batch is left for the next start
    """The service was told to stop while records waited; nothing of the batch was produced."""


def _transient(results: Sequence[Result]) -> list[int]:
    return [i for i, r in enumerate(results) if isinstance(r, Failure) and isinstance(r.error, Transient)]
