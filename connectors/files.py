"""Records from a file: JSON lines, CSV, or plain text of one post a line, published as the producers publish.

A file is known by its contents: a run that was cut off goes on where it stopped, and a file that was read to its end
is not sent again unless asked for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from connectors import daraz_orders, shopify_orders
from connectors.checkpoint import Checkpoint, lease, read_checkpoint
from connectors.config import SourceConfig, load_source
from connectors.facebook_graph import graph_post
from connectors.file_lines import ALIASES, FileLines, Format, records_in
from connectors.models import MarketOrder, SocialPost, SourceRecord, WeatherData, millis, weather_key
from connectors.places import place_code
from connectors.producer import SourceProducer
from connectors.publisher import OnRecord, Publisher
from connectors.reading import moment, spreadsheet_damage, whole
from connectors.runner import RunResult
from connectors.source import Fields, Raw, mapping, text_or_none
from connectors.stats import Stats
from connectors.text import INVISIBLE, Mentions, hashtags, parse_count, product_ids
from glue import overlay
from glue.errors import ConfigError, DataError, UsageError
from glue.kafka.config import KafkaConfig
from glue.privacy.fingerprint import fingerprint
from glue.registry import registry_client
from glue.settings import Settings

_SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".txt": "text"}
_PAGE = 500
_PROBLEMS = 20


@dataclass
class FileResult(RunResult):
    """As :class:`connectors.runner.RunResult`, for a file.

    Attributes:
        lines: lines (CSV: rows) that held something.
        problems: line number and reason of the first bad ones.
        said: what was found out about the file (encoding, separator, compression), where it is not plain.
        known: the file had been read to its end before; nothing was sent.
    """

    lines: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    known: bool = False

    def as_json(self) -> dict[str, Any]:
        """Counts; lines = sum of records + dead_letters + repeated, where a line is one record."""
        kept = ("source", "outcome", "records", "dead_letters", "repeated", "seconds")
        made = {name: value for name, value in super().as_json().items() if name in kept}
        problems = [{"line": line, "reason": reason} for line, reason in self.problems]
        return {**made, "lines": self.lines, "file": self.said, "already_ingested": self.known, "problems": problems}


def ingest(
    path: Path, source: str, settings: Settings, form: Format | None = None, again: bool = False,
    on_record: OnRecord | None = None,
) -> FileResult:  # fmt: skip
    """Send the records of ``path`` as if source ``source`` had given them; bad lines go to dead letters.

    Raises:
        UsageError: no such source or file, or a form that its name does not tell.
        LockHeldError, ServiceError, ServiceUnavailableError: as :func:`connectors.runner.run_once`; run it again to
            go on.
    """
    config = load_source(source, settings, resolve=False)
    form = form or _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            f"file {path}", f"its format is not known from the ending {path.suffix!r}", "--format jsonl|csv|text"
        )
    started = time.monotonic()
    try:
        digest = _digest(path)
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise UsageError(f"file {path}", error.strerror or str(error), "name a file that can be read") from error
    key = f"ingest/{source}/{digest[:32]}"
    result, stats, lines = FileResult(source), Stats(source), FileLines(path, form)

    def sent(topic: str, record: str, collected_at: datetime) -> None:
        result.keys.setdefault(topic, []).append(record)
        if on_record:
            on_record(topic, record, collected_at)

    def dead(raw: Raw, reason: str) -> None:
        if len(result.problems) < _PROBLEMS:
            result.problems.append((int(raw["line"]), reason))

    with lease(KafkaConfig.of(settings), f"ingest.{digest[:32]}", wait=15.0):
        producer = SourceProducer(KafkaConfig.of(settings), registry_client(settings), f"ingest.{digest[:32]}")
        try:
            checkpoint = Checkpoint() if again else read_checkpoint(KafkaConfig.of(settings), key)
            parser = FileParser(config, modified, digest, _merchant(source, config, settings))
            publisher = Publisher(config, parser, producer, stats, checkpoint, key, sent, dead)
            result.known = bool(checkpoint.cursor.get("done"))
            if not result.known:
                result.lines = _deliver(publisher, lines, int(checkpoint.cursor.get("line", 0)))
        finally:
            producer.close()
    result.said = lines.said
    result.records, result.dead_letters, result.repeated = stats.records, stats.dead_letters, stats.repeated
    result.seconds = time.monotonic() - started
    return result


def _merchant(source: str, config: SourceConfig, settings: Settings) -> str:
    """Whose orders the source reads.

    Raises:
        ConfigError: it is not configured, so nothing says whose a file's orders are.
    """
    if not issubclass(config.source_class().model, MarketOrder):
        return ""

    def option(name: str) -> str:
        return str(overlay.resolve(config.options.get(name) or "", settings, f"source {source}"))

    merchant = config.source_class().merchant_of(option)
    if not merchant:
        raise ConfigError(f"source {source}", "nothing says whose orders these are", "set its option merchant_id")
    return merchant


def _deliver(publisher: Publisher, lines: Iterable[Raw], done: int) -> int:
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
        return fingerprint(hashlib.file_digest(file, "sha256").digest()).hex()


class FileParser:
    """Reads what a line holds as fields of the source's model; names that the model does not know are left out.

    Args:
        merchant: whose orders these are, where the file does not say.
    """

    def __init__(self, config: SourceConfig, modified: datetime, digest: str, merchant: str = "") -> None:
        self.source = config.source_class()
        self.model: type[SourceRecord] = self.source.model
        self._platform = self.source.platform or config.name
        self._modified = modified
        self._digest = digest
        self.merchant = merchant
        spellings = config.options.get("products")
        self._mentions = Mentions(spellings if isinstance(spellings, dict) else {})

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """One record a line; a native order gives one a line item.

        Raises:
            DataError: the line could not be read.
        """
        if "bad" in raw:
            raise DataError("line", f"line {raw['line']}: {raw['bad']}", "correct it")
        for record in records_in(raw["record"]):
            yield from self._fields(mapping(record, "record"), raw["line"], collected_at)

    def _fields(self, record: Mapping[str, Any], line: int, collected_at: datetime) -> Iterable[Fields]:
        if issubclass(self.model, MarketOrder) and "line_items" in record:
            yield from shopify_orders.order_lines(record, collected_at, self.merchant)
            return
        if issubclass(self.model, MarketOrder) and {"order", "items"} <= set(record):
            yield from daraz_orders.order_lines(record, collected_at, self.merchant or "unknown")
            return
        if issubclass(self.model, SocialPost) and {"id", "created_time"} <= set(record):
            yield self._post({**graph_post(record), "collected_at": collected_at}, record, line)
            return
        given = {name: value for name, value in record.items() if value is not None}
        named = {ALIASES[name]: value for name, value in given.items() if name in ALIASES} | given
        known = {name: value for name, value in named.items() if name in self.model.model_fields}
        known |= _identities(known)
        fields = {**known, "collected_at": collected_at}
        if issubclass(self.model, SocialPost):
            yield self._post(fields, record, line)
        elif issubclass(self.model, MarketOrder):
            yield self._order(fields)
        elif issubclass(self.model, WeatherData):
            yield _observation(fields)
        else:
            yield fields

    def _order(self, fields: Fields) -> Fields:
        """Names in the words of the model, and what follows from the rest."""
        merchant = {"merchant_id": self.merchant} if self.merchant else {}
        place = {"place_code": place_code(fields.get("shipping_city"))}
        words = ("order_status", "financial_status", "fulfillment_status", "cancel_reason", "line_kind")
        lower = {name: fields[name].strip().lower() for name in words if isinstance(fields.get(name), str)}
        return {
            "platform": self._platform,
            "updated_at": fields.get("ordered_at"),
            **merchant,
            **place,
            **fields,
            **lower,
        }

    def _post(self, fields: Fields, record: Mapping[str, Any], line: int) -> Fields:
        """What a bare text leaves open: an id from the text and its place, the file's time, what the text names."""
        content = next((record[name] for name in ("content", "text", "message") if record.get(name) is not None), "")
        made = fingerprint(f"{line}\0{content}".encode("utf-8", "replace")).hex()[:32]
        text = content if isinstance(content, str) else ""
        counts: dict[str, Any] = {
            name: _count(fields[name], name) for name in ("likes", "comments", "shares") if name in fields
        }
        return {
            "post_id": made,
            "platform": self._platform,
            "posted_at": self._modified,
            "hashtags": hashtags(text),
            "product_mentions": self._mentions(text),
            "product_ids": product_ids(text),
            "engagement_count": sum(one for one in counts.values() if isinstance(one, int)),
            **{name: value.split("|") if name in _LISTS and isinstance(value, str) else value
               for name, value in fields.items()},
            **counts,
            "content": content,
        }  # fmt: skip


_LISTS = {"hashtags", "product_mentions", "product_ids"}
_IDENTITIES = {"order_id", "line_id", "product_id", "sku", "post_id", "customer_phone", "customer_email", "merchant_id",
               "author_username"}  # fmt: skip
_PERSONS = {"customer_phone", "customer_email", "author_username"}  # a joiner in a name is part of it


def _identities(fields: Mapping[str, Any]) -> Fields:
    """What names a thing or a person, as texts without blanks around them; it must be as before a spreadsheet had it.

    Raises:
        DataError: naming the field and what was done to it.
    """
    found = {}
    for name in sorted(_IDENTITIES & set(fields)):
        value = text_or_none(fields[name])
        if isinstance(value, float):
            raise DataError(
                "line", f"{name}: is a number with decimals, as a spreadsheet makes of an id", "write a text"
            )
        if isinstance(value, str) and (damage := spreadsheet_damage(value)):
            raise DataError("line", f"{name}: {damage}", "export the column as text")
        if isinstance(value, str) and name not in _PERSONS:
            value = value.translate(INVISIBLE)
            if not any(map(str.isalnum, value)):
                raise DataError("line", f"{name}: holds no letter and no digit", "write the id")
        found[name] = value
    return found


def _count(value: Any, name: str) -> Any:
    try:
        return parse_count(value.removesuffix(".0")) if isinstance(value, str) else whole(value)
    except ValueError as error:
        raise DataError("line", f"{name}: {error}", "write it in digits") from None


def _observation(fields: Fields) -> Fields:
    """Key, version and place follow from city and time."""
    try:
        observed = moment(fields["observed_at"])
        city = str(fields["city"])
        made = {"record_key": weather_key(city, observed), "version": millis(observed), "place_code": place_code(city)}
    except (KeyError, ValueError, TypeError):
        made = {}  # the model says what is missing
    return {**made, **fields}
