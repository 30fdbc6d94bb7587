"""Putting records on their topic again, so that the sink stores them: the same bytes, and one header more."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from glue.audit.compare import ByKey, ByTime
from glue.audit.deep import wrong_length
from glue.audit.report import DIFFERENT, MISSING, StoreReport
from glue.audit.sinks import Progress
from glue.audit.topic import originals
from glue.avro import Decoder
from glue.errors import DataError
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord, Sender

HEADER = "millionx.repair"
_EXPLAINED = 1000
_PAUSE = 0.5


def explain(report: StoreReport, kafka: KafkaConfig, decode: Decoder) -> None:
    """Say of missing keys where their own records are at fault; at most of the first thousand."""
    missing = [one for one in report.differences if one.kind == MISSING][:_EXPLAINED]
    found = originals(kafka, report.topic, ((one.partition, one.offset) for one in missing))
    for one in missing:
        if why := fault(found.get((one.partition, one.offset)), decode):
            one.why = why


def fault(message: Any, decode: Decoder) -> str:
    """Why a record cannot be stored however often it is sent; empty if nothing is wrong with it."""
    if message is None:
        return "its record is no longer on the topic"
    if message.key() is None:
        return "its record has no key"
    try:
        value, schema = decode(message.value())
    except DataError as error:
        return f"its record cannot be decoded: {error.why}"
    return wrong_length(value, schema)


def repair(
    comparison: ByKey | ByTime,
    report: StoreReport,
    kafka: KafkaConfig,
    decode: Decoder,
    progress: Progress,
    patience: float = 60.0,
) -> int:
    """Send again what is missing, and in a store that replaces also what is different; wait until it is stored.

    A key is looked up once more just before, so that nothing is sent that has arrived meanwhile. What a table holds
    differently is not sent: it would stand there twice.

    Returns:
        how many records were sent. Those that are stored now are marked in the report.

    Raises:
        ServiceUnavailableError: Kafka did not take a record; run the audit again, which knows what is still missing.
    """
    kinds = (MISSING, DIFFERENT) if comparison.target.upserts else (MISSING,)
    chosen = [one for one in report.differences if one.kind in kinds and not one.repaired]
    if not chosen:
        return 0
    found = originals(kafka, report.topic, ((one.partition, one.offset) for one in chosen))
    values: dict[str, dict[str, Any]] = {}
    for one in chosen:
        message = found.get((one.partition, one.offset))
        if why := fault(message, decode):
            one.why = why
        else:
            values[one.key] = decode(message.value())[0]  # type: ignore[union-attr]
    chosen = [one for one in chosen if one.key in values]
    left = comparison.still_open(values)
    sending = [found[one.partition, one.offset] for one in chosen if one.key in left]
    _send(kafka, report.topic, sending)
    until = time.monotonic() + patience
    while left and time.monotonic() < until:
        progress(f"{len(sending)} records sent again, {len(left)} not stored yet")
        time.sleep(_PAUSE)
        left = comparison.still_open({key: values[key] for key in left})
    for one in chosen:
        one.repaired = one.key not in left
    return len(sending)


def _send(kafka: KafkaConfig, topic: str, messages: list[Any]) -> None:
    stamp = datetime.now(UTC).isoformat(timespec="seconds").encode()
    records = []
    for message in messages:
        headers = [header for header in message.headers() or [] if header[0] != HEADER] + [(HEADER, stamp)]
        when, partition = max(0, message.timestamp()[1]), message.partition()
        records.append(ProducerRecord(topic, message.key(), message.value(), headers, when, partition))
    Sender(kafka, {"client.id": "mxctl-audit"}, patience=30.0).send(records)
