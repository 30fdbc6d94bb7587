"""One sink connector alone, under changed settings: its sink topic in, its store out, all under names of their own."""

from __future__ import annotations

import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

import httpx
from bench_storage_clock import Clock, NewRows, pace, percentiles, processor
from bench_storage_rows import Row, order_row, vector_post
from confluent_kafka.admin import NewTopic

from glue.avro import Encoder, load_schema
from glue.connect import ConnectClient
from glue.errors import ServiceError
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.registry import Schema, registry_client
from glue.settings import Settings
from glue.stores.contract import Target
from glue.stores.snowflake import client as warehouse
from glue.stores.snowflake.client import SnowflakeClient
from glue.stores.weaviate.client import WeaviateStoreClient, open_client

PARTITIONS = 4
PATIENCE = 150.0
Change = dict[str, str | None]  # None takes a setting away


class Line(ABC):
    """A topic, a store and the declared connector between them with ``change`` applied. A ``with`` block."""

    connector: str
    schema: str
    ask_s = 0.05  # seconds between two questions to the store

    def __init__(self, settings: Settings, change: Change) -> None:
        self.settings, self.name = settings, f"bench{uuid4().hex[:8]}"
        self._connect = ConnectClient.of(settings)
        self.topic = f"{self.name}.rows"
        topics = [NewTopic(self.topic, PARTITIONS, 1), NewTopic(f"{self.name}.dead", 1, 1)]
        self._admin = KafkaConfig.of(settings).admin()
        for created in self._admin.create_topics(topics).values():
            created.result(30)
        schema = load_schema(settings.schemas_dir / self.schema)
        with registry_client(settings) as registry:
            found = registry.register_schema(f"{self.topic}-value", Schema(json.dumps(schema), "AVRO"))
        self._encode, self._producer = Encoder(schema, found), KafkaConfig.of(settings).producer()
        declared = json.loads((settings.config_dir / "connectors" / f"{self.connector}.json").read_text())["config"]
        own = {"topics": self.topic, "errors.deadletterqueue.topic.name": f"{self.name}.dead", **self.place()}
        self.config = {name: value for name, value in (declared | own | change).items() if value is not None}

    @abstractmethod
    def place(self) -> dict[str, str]:
        """Make the store's table or collection; the connector's settings that name it."""

    @abstractmethod
    def row(self, number: int, key: str) -> Row:
        """The n-th record."""

    @abstractmethod
    def stored(self, keys: list[str]) -> Iterable[str]:
        """Those of ``keys`` that can be queried."""

    @abstractmethod
    def clear(self) -> None:
        """Take table or collection away."""

    def __enter__(self) -> Self:
        self._connect.put_config(self.name, self.config)
        until = time.monotonic() + 90
        while time.monotonic() < until:
            with suppress(ServiceError):  # it may not be known yet
                tasks = [task["state"] for task in self._connect.status(self.name)["tasks"]]
                if tasks and set(tasks) == {"RUNNING"}:
                    return self
            time.sleep(0.5)
        raise SystemExit(f"{self.name}: its tasks do not run")

    def __exit__(self, *_: object) -> None:
        self._connect.delete(self.name)
        self.clear()
        for deleted in self._admin.delete_topics([self.topic, f"{self.name}.dead"]).values():
            deleted.result(30)

    def load(self, part: str, count: int, per_second: float, patience: float = PATIENCE) -> dict[str, Any]:
        """Send records; P50 and P95 from produce to queryable in seconds, records a second, and what never came."""
        rows = [(key := record_key("bench", self.name, part, n), self._encode(self.row(n, key))) for n in range(count)]
        clock, spent = Clock(self.stored, self.ask_s), processor()

        def send(number: int) -> None:
            key, value = rows[number]
            clock.sent(key)
            self._producer.produce(self.topic, value, key)
            self._producer.poll(0)

        began = time.monotonic()
        pace(count, per_second, send)
        self._producer.flush(60)
        lost = clock.wait(patience)
        took = max(clock.last - began, 1e-6)
        cpu = {part: round((now - spent[part]) / count * 1e6) for part, now in processor().items()}
        found = {"records": count, "lost": lost, "per_second": round((count - lost) / took), "us_cpu": cpu}
        return found | percentiles(clock.taken.values())


class SnowflakeLine(Line):
    """The official connector into a table like ORDERS at the local endpoint."""

    connector, schema, ask_s = "snowflake-sink", "order_row.avsc", NewRows.ask_s

    def place(self) -> dict[str, str]:
        self.table = self.name.upper()
        script = (self.settings.config_dir / "warehouse" / "02_tables.sql").read_text()
        create = re.search(r"CREATE TABLE[^;]*RAW_DATA\.ORDERS [^;]*;", script)
        assert create is not None  # noqa: S101
        grant = f"grant insert, select, evolve schema on table MILLIONX.RAW_DATA.{self.table}"
        script = create.group().replace("RAW_DATA.ORDERS", f"RAW_DATA.{self.table}")
        warehouse.apply_ddl([f"{script}\n{grant} to role {self.settings.warehouse_role}"], self.settings)
        self._client = SnowflakeClient(self.settings, "MILLIONX.RAW_DATA")
        self._rows = NewRows(self._client, self.table)
        return {"snowflake.topic2table.map": f"{self.topic}:{self.table}"}

    def row(self, number: int, key: str) -> Row:
        return order_row(number, self.name, key)

    def stored(self, keys: list[str]) -> Iterable[str]:
        return self._rows(keys)

    def clear(self) -> None:
        self._client.close()
        warehouse.apply_ddl([f"drop table MILLIONX.RAW_DATA.{self.table}"], self.settings)


class WeaviateLine(Line):
    """Our sink in Connect into a collection like SocialPost."""

    connector, schema = "weaviate-sink", "vector_post.avsc"

    def place(self) -> dict[str, str]:
        self.collection = self.name.capitalize()
        body = json.loads((self.settings.config_dir / "weaviate" / "SocialPost.json").read_text())
        httpx.post(
            f"{self.settings.weaviate}/v1/schema", json=body | {"class": self.collection}, timeout=60
        ).raise_for_status()
        self._client = WeaviateStoreClient(self.settings)
        return {"collection.mapping": self.collection}

    def row(self, number: int, key: str) -> Row:
        return vector_post(number, self.name, key)

    def stored(self, keys: list[str]) -> Iterable[str]:
        return self._client.count(Target("", "", "", self.collection, "weaviate", ""), keys)

    def clear(self) -> None:
        self._client.close()
        with open_client(self.settings.weaviate, self.settings.weaviate_grpc, grpc_secure=False) as client:
            client.collections.delete(self.collection)


def measure(line: type[Line], settings: Settings, change: Change, trickle: tuple[int, float], burst: int) -> Any:
    """A trickle and a burst over one line, after records that open the connections of all its partitions."""
    with line(settings, change) as opened:
        opened.load("first", 20 * PARTITIONS, 0)
        return {"trickle": opened.load("trickle", *trickle), "burst": opened.load("burst", burst, 0)}
