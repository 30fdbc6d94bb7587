"""A sandbox of vendors, and sources that run against it into topics of their own."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from connectors import checkpoint
from connectors.config import SourceConfig, load_source
from connectors.http import Http
from connectors.limits import TokenBucket
from connectors.runner import RunResult, run_once
from connectors.source import Context, Cursor, Fields, Source, Window
from connectors.stats import Stats
from glue.avro import Decoder
from glue.kafka.config import KafkaConfig
from glue.privacy.atrest import AtRest
from glue.privacy.keyring import load_keyring
from glue.registry import Schema, registry_client
from glue.settings import Settings, project_root
from sandbox import control

SCHEMAS = {"tiktok": "social_post", "facebook": "social_post", "shopify": "market_order", "daraz": "market_order",
           "weather": "weather", "shopify-listings": "market_listing", "daraz-listings": "market_listing",
           "catalogue": "market_product"}  # fmt: skip
QUICK = {"base_seconds": 0.02, "cap_seconds": 0.1, "attempts": 6}


@dataclass
class Sandbox:
    """A running sandbox, steered over its control endpoints."""

    running: control.Running

    @property
    def address(self) -> str:
        return self.running.address

    def faults(self, *names: str) -> None:
        control.put_faults(self.running, names)

    def state(self) -> dict[str, Any]:
        found = control.state(self.running, timeout=10)
        assert found is not None
        return found

    def orders(self, shop: str, update: int = 0, add: int = 0) -> dict[str, list[int]]:
        body = {"shop": shop, "update": update, "add": add}
        found: dict[str, list[int]] = requests.post(f"{self.address}/_sandbox/orders", json=body, timeout=10).json()
        return found


MakeSandbox = Callable[..., Sandbox]


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[MakeSandbox]:
    """Starts sandboxes: ``make_sandbox("--posts", "30", fault=[…])``; all end with the test."""
    folders: list[Path] = []

    def make(*arguments: str, fault: list[str] | None = None) -> Sandbox:
        folders.append(tmp_path / f"sandbox-{len(folders)}")
        faults = [part for name in fault or [] for part in ("--fault", name)]
        return Sandbox(control.up(folders[-1], [*arguments, *faults]))

    yield make
    for folder in folders:
        control.down(folder)


@pytest.fixture
def local_config(make_sandbox: MakeSandbox, tmp_path: Path) -> Callable[..., SourceConfig]:
    """The committed configuration of a source against a sandbox, made quick and changed by ``options`` and others."""

    def make(name: str, sandbox: Sandbox, options: dict[str, Any] | None = None, **change: Any) -> SourceConfig:
        settings = Settings(profile="local", config_dir=project_root() / "connect-config", sandbox=sandbox.address)
        config = load_source(name, settings)
        made = config.model_dump(by_alias=True) | {"retry": QUICK, "rate": {"per_second": 1000, "burst": 1000}} | change
        made["options"] = _merged(config.options, options or {})
        return SourceConfig.model_validate(made)

    return make


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    return base | {
        name: _merged(base[name], value) if isinstance(value, dict) and isinstance(base.get(name), dict) else value
        for name, value in top.items()
    }


@dataclass
class Offline:
    """A source without Kafka: its records as fields, and what it counted."""

    source: Source[Any]
    stats: Stats
    stop: threading.Event
    cursors: list[Cursor] = field(default_factory=list)

    def read(self, window: Window | None = None, cursor: Cursor | None = None) -> list[Fields]:
        found = []
        for page in self.source.pages(window or Window(), cursor or {}):
            if page.cursor is not None:
                self.cursors.append(page.cursor)
            for raw in page.records:
                found += list(self.source.parse(raw, datetime.now(UTC)))
        return found


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[SourceConfig], Offline]]:
    """Makes a source without Kafka from a configuration."""
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path / "state"))
    made: list[Offline] = []

    def make(config: SourceConfig) -> Offline:
        stats, stop = Stats(config.name), threading.Event()
        bucket = TokenBucket(config.rate.per_second, config.rate.burst)
        http = Http(bucket, config.retry, config.timeouts, stats, stop)
        context = Context(http, tmp_path / "evidence", config.overlap)
        made.append(Offline(config.source_class()(config.parsed_options(), context), stats, stop))
        return made[-1]

    yield make
    for one in made:
        one.source.close()


@dataclass
class Stored:
    """What Kafka holds of a source."""

    records: list[tuple[str, dict[str, Any]]]
    dead: list[Any]

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.records]


@dataclass
class OnKafka:
    """A source whose topics are its own; ``config`` may be changed between runs."""

    settings: Settings
    config: SourceConfig

    def run(self, **given: Any) -> RunResult:
        return run_once(self.config.name, self.settings, self.config, **given)

    def stored(self) -> Stored:
        decode = Decoder(registry_client(self.settings))
        open_, topic = AtRest(load_keyring(self.settings.hash_keys_file)).decrypt, self.config.topic
        records = [
            (key, open_(topic, key, *decode(message.value())))
            for message in self._read(topic)
            if (key := message.key().decode())
        ]
        return Stored(records, self._read(self.config.dead_letters))

    def _read(self, topic: str) -> list[Any]:
        reader = KafkaConfig.of(self.settings).consumer(f"test-{uuid.uuid4()}", {"enable.partition.eof": True})
        parts = list(reader.list_topics(topic, timeout=10).topics[topic].partitions)
        reader.assign([TopicPartition(topic, part, 0) for part in parts])
        found, ended = [], 0
        while ended < len(parts):
            message = reader.poll(30)
            assert message is not None, "Kafka gave nothing"
            if message.error() is None:
                found.append(message)
            else:
                ended += 1
        reader.close()
        return found


@pytest.fixture
def on_kafka(stack: Settings, local_config: Callable[..., SourceConfig]) -> Iterator[Callable[..., OnKafka]]:
    """Puts a source on real Kafka: own name, topic, subject and dead letters, the checkpoints shared."""
    admin = KafkaConfig.of(stack).admin()
    made: list[str] = []

    def make(name: str, sandbox: Sandbox, options: dict[str, Any] | None = None, **change: Any) -> OnKafka:
        own = f"{name}-{uuid.uuid4().hex[:8]}"
        topics = [f"test.{own}", f"test.{own}.dead"]
        have = admin.list_topics(timeout=10).topics
        new = [NewTopic(topic, 2, 1) for topic in topics]
        if checkpoint.checkpoints_topic() not in have:
            new.append(NewTopic(checkpoint.checkpoints_topic(), 1, 1, config={"cleanup.policy": "compact"}))
        for future in admin.create_topics(new).values():
            future.result()
        made.extend(topics)
        schema = (stack.schemas_dir / f"{SCHEMAS[name]}.avsc").read_text()
        registry_client(stack).register_schema(f"{topics[0]}-value", Schema(schema, "AVRO"))
        config = local_config(name, sandbox, options, topic=topics[0], dead_letters=topics[1], **change)
        return OnKafka(stack, config.model_copy(update={"name": own}))

    yield make
    if made:
        admin.delete_topics(made)


@pytest.fixture
def evidence_dir(stack: Settings) -> Path:
    """Where runs on Kafka keep evidence."""
    from glue.settings import state_dir

    return state_dir() / "evidence"


def everything(text: Any) -> str:
    """All of a message as text, to look for what must not be in it."""
    if hasattr(text, "value"):
        return repr((text.key(), text.value(), text.headers()))
    return json.dumps(text, default=str)
