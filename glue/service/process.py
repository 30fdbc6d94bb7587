"""From messages to what must be produced: decode, run the chain, encode. It waits for nobody and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import Any

from glue.avro import Encoder
from glue.avro_types import BySchema
from glue.deadletters.headers import REPLAY_FOR, RETRY_COUNT, last
from glue.errors import DataError
from glue.privacy.recognisers import find
from glue.privacy.tags import personal_fields
from glue.rights.forgotten import Forgotten as Known
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader, to_records
from glue.tracing import HEADER as TRACE
from glue.transforms.chain import Chain, Failure, Outcome
from glue.transforms.contract import Headers, Record

_STEER = (REPLAY_FOR, RETRY_COUNT)  # they steer this chain, and no later one
_NAME = re.compile(r"millionx\.[a-z_.]{1,40}\Z")
_TRACE_FORM = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_LONGEST = 512  # characters of a ``tracestate`` that must be passed on (W3C Trace Context)


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
_FORGOTTEN = Forgotten()


class Processor:
    """Turns messages into results, one a message, in order; an error, transient or not, is a result too.

    What a record becomes is held against the list of the forgotten when the chain is through, since it has made the
    pseudonyms by then. Of what it refused, the record itself is: no letter is made of somebody forgotten either.
    """

    def __init__(
        self, name: str, chain: Chain, read: TopicReader, encode: Encoder, config: ServiceConfig,
        known: Known | None = None,
    ) -> None:  # fmt: skip
        self._name, self._known = name, known
        self._chain, self._read, self._encode, self._config = chain, read, encode, config
        self._passed = frozenset(config.headers_pass)
        self._unsafe = BySchema(personal_fields)

    def __call__(self, messages: Sequence[Any]) -> list[Result]:
        decoded = to_records(messages, self._read)
        ours = [type(record) is Record and not self._is_for_another(record) for record in decoded]
        records: list[Any] = list(compress(decoded, ours))
        sources = [record.topic for record in records]
        outcomes = iter(zip(self._chain.run(records), sources, strict=True))
        results: list[Result] = []
        for message, record, is_ours in zip(messages, decoded, ours, strict=True):
            if is_ours:
                outcome, source = next(outcomes)
                refused = self._known and self._is_refused(self._known, message, outcome)
                results.append(_FORGOTTEN if refused else self._encoded(outcome, source))
            else:
                results.append(record if isinstance(record, Failure) else None)
        return results

    def _is_refused(self, known: Known, message: Any, outcome: Outcome) -> bool:
        """Whether it is of somebody forgotten."""
        if outcome is None:
            return False
        if isinstance(outcome, Record):
            return known.refuses_made(outcome.key, outcome.value)
        (record,) = to_records([message], self._read)  # anew: transforms have changed the other
        return isinstance(record, Record) and known.refuses(record.topic, record.key, record.value, record.schema)

    def _is_for_another(self, record: Record) -> bool:
        """A record that was replayed for another chain of the same topic: this one has dealt with it before."""
        if not record.headers:
            return False
        wanted = last(record.headers, REPLAY_FOR)
        return bool(wanted) and wanted != self._name

    def _personal(self, record: Record) -> list[str]:
        """What no transform made safe; a sink topic takes none of it, whatever its own schema says."""
        return personal_fields(None) if record.schema is None else self._unsafe(record.schema)

    def _encoded(self, outcome: Outcome, source: str) -> Result:
        if not isinstance(outcome, Record):
            return outcome
        value = outcome.value
        if value is not None and (unsafe := self._personal(outcome)):
            why = f"fields {unsafe} still hold personal data: let the chain scrub, hash and shape them"
            return Failure(DataError("chain", why), "TRANSFORMATION", "glue.service.process:Processor")
        headers = outcome.headers
        if headers:
            headers = passed(headers, self._passed)
        try:
            data = None if value is None else self._encode(value)
        except Exception as error:
            return Failure(error, "VALUE_CONVERTER", "glue.avro:Encoder")
        topic = outcome.topic if outcome.topic != source else self._config.output_topic
        return Produced(topic, outcome.key, data, headers, outcome.timestamp)


def passed(headers: Headers, declared: frozenset[str]) -> Headers:
    """Those that ``headers.pass`` declares and this project's own, unless their value looks like a person's detail or
    is no short text: who may write to a raw topic may put anything into any header."""
    return [
        (name, value)
        for name, value in headers
        if (name in declared or (name not in _STEER and _NAME.match(name)))
        and (_is_trace(name, value) or _is_clean(value))
    ]


def _is_trace(name: str, value: bytes | None) -> bool:
    """Whether it is a trace's id in its form, random digits of which may look like a phone."""
    return name == TRACE and value is not None and _TRACE_FORM.match(value) is not None


@lru_cache(10_000)
def _is_clean(value: bytes | None) -> bool:
    text = (value or b"").decode("utf-8", "replace")
    return len(text) <= _LONGEST and "\ufffd" not in text and not find(text)
