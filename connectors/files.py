"""Records from a file: JSON lines, CSV, or plain text of one post a line, published as the producers publish.

A file is known by its contents: a run that was cut off goes on where it stopped, and a file that was read to its end
is not sent again unless asked for.
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from connectors.checkpoint import Checkpoint, read_checkpoint
from connectors.config import SourceConfig, load_source
from connectors.lease import lease
from connectors.models import MarketOrder, SocialPost, SourceRecord, WeatherData, millis, weather_key
from connectors.producer import SourceProducer
from connectors.publisher import OnRecord, Publisher
from connectors.runner import RunResult
from connectors.source import Fields, Raw
from connectors.stats import Stats
from connectors.text import Mentions, hashtags, product_ids
from glue.errors import DataError, UsageError
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import Settings

Format = Literal["jsonl", "csv", "text"]
_SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".txt": "text"}
_PAGE = 500
_LONGEST_LINE = 1_000_000  # bytes: Kafka takes about as much in one message
_PROBLEMS = 20


@dataclass
class FileResult(RunResult):
    """As :class:`connectors.runner.RunResult`, for a file.

    Attributes:
        lines: lines (CSV: rows) that held something.
        problems: line number and reason of the first bad ones.
        known: the file had been read to its end before; nothing was sent.
    """

    lines: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    known: bool = False

    def as_json(self) -> dict[str, Any]:
        """Counts; lines = sum of records + dead_letters + repeated, where a line is one record."""
        kept = ("source", "outcome", "records", "dead_letters", "repeated", "seconds")
        made = {name: value for name, value in super().as_json().items() if name in kept}
        problems = [{"line": line, "reason": reason} for line, reason in self.problems]
        return {**made, "lines": self.lines, "already_ingested": self.known, "problems": problems}


def ingest(
    path: Path, source: str, settings: Settings, form: Format | None = None, again: bool = False,
    on_record: OnRecord | None = None,
) -> FileResult:  # fmt: skip
    """Send the records of ``path`` as if source ``source`` had given them; bad lines go to dead letters.

    Raises:
        UsageError: no such source or file, or a form that its name does not tell.
        LeaseHeldError, ServiceError, ServiceUnavailableError: as :func:`connectors.runner.run_once`; run it again to
            go on.
    """
    config = load_source(source, settings, resolve=False)
    form = form or _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            f"file {path}", f"its form is not known by the ending {path.suffix!r}", "--format jsonl|csv|text"
        )
    started = time.monotonic()
    try:
        digest = _digest(path)
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise UsageError(f"file {path}", error.strerror or str(error), "name a file that can be read") from error
    key = f"ingest/{source}/{digest[:32]}"
    result, stats = FileResult(source), Stats(source)

    def sent(topic: str, record: str, collected_at: datetime) -> None:
        result.keys.setdefault(topic, []).append(record)
        if on_record:
            on_record(topic, record, collected_at)

    def dead(raw: Raw, reason: str) -> None:
        if len(result.problems) < _PROBLEMS:
            result.problems.append((int(raw["line"]), reason))

    with lease(KafkaConfig.of(settings), f"ingest.{digest[:32]}", wait=15.0):
        producer = SourceProducer(KafkaConfig.of(settings), registry_client(settings.registry), f"ingest.{digest[:32]}")
        try:
            checkpoint = Checkpoint() if again else read_checkpoint(KafkaConfig.of(settings), key)
            parser = FileParser(config, modified, digest)
            publisher = Publisher(config, parser, producer, stats, checkpoint, key, sent, dead)
            result.known = bool(checkpoint.cursor.get("done"))
            if not result.known:
                result.lines = _deliver(publisher, _lines(path, form), int(checkpoint.cursor.get("line", 0)))
        finally:
            producer.close()
    result.records, result.dead_letters, result.repeated = stats.records, stats.dead_letters, stats.repeated
    result.seconds = time.monotonic() - started
    return result


def _deliver(publisher: Publisher, lines: Iterator[Raw], done: int) -> int:
    """Page by page; how many lines came after the first ``done``."""
    fresh = (line for line in lines if line["line"] > done)
    count = 0
    while page := list(islice(fresh, _PAGE)):
        count += len(page)
        publisher.deliver(page, {"line": page[-1]["line"]})
    publisher.deliver([], {"line": publisher.checkpoint.cursor.get("line", 0), "done": True})
    return count


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(path: Path, form: Format) -> Iterator[Raw]:
    """``{"line": number, "record": …}`` or ``{"line": number, "bad": reason, "text": …}``; empty lines are nothing."""
    if form == "csv":
        yield from _rows(path)
        return
    with path.open("rb") as file:
        number = 0
        while data := file.readline(_LONGEST_LINE):
            number += 1
            if not data.endswith(b"\n") and len(data) == _LONGEST_LINE:
                while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield {"line": number, "bad": f"longer than {_LONGEST_LINE} bytes", "text": ""}
                continue
            try:
                text = data.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError:
                yield {"line": number, "bad": "not UTF-8", "text": data.decode("utf-8", "replace").strip()}
                continue
            if text:
                yield _json_line(number, text) if form == "jsonl" else {"line": number, "record": {"content": text}}


def _json_line(number: int, text: str) -> Raw:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {"line": number, "bad": "not JSON", "text": text}
    if not isinstance(record, dict):
        return {"line": number, "bad": "JSON, but no object", "text": text}
    return {"line": number, "record": record}


def _rows(path: Path) -> Iterator[Raw]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file)
        if not reader.fieldnames:
            raise UsageError(f"file {path}", "the CSV has no line of column names", "write one as its first line")
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield {"line": reader.line_num, "bad": f"not CSV ({error})", "text": ""}
                continue
            if row is None:
                return
            number = reader.line_num
            values = [value for value in row.values() if isinstance(value, str)]
            plain = {str(name): value for name, value in row.items()}
            if None in row or any(value is None for value in row.values()):
                yield {"line": number, "bad": "more or fewer values than columns", "text": plain}
            elif any("\udc80" <= char <= "\udcff" for value in values for char in value):
                yield {"line": number, "bad": "not UTF-8", "text": number}
            else:
                yield {"line": number, "record": {name: value for name, value in row.items() if value != ""}}


class FileParser:
    """Reads what a line holds as fields of the source's model; names that the model does not know are left out."""

    def __init__(self, config: SourceConfig, modified: datetime, digest: str) -> None:
        self.source = config.source_class()
        self.model: type[SourceRecord] = self.source.model
        self._name = config.name
        self._modified = modified
        self._digest = digest
        spellings = config.options.get("products")
        self._mentions = Mentions(spellings if isinstance(spellings, dict) else {})

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """One record a line; a native Shopify order gives one a line item.

        Raises:
            DataError: the line could not be read.
        """
        if "bad" in raw:
            raise DataError("line", f"line {raw['line']}: {raw['bad']}", "correct it")
        record: dict[str, Any] = raw["record"]
        if issubclass(self.model, MarketOrder) and "line_items" in record:
            from connectors.shopify import order_lines

            yield from order_lines(record, collected_at)
            return
        known = {name: value for name, value in record.items() if name in self.model.model_fields}
        fields = {**known, "collected_at": collected_at}
        if issubclass(self.model, SocialPost):
            yield self._post(fields, record, raw["line"])
        elif issubclass(self.model, MarketOrder):
            yield {"source": self._name, "updated_at": fields.get("ordered_at"), **fields}
        elif issubclass(self.model, WeatherData):
            yield _observation(fields)
        else:
            yield fields

    def _post(self, fields: Fields, record: dict[str, Any], line: int) -> Fields:
        """What a bare text leaves open: an id from the text and its place, the file's time, what the text names."""
        content = fields.get("content", record.get("text", record.get("message", "")))
        made = hashlib.sha256(f"{line}\0{content}".encode("utf-8", "replace")).hexdigest()[:32]
        text = content if isinstance(content, str) else ""
        counts = [fields.get(name, 0) for name in ("likes", "comments", "shares")]
        return {
            "post_id": made,
            "platform": self._name,
            "posted_at": self._modified,
            "hashtags": hashtags(text),
            "product_mentions": self._mentions(text),
            "product_ids": product_ids(text),
            "engagement": sum(int(one) if str(one).isdigit() else 0 for one in counts),
            **{name: value.split("|") if name in _LISTS and isinstance(value, str) else value
               for name, value in fields.items()},
            "content": content,
        }  # fmt: skip


_LISTS = {"hashtags", "product_mentions", "product_ids"}


def _observation(fields: Fields) -> Fields:
    """Key and version follow from city and time."""
    try:
        observed = datetime.fromisoformat(str(fields["observed_at"]))
        city = str(fields["city"])
        made = {"record_key": weather_key(city, observed), "version": millis(observed)}
    except (KeyError, ValueError, TypeError):
        made = {}  # the model says what is missing
    return {**made, **fields}
