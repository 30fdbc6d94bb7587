"""From messages to what must be produced: decode, run the chain, encode. It waits for nobody and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glue.avro import Encoder
from glue.deadletters.headers import REPLAY_FOR, RETRY_COUNT, last
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader, to_records
from glue.transforms.chain import Chain, Failure, Outcome
from glue.transforms.contract import Headers, Record

_OURS = (REPLAY_FOR, RETRY_COUNT)  # they steer this chain, and no later one


@dataclass(slots=True)
class Produced:
    """What one message becomes: bytes for the sink topic."""

    topic: str
    key: str | None
    value: bytes | None
    headers: Headers
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A message that was dropped because its person asked to be forgotten."""


Result = Produced | Failure | Forgotten | None
Refuses = Callable[[str, str | None, dict[str, Any] | None, Any], bool]
_FORGOTTEN, _GOES_ON = Forgotten(), object()


class Processor:
    """Turns messages into results, one a message, in order; an error, transient or not, is a result too.

    Args:
        refuses: whether a record (topic, key, value, schema) is of somebody forgotten, so that it goes no further.
    """

    def __init__(
        self, name: str, chain: Chain, read: TopicReader, encode: Encoder, config: ServiceConfig,
        refuses: Refuses = lambda topic, key, value, schema: False,
    ) -> None:  # fmt: skip
        self._name, self._refuses = name, refuses
        self._chain, self._read, self._encode, self._config = chain, read, encode, config
        self._passed = frozenset(config.headers_pass)

    def __call__(self, messages: Sequence[Any]) -> list[Result]:
        decoded = to_records(messages, self._read)
        stays = [self._stays(record) if type(record) is Record else None for record in decoded]
        records = [one for one, why in zip(decoded, stays, strict=True) if type(one) is Record and why is _GOES_ON]
        sources = [record.topic for record in records]
        outcomes = iter(zip(self._chain.run(records), sources, strict=True))
        results: list[Result] = []
        for record, why in zip(decoded, stays, strict=True):
            if isinstance(record, Failure):
                results.append(record)
            else:
                results.append(self._encoded(*next(outcomes)) if why is _GOES_ON else why)
        return results

    def _stays(self, record: Record) -> Any:
        """The result of a record that does not go through the chain; else ``_GOES_ON``."""
        if self._is_for_another(record):
            return None
        return _FORGOTTEN if self._refuses(record.topic, record.key, record.value, record.schema) else _GOES_ON

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
