"""A connector on the real worker, and what went in and came out."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from glue.connect import ConnectClient, ConnectNotFoundError
from glue.settings import Settings
from tests.glue.connect_python.conftest import HERE
from tests.waiting import wait_for

PREFIX = "__connect.errors."
PYTHON_PATH = f"{HERE}:{HERE}/of-{os.getpid()}"  # the second is nowhere: it tells our hosts from those of another run
Letter = dict[str, Any]


def hosts() -> list[psutil.Process]:
    """Host processes that this run of the tests had a worker start."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        line = process.info["cmdline"] or []
        path = (process.info["environ"] or {}).get("PYTHONPATH", "")
        if "glue.connect_python.host" in line and path.startswith(PYTHON_PATH):
            found.append(process)
    return found


class Bench:
    """One topic, one dead-letter topic and one file of the sink, all of their own, on a running stack."""

    def __init__(self, settings: Settings, folder: Path, partitions: int = 1) -> None:
        self.settings, self.folder = settings, folder
        self.name = f"bridge-{uuid.uuid4().hex[:8]}"
        self.topic, self.dead = f"{self.name}.in", f"{self.name}.dead"
        self.file = folder / "out.jsonl"
        self.connect = ConnectClient.of(settings)
        admin = AdminClient({"bootstrap.servers": settings.kafka})
        for topic, count in ((self.topic, partitions), (self.dead, 1)):
            admin.create_topics([NewTopic(topic, count, 1)])[topic].result(30)
        self._producer = Producer({"bootstrap.servers": settings.kafka, "linger.ms": 20})

    def produce(self, values: Iterable[Any], headers: list[tuple[str, bytes]] | None = None) -> None:
        """Values as JSON; the key is the number of the record."""
        for number, value in enumerate(values):
            data = None if value is None else json.dumps(value).encode()
            while True:
                try:
                    self._producer.produce(self.topic, data, key=str(number), headers=headers)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.flush(60)

    def config(self, **more: Any) -> dict[str, str]:
        """A file sink that tolerates errors; ``more`` in Connect's names with ``__`` for dots."""
        config = {
            "name": self.name,
            "connector.class": "bd.millionx.connect.PythonSinkConnector",
            "tasks.max": "1",
            "topics": self.topic,
            "python.class": "plugins:FileSink",
            "python.executable": sys.executable,
            "python.path": PYTHON_PATH,
            "file": str(self.file),
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": self.dead,
            "errors.deadletterqueue.topic.replication.factor": "1",
            "errors.deadletterqueue.context.headers.enable": "true",
            "consumer.override.auto.offset.reset": "earliest",
        }
        return config | {name.replace("__", "."): str(value) for name, value in more.items()}

    def faulty(self, times: int = 1_000_000, **more: Any) -> dict[str, str]:
        """The same behind a transform that does what the records say."""
        marks = self.folder / "marks"
        marks.mkdir(exist_ok=True)
        return self.config(
            transforms="f",
            transforms__f__type="bd.millionx.connect.PythonTransform$Value",
            transforms__f__class="plugins:Faulty",
            transforms__f__python__executable=sys.executable,
            transforms__f__python__path=PYTHON_PATH,
            transforms__f__marks=marks,
            transforms__f__times=times,
            **{"transforms__f__python__error__text": "true", **more},
        )

    @contextmanager
    def running(self, config: dict[str, str]) -> Iterator[None]:
        """The connector, as long as the block runs."""
        self.connect.create(self.name, {key: value for key, value in config.items() if key != "name"})
        try:
            wait_for(lambda: bool(self.states()), what="a running task")
            yield
        finally:
            self.connect.delete(self.name)

    def states(self) -> list[str]:
        """The states of the tasks; none while the worker has not heard of the connector yet."""
        try:
            return [task["state"] for task in self.connect.status(self.name)["tasks"]]
        except ConnectNotFoundError:
            return []

    def trace(self) -> str:
        """Why the task failed."""
        return str(self.connect.status(self.name)["tasks"][0].get("trace", ""))

    def lines(self) -> list[list[Any]]:
        """What the sink has written: topic, partition, offset, key, value, number of headers."""
        if not self.file.exists():
            return []
        whole, _, _ = self.file.read_text(encoding="utf-8").rpartition("\n")  # the host may be writing the last line
        return [json.loads(line) for line in whole.splitlines()]

    def wait_for_keys(self, keys: set[str]) -> None:
        """Until just these keys are written, each perhaps more than once."""
        wait_for(lambda: {line[3] for line in self.lines()} >= keys, what=f"{len(keys)} keys")
        assert {line[3] for line in self.lines()} == keys

    def letters(self, count: int) -> dict[str, Letter]:
        """The dead letters by key, once there are so many: headers without their prefix."""
        consumer = Consumer({"bootstrap.servers": self.settings.kafka, "group.id": self.name})
        consumer.assign([TopicPartition(self.dead, 0, 0)])
        found: dict[str, Letter] = {}

        def read() -> int:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                headers = {name.removeprefix(PREFIX): text.decode() for name, text in message.headers()}
                found[message.key().decode()] = headers | {"value": message.value()}
            return len(found)

        wait_for(read, lambda read: read >= count, what=f"{count} dead letters")
        consumer.close()
        return found
