"""The official connector in the stack's own worker, on topics and tables of one test."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

from confluent_kafka import Message
from confluent_kafka.admin import NewTopic

from glue.avro import AvroSchema, Encoder, load_schema
from glue.connect import ConnectClient, ConnectNotFoundError
from glue.errors import MillionXError
from glue.kafka.config import KafkaConfig
from glue.local.ports import is_free
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.registry import Schema, registry_client
from glue.settings import Settings, state_dir
from glue.stores.snowflake import client as warehouse
from tests.sandbox.snowflake.endpoint import ROOT
from tests.sandbox.snowflake.rows import Topic
from tests.stores import scripts, snowflake
from tests.waiting import wait_for

ASKED = 120  # seconds: an answer may take long on a busy machine, and what checks a config logs in
Found = list[tuple[Any, ...]]


class Pipeline:
    """One topic, its dead letters, one table and the declared connector between them, under names of their own."""

    def __init__(self, settings: Settings, table: str = "ORDERS", script: str = "", partitions: int = 2) -> None:
        self.settings, self.table = settings, table
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self._connect = ConnectClient.of(settings, timeout=ASKED)
        self.topic, self.dead = f"{self.name}.rows", f"{self.name}.dead"
        warehouse.apply_ddl([*scripts(settings), script], settings)
        admin = KafkaConfig.of(settings).admin()
        topics = [NewTopic(self.topic, partitions, 1), NewTopic(self.dead, 1, 1)]
        for created in admin.create_topics(topics).values():
            created.result()
        declared = json.loads((ROOT / "connect-config" / "connectors" / "snowflake-sink.json").read_text())["config"]
        own = {"topics": self.topic, "snowflake.topic2table.map": f"{self.topic}:{table}"}
        self.config = declared | own | {"errors.deadletterqueue.topic.name": self.dead}
        self.schema = load_schema(ROOT / "schemas" / "order_row.avsc")

    def __enter__(self) -> Pipeline:
        self.put()
        self.until(lambda: self.tasks() and set(self.tasks()) == {"RUNNING"}, "the tasks run")
        return self

    def __exit__(self, *_: object) -> None:
        self._connect.delete(self.name)

    def put(self) -> None:
        """Create or change the connector."""
        self._connect.put_config(self.name, self.config)

    def restart(self) -> None:
        """Restart connector and tasks, and wait until they run."""
        self._connect.restart(self.name)
        time.sleep(2)  # else the old tasks are the ones that run
        self.until(lambda: self.tasks() and set(self.tasks()) == {"RUNNING"}, "the tasks run")

    def by_partition(self, keys: set[str]) -> dict[int, list[str]]:
        """Keys of the topic's records in their order, by partition."""
        found: dict[int, list[tuple[int, str]]] = {}
        consumer = KafkaConfig.of(self.settings).consumer(f"{self.name}-{uuid.uuid4().hex}")
        consumer.subscribe([self.topic])
        left = set(keys)

        def read() -> bool:
            for message in consumer.consume(1000, 1.0):
                if not message.error() and (key := message.key().decode()) in keys:
                    found.setdefault(message.partition(), []).append((message.offset(), key))
                    left.discard(key)
            return not left

        try:
            self.until(read, "the topic is read")
        finally:
            consumer.close()
        return {partition: [key for _, key in sorted(records)] for partition, records in found.items()}

    def tasks(self) -> list[str]:
        """States of the tasks."""
        try:
            return [task["state"] for task in self._connect.status(self.name)["tasks"]]
        except ConnectNotFoundError:
            return []

    def encoder(self, schema: AvroSchema) -> Encoder:
        """Register a schema for the topic; an encoder of it."""
        registry = registry_client(self.settings)
        found = registry.register_schema(f"{self.topic}-value", Schema(json.dumps(schema), "AVRO"))
        return Encoder(schema, found)

    def producer(self, schema: AvroSchema | None = None) -> Topic:
        """Writes rows to the topic."""
        return Topic(self.settings, self.topic, self.encoder(schema or self.schema))

    def fields(self, *names: str, **added: Any) -> AvroSchema:
        """The row schema with these fields only (all, if none is named), and with new ones: name -> Avro type."""
        kept = [field for field in self.schema["fields"] if not names or field["name"] in names]
        new = [
            {"name": name, "type": kind} | ({"default": None} if "null" in kind else {}) for name, kind in added.items()
        ]
        return {**self.schema, "fields": [*kept, *new]}

    def rows(self, columns: str) -> Found:
        """What this topic brought to the table."""
        sql = f"select {columns} from {self.table} where RECORD_METADATA:topic::varchar = '{self.topic}'"
        with snowflake(self.settings) as client:
            return client.query(sql).rows

    def keys(self) -> list[str]:
        """Keys of all rows, doubles included."""
        return [key for (key,) in self.rows("RECORD_KEY")]

    def arrived(self, keys: set[str]) -> None:
        """Wait until these keys are in the table, then assert that they are there once and nothing else is."""
        self.until(lambda: set(self.keys()) >= keys, f"{len(keys)} rows are there")
        time.sleep(3)  # a double would come after
        found = self.keys()
        assert (len(found), set(found) - keys, keys - set(found)) == (len(keys), set(), set())

    def dead_letters(self, count: int) -> list[Message]:
        """Wait for so many dead letters."""
        letters: list[Message] = []
        consumer = KafkaConfig.of(self.settings).consumer(f"{self.name}-{uuid.uuid4().hex}")
        consumer.subscribe([self.dead])
        try:
            self.until(
                lambda: letters.extend(consumer.consume(100, 1.0)) or len(letters) >= count, f"{count} dead letters"
            )
        finally:
            consumer.close()
        return letters

    def until(self, true: Callable[[], Any], what: str) -> None:
        """Wait until something holds; what does not answer meanwhile is asked again."""

        def ask() -> Any:
            try:
                return (true(), "")
            except MillionXError as error:
                return (False, error)

        wait_for(ask, lambda answer: answer[0], what=what)


def kill(part: str) -> None:
    """SIGKILL a part of the stack, and wait until it has let go of its ports."""
    state = json.loads((state_dir() / "state.json").read_text())["parts"][part]
    os.kill(state["pid"], signal.SIGKILL)
    # Its threads end one by one: a process that is dead already may hold its sockets a little longer.
    wait_for(lambda: all(is_free(port) for port in state["ports"].values()), what=f"{part} lets go of its ports")


def start_again() -> Settings:
    """Start again what was killed; the settings to reach it, as a part may get another port."""
    return Stack(state_dir(), Reporter(quiet=True)).up(services=False)
