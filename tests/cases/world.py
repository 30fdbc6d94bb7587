"""What cases run in: the sources of the repository without network and Kafka, its chains, its views on DuckDB."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastavro

from glue.avro import Encoder, load_schema
from glue.settings import Settings, get_settings

# A schema and a chain by the beginning of a topic's name: further shops of one platform are topics or sources of it.
SCHEMAS = {"source.market.": "market_order.avsc", "source.social.": "social_post.avsc", "context.": "weather.avsc"}
CHAINS = {"source.market.": "orders", "source.social.": "posts"}
# Fields that cases from elsewhere know by another name.
ALIASES = {"source": "platform", "title": "product_name", "status": "order_status", "extreme": "is_extreme_weather",
           "engagement": "engagement_count"}  # fmt: skip


@contextmanager
def made_keys(state: Path) -> Iterator[None]:
    """Settings of a run that touches nothing: keys and state of its own, a sandbox that is not there."""
    keys = state / "keys.json"
    keys.write_text(json.dumps({"active": "t1", "keys": {"t1": base64.b64encode(b"x" * 32).decode()}}))
    keys.chmod(0o600)
    made = {"MXCTL_STATE_DIR": str(state), "MXCTL_HASH_KEYS_FILE": str(keys), "MXCTL_SANDBOX": "http://127.0.0.1:1"}
    before = {name: os.environ.get(name) for name in made}
    os.environ.update(made)
    get_settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        get_settings.cache_clear()


def _of(table: dict[str, str], topic: str) -> str:
    return next(found for start, found in table.items() if topic.startswith(start))


@dataclass
class Sent:
    """What a source sent: raw records and the reasons of dead letters; stands where the producer does."""

    messages: list[Any] = field(default_factory=list)
    dead: list[Any] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # about a file: its encoding, its separator
    _encoders: dict[str, Encoder] = field(default_factory=dict)

    def message(self, topic: str, record: Any) -> Any:
        schema = load_schema(get_settings().schemas_dir / _of(SCHEMAS, topic))
        encoder = self._encoders.setdefault(topic, Encoder(schema, 1))
        return SimpleNamespace(topic=topic, key=record.key.encode(), value=encoder(record.model_dump()))

    def commit(self, messages: list[Any], checkpoint: Any = None) -> None:
        for message in messages:
            (self.dead if message.topic.startswith("dead-letters") else self.messages).append(message)

    def records(self) -> list[dict[str, Any]]:
        """The raw records, decoded."""
        return [decoded(message) for message in self.messages]


def decoded(message: Any) -> dict[str, Any]:
    """The value of a message to a raw topic."""
    schema = load_schema(get_settings().schemas_dir / _of(SCHEMAS, message.topic))
    found: Any = fastavro.schemaless_reader(io.BytesIO(message.value[5:]), schema, None)
    return dict(found)


def run_source(name: str, pages: list[list[Any]], settings: Settings) -> Sent:
    """Deliver native records as if source ``name`` had fetched them, page by page."""
    from connectors.checkpoint import Checkpoint
    from connectors.config import load_source
    from connectors.publisher import Publisher
    from connectors.source import Context
    from connectors.stats import Stats

    config, sent = load_source(name, settings), Sent()
    context = Context(None, Path(tempfile.gettempdir()), config.overlap)  # type: ignore[arg-type]
    parser = config.source_class()(config.parsed_options(), context)
    publisher = Publisher(config, parser, sent, Stats(name), Checkpoint(), name, None,  # type: ignore[arg-type]
                lambda raw, reason: sent.reasons.append(reason))  # fmt: skip
    for page in pages:
        publisher.deliver(page, None)
    return sent


def run_file(name: str, data: bytes, form: str, settings: Settings) -> Sent:
    """Deliver the lines of a file as `mxctl ingest` does; refusing the whole file with a reason is a reason."""
    from connectors.checkpoint import Checkpoint
    from connectors.config import load_source
    from connectors.file_lines import FileLines
    from connectors.files import FileParser, _deliver
    from connectors.publisher import Publisher
    from connectors.stats import Stats

    config, sent = load_source(name, settings, resolve=False), Sent()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        publisher = Publisher(config, FileParser(config, datetime(2026, 1, 5, tzinfo=UTC), "d"), sent, Stats(name),  # type: ignore[arg-type]
                    Checkpoint(), "k", None, lambda raw, reason: sent.reasons.append(reason))  # fmt: skip
        lines = FileLines(path, form)  # type: ignore[arg-type]
        try:
            _deliver(publisher, lines, 0)
        except Exception as error:
            sent.reasons.append(f"{type(error).__name__}: {error}")
        sent.said = lines.said
    return sent


def rows(sent: Sent, settings: Settings) -> list[dict[str, Any]]:
    """What the chain of the repository makes of the raw records; a refused one is ``{"REFUSED": reason}``."""
    from glue.transforms.chain import Chain, Failure
    from glue.transforms.contract import Record

    if not sent.messages:
        return []
    topic = sent.messages[0].topic
    document = json.loads((settings.config_dir / "transforms" / f"{_of(CHAINS, topic)}.json").read_text())
    chain = Chain.from_config({name: str(value) for name, value in document["config"].items()})
    for step in chain.steps:
        step.transform.offline({"products": {}})
    schema = load_schema(settings.schemas_dir / _of(SCHEMAS, topic))
    out: list[dict[str, Any]] = []
    for message in sent.messages:
        (result,) = chain.run([Record(message.topic, message.key.decode(), decoded(message), schema)])
        if isinstance(result, Failure):
            out.append({"REFUSED": str(result.error)})
        elif result is not None and result.value is not None:
            out.append(result.value)
    return out


@contextmanager
def warehouse(orders: list[dict[str, Any]], weather: list[dict[str, Any]], settings: Settings) -> Iterator[Any]:
    """A cursor on the tables and views of ``connect-config/warehouse``, filled with the rows."""
    import fakesnow
    import snowflake.connector

    folder = settings.config_dir / "warehouse"
    scripts = sorted(path for path in folder.glob("*.sql") if not path.name.startswith(("01", "04")))
    text = re.sub(r"--.*", "", ";\n".join(path.read_text(encoding="utf-8") for path in scripts))
    with fakesnow.patch():
        cursor = snowflake.connector.connect(database="MILLIONX", schema="RAW_DATA").cursor()
        for statement in text.replace(" ENABLE_SCHEMA_EVOLUTION = TRUE", "").split(";"):
            if statement.strip():
                cursor.execute(statement)
        for table, items in (("ORDERS", orders), ("WEATHER_LOGS", weather)):
            for item in items:
                full = {**item, "ingestion_time": datetime.now(UTC)}
                names = ",".join(name.upper() for name in full)
                cursor.execute(f"insert into {table} ({names}) values ({','.join(map(_literal, full.values()))})")
        yield cursor


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
