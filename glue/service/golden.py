"""What a chain makes of records of a live topic, kept, and compared with what it makes of the same records later.

A golden file holds no personal data: contents are kept only where the schema that leaves calls every field safe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue.avro_types import to_json
from glue.errors import ConfigError, UsageError
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import Range, TopicPartition, read, watermarks
from glue.privacy.tags import personal_fields
from glue.reasons import reason_of
from glue.registry import registry_client
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader, to_records
from glue.settings import get_settings
from glue.transforms.chain import Chain, Failure, Outcome
from glue.transforms.contract import Record
from glue.transforms.declared import DeclaredChain

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DECIMALS = 4  # a vector's last digits depend on its batch
Outcomes = dict[str, dict[str, Any]]  # by topic/partition/offset


@dataclass
class Comparison:
    """How a chain does today what it did when the golden file was written.

    Attributes:
        records: how many were compared.
        changes: for each record that comes out otherwise, a line for each difference.
        gone: records that are no longer in their topic.
    """

    records: int = 0
    changes: dict[str, list[str]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """For programs."""
        return {"records": self.records, "changes": self.changes, "gone": self.gone}


def take_sample(declared: DeclaredChain, count: int) -> Outcomes:
    """What the chain makes now of the last ``count`` records of its topics.

    Raises:
        ServiceUnavailableError: Kafka, the registry or what a transform needs does not answer.
        ConfigError: the chain does not start.
        UsageError: a topic does not exist, or there are no records.
    """
    messages = _newest(declared, count)
    if not messages:
        raise UsageError(f"chain {declared.name}", "its topics hold no records", "produce some first")
    return _run(declared, messages)


def compare(declared: DeclaredChain, golden: Outcomes) -> Comparison:
    """Read the records of ``golden`` again, and run them.

    Raises:
        ServiceUnavailableError, ConfigError: see ``take_sample``.
        UsageError: none of the records is there any more, so that nothing can be said.
    """
    now = _run(declared, _these(golden))
    if not now:
        raise UsageError(f"chain {declared.name}", "its topics hold none of its records", "take others: --accept")
    found = Comparison(len(now), gone=sorted(set(golden) - set(now)))
    for place, outcome in now.items():
        if lines := list(_differences(golden[place], outcome)):
            found.changes[place] = lines
    return found


def read_golden(path: Path) -> Outcomes:
    """The contents of a golden file.

    Raises:
        ConfigError: it is none.
    """
    try:
        outcomes: Outcomes = json.loads(path.read_text(encoding="utf-8"))["records"]
        if all(place.count("/") == 2 and place.rpartition("/")[2].isdigit() for place in outcomes):
            return outcomes
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ConfigError(f"golden file {path}", "is not a golden file", "create it again with --accept")


def write_golden(path: Path, chain: str, outcomes: Outcomes) -> None:
    """Keep ``outcomes`` in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"chain": chain, "records": outcomes}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _newest(declared: DeclaredChain, count: int) -> list[Any]:
    kafka = KafkaConfig.of(get_settings())
    ends = watermarks(kafka, ServiceConfig.of(declared).topics, missing="mxctl topics get names those there are")
    found = _read(kafka, {partition: (max(low, high - count), high) for partition, (low, high) in ends.items()})
    found.sort(key=lambda message: message.timestamp()[1])
    return found[-count:]


def _these(records: Iterable[str]) -> list[Any]:
    wanted: dict[TopicPartition, set[int]] = {}
    for record in records:
        topic, number, offset = record.rsplit("/", 2)
        wanted.setdefault((topic, int(number)), set()).add(int(offset))
    ranges = {partition: (min(offsets), max(offsets) + 1) for partition, offsets in wanted.items()}
    found = _read(KafkaConfig.of(get_settings()), ranges)
    return [message for message in found if message.offset() in wanted[message.topic(), message.partition()]]


def _read(kafka: KafkaConfig, ranges: dict[TopicPartition, Range]) -> list[Any]:
    found = [message for batch in read(kafka, ranges) for message in batch]
    return sorted(found, key=lambda message: (message.topic(), message.partition(), message.offset()))


def _run(declared: DeclaredChain, messages: list[Any]) -> Outcomes:
    places = [f"{message.topic()}/{message.partition()}/{message.offset()}" for message in messages]
    decoded = to_records(messages, TopicReader(registry_client(get_settings())))
    chain = Chain.from_config(declared.config)
    try:
        outcomes = iter(chain.run([record for record in decoded if isinstance(record, Record)]))
        ends = [next(outcomes) if isinstance(record, Record) else record for record in decoded]
    finally:
        chain.close()
    return {place: _shown(outcome) for place, outcome in zip(places, ends, strict=True)}


def _shown(outcome: Outcome) -> dict[str, Any]:
    if outcome is None:
        return {"outcome": "dropped"}
    if isinstance(outcome, Failure):
        return {
            "outcome": "refused",
            "by": outcome.class_name,
            "error": reason_of(outcome.error),
        }
    unsafe = [] if outcome.value is None else personal_fields(outcome.schema)
    return {
        "outcome": "passed",
        "topic": outcome.topic,
        "key": outcome.key if outcome.key is None or _UUID.fullmatch(outcome.key) else "withheld",
        "value": {"withheld": unsafe} if unsafe else _rounded(to_json(outcome.value)),
        "headers": {name: (text or b"").decode() for name, text in outcome.headers if name.startswith("millionx.")},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return {name: _rounded(item) for name, item in value.items()} if isinstance(value, dict) else value


def _differences(before: Any, after: Any, name: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), f"{name}.{key}" if name else key)
    elif before != after:
        yield f"{name}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
