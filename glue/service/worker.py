"""One worker of a chain: what it needs is opened, its loop runs, and Kafka clients that are stuck are replaced."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException

from glue.avro import Encoder, encoder_for_subject
from glue.deadletters.letter import LetterMaker
from glue.errors import ServiceError, ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import FENCED
from glue.overlay import declared_merchants
from glue.privacy.keyring import load_keyring
from glue.registry import registry_client
from glue.rights.forgotten import Watch
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader
from glue.service.health import Health
from glue.service.loop import Loop
from glue.service.metrics import Metrics
from glue.service.process import Processor
from glue.service.transaction import StuckError, TransactionalWriter
from glue.settings import Settings, get_settings
from glue.tracing import traces
from glue.transforms.chain import Chain
from glue.transforms.declared import DeclaredChain

log = logging.getLogger(__name__)
_FRUITLESS, _LONGEST_PAUSE = 20, 30.0
_FAREWELL, _LOOK = 5.0, 0.1
_COMMON = {
    "logger": logging.getLogger("glue.kafka"),  # librdkafka's own lines, in the format of all others
    "reconnect.backoff.ms": 250,
    "reconnect.backoff.max.ms": 5_000,
}


class Worker:
    """One consumer, one chain, one transactional producer.

    Args:
        declared: the chain.
        instance: name of this worker; keeps its partitions over a restart (static membership), and fences a previous
            worker of that name.
        task: its number, for the dead letters' headers.
    """

    def __init__(
        self, declared: DeclaredChain, instance: str, task: int = 0, stop: threading.Event | None = None
    ) -> None:
        self.config = ServiceConfig.of(declared)
        self.name, self.instance = declared.name, f"{self.config.group_id}-{instance}-{task}"
        self.stop = stop or threading.Event()
        self.health, self.metrics = (
            Health(),
            Metrics(declared.name, self.config.topics, declared_merchants(get_settings())),
        )
        self._declared, self._task = declared, task

    def run(self) -> None:
        """Work until ``stop`` is set, then finish the current batch and leave.

        Raises:
            ConfigError: the chain or a setting is wrong.
            ServiceError: fenced, or a bad record with errors.tolerance=none.
        """
        settings = get_settings()
        ring = load_keyring(settings.hash_keys_file)
        watch = Watch(KafkaConfig.of(settings), ring)
        chain = Chain.from_config(self._declared.config)
        try:
            self.metrics.observe_embedding(chain)
            read = TopicReader(registry_client(settings, timeout=5, retries=0))  # the loop retries
            encode = self._encoder(settings)
            if encode is None:
                return
            if not self._until_known(watch):
                return
            process = Processor(self.name, chain, read, encode, self.config, watch.known)
            letter = LetterMaker(self.name, self._task, read.decode, ring)
            fruitless = 0
            while (committed := self._with_new_clients(process, letter)) is not None:
                self.metrics.restarts.inc()
                fruitless = 0 if committed else fruitless + 1
                if fruitless > _FRUITLESS:
                    raise ServiceError("Kafka", f"{fruitless} new clients in a row committed nothing", "mxctl doctor")
                self.stop.wait(min(2.0**fruitless / 2, _LONGEST_PAUSE))
        finally:
            watch.close()
            chain.close()

    def _with_new_clients(self, process: Processor, letter: LetterMaker) -> bool | None:
        """Work until told to stop (None), or until the clients are stuck: whether they committed anything.

        What was not committed is read again; the new producer fences the stuck one, whatever that still tries.
        """
        loop: Loop | None = None
        consumer = self._consumer()
        try:
            dead_topic = self.config.errors_deadletterqueue_topic_name
            writer = TransactionalWriter(self._producer(), dead_topic, letter, self._go_on)
            spans = traces(f"millionx-chain-{self.name}", f"chain {self.name}")
            loop = Loop(
                self.name, self.config, consumer, writer, process, self.metrics, self.health, self.stop, spans
            )  # fmt: skip
            writer.start()
            log.info("chain %s: %s -> %s as %s", self.name, self.config.topics, self.config.output_topic, self.instance)
            loop.run()
        except StuckError as error:
            log.error("%s: starting new clients", error)
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() in FENCED:
                fix = "is another worker running under the same name?"
                raise ServiceError("Kafka", f"{reason.name()}: {reason.str()}", fix) from error
            log.error("Kafka: %s (%s): starting new clients", reason.name(), reason.str())
        finally:
            self.health.assigned = False
            if self.stop.is_set():
                _leave(consumer)
            with suppress(KafkaException):
                consumer.poll(0)  # a rebalance that waits is served first: librdkafka can hang when it closes over one
            consumer.close()
        return None if self.stop.is_set() else loop is not None and loop.committed

    def _consumer(self) -> Any:
        """A static member of the group, with bounded memory.

        Each rebalance hands out every partition (an eager protocol). A cooperative one takes two, and only who gave
        something up asks for the second: a static member that comes back between them does not know, and what it
        should have given up belongs to nobody.
        """
        session = self.config.session_timeout_ms
        return KafkaConfig.of(get_settings()).consumer(
            self.config.group_id,
            {
                "client.id": self.instance,
                "group.instance.id": self.instance,
                "partition.assignment.strategy": "roundrobin",
                "session.timeout.ms": session,
                "heartbeat.interval.ms": max(300, min(1000, session // 3)),  # how soon it hears that another one left
                "queued.max.messages.kbytes": self.config.buffer_max_kbytes,
                "fetch.queue.backoff.ms": 10,
                # Without records; the first one that comes is answered at once. Most of an idle broker's work is this.
                "fetch.wait.max.ms": 2000,
                **_COMMON,
            },
        )

    def _producer(self) -> Any:
        """A transactional producer: a second one of the same instance fences the first."""
        return KafkaConfig.of(get_settings()).producer(
            {
                "client.id": self.instance,
                "transactional.id": self.instance,
                "transaction.timeout.ms": self.config.transaction_timeout_ms,
                "queue.buffering.max.kbytes": 65_536,
                **_COMMON,
            },
        )

    def _go_on(self) -> bool:
        self.health.beat()
        return not self.stop.is_set()

    def _until_known(self, watch: Watch) -> bool:
        """Read who is forgotten before the first record; False when stopped while Kafka does not answer."""
        while not self.stop.is_set():
            self.health.beat()
            try:
                watch.start()
                return True
            except ServiceUnavailableError as error:
                log.warning("%s: trying again", error)
                self.stop.wait(1)
        return False

    def _encoder(self, settings: Settings) -> Encoder | None:
        """The sink topic's encoder; waits for the registry, None when stopped meanwhile."""
        while not self.stop.is_set():
            self.health.beat()
            try:
                return encoder_for_subject(registry_client(settings), f"{self.config.output_topic}-value")
            except ServiceUnavailableError as error:
                log.warning("%s: trying again", error)
                self.stop.wait(1)
        return None


def _leave(consumer: Any) -> None:
    """Give the partitions to the others now: those of a static member that only closes rest until its session ends
    (KIP-345). Its name is for crashes, after which it comes back under it.
    """
    until = time.monotonic() + _FAREWELL
    with suppress(KafkaException):  # who is fenced or finds no broker is missed when its session ends
        consumer.unsubscribe()
        while consumer.memberid() and time.monotonic() < until:  # librdkafka forgets it as it sends the farewell
            consumer.poll(_LOOK)
