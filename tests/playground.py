"""A playground on the real broker and registry: topics and subjects of its own, made records, and what came out."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from confluent_kafka.admin import NewTopic
from confluent_kafka.schema_registry import Schema

from glue.avro import Decoder, Encoder, load_schema
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import read_topics
from glue.registry import registry_client
from glue.service.worker import Worker
from glue.settings import Settings
from glue.transforms.declared import DeclaredChain
from tests.waiting import PATIENCE, wait_for

SCHEMAS = Path(__file__).parents[1] / "schemas"
WHEN = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
PARTITIONS = 4
POSTS = {
    "transforms": "validate,scrub,hash,enrich,shape",
    "transforms.validate.type": "glue.transforms.validate:Validate",
    "transforms.scrub.type": "glue.transforms.scrub:ScrubPII",
    "transforms.hash.type": "glue.transforms.identity:HashIdentity",
    "transforms.enrich.type": "glue.transforms.enrich:EnrichProducts",
    "transforms.shape.type": "glue.transforms.post:ToEnrichedPost",
}


def a_post(number: int, **fields: Any) -> dict[str, Any]:
    """A good SocialPost."""
    return {
        "post_id": str(number),
        "platform": "tiktok",
        "content": f"post number {number} about shoes",
        "author_username": f"user{number % 50}",
        "url": None,
        "hashtags": [],
        "product_mentions": [],
        "product_ids": [],
        "likes": number,
        "comments": 0,
        "shares": 0,
        "engagement_count": 0,
        "posted_at": WHEN,
        "collected_at": WHEN,
        **fields,
    }


class Watched(Worker):
    """A worker that tells when it has ended."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ended = threading.Event()


class Playground:
    """One chain's topics: ``source``, ``output``, ``dead``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        name = uuid4().hex[:8]
        self.name = f"play{name}"
        self.source, self.output, self.dead = (f"play.{name}.{part}" for part in ("source", "output", "dead"))
        admin = KafkaConfig.of(settings).admin()
        topics = [NewTopic(topic, PARTITIONS, 1) for topic in (self.source, self.output, self.dead)]
        for future in admin.create_topics(topics).values():
            future.result(30)
        self.registry = registry_client(settings)
        self.encode = self.register(self.source, load_schema(SCHEMAS / "social_post.avsc"))
        self.register(self.output, load_schema(SCHEMAS / "enriched_post.avsc"))
        self.producer = KafkaConfig.of(settings).producer()
        self.sent: list[str] = []

    def register(self, topic: str, schema: dict[str, Any]) -> Encoder:
        return Encoder(schema, self.registry.register_schema(f"{topic}-value", Schema(json.dumps(schema), "AVRO")))

    def chain(self, **config: str) -> DeclaredChain:
        base = {
            "topics": self.source,
            "output.topic": self.output,
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": self.dead,
            "session.timeout.ms": "6000",
            **POSTS,
        }
        return DeclaredChain(name=self.name, config=base | {name.replace("__", "."): v for name, v in config.items()})

    def key(self, number: int) -> str:
        return record_key(self.name, number)

    def send(self, number: int, value: bytes | None = None, **fields: Any) -> str:
        """Produce a post (or raw bytes) under the key of ``number``."""
        key = self.key(number)
        while True:
            try:
                self.producer.produce(self.source, value or self.encode(a_post(number, **fields)), key)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.sent.append(key)
        return key

    def flush(self) -> None:
        assert self.producer.flush(60) == 0

    def read(self, topic: str) -> list[Any]:
        """All committed messages of a topic now."""
        return [message for _, message in read_topics(KafkaConfig.of(self.settings), [topic])]

    def keys(self, topic: str) -> list[str]:
        return [message.key().decode() for message in self.read(topic) if message.key() is not None]

    def value(self, message: Any) -> dict[str, Any]:
        return Decoder(self.registry)(message.value())[0]

    def until(self, count: int, seconds: float = PATIENCE) -> tuple[list[str], list[str]]:
        """Wait until output and dead letters hold ``count`` records together; the keys of both."""
        return wait_for(lambda: self._both(), lambda both: len(both[0]) + len(both[1]) >= count, seconds, "all is out")

    def _both(self) -> tuple[list[str], list[str]]:
        return self.keys(self.output), self.keys(self.dead)

    @contextmanager
    def working(self, instance: str = "a", **config: str) -> Iterator[Watched]:
        """A worker in a thread; its error, if any, is raised at the end."""
        worker = Watched(self.chain(**config), instance)
        errors: list[BaseException] = []

        def run() -> None:
            try:
                worker.run()
            except BaseException as error:
                errors.append(error)
            finally:
                worker.ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield worker
        finally:
            worker.stop.set()
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the worker does not end"
        if errors:
            raise errors[0]


class Cable:
    """A line to 127.0.0.1:``port`` that can be cut and mended; connect to ``self.port`` instead."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        self._cut = False
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and each new one at once."""
        self._cut = True
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._cut = False

    def _serve(self) -> None:
        while True:
            near, _ = self._server.accept()
            if self._cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += near, far
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(a, b), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
