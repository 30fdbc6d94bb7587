"""The loop of one worker: consume a batch, process it, commit it; hold still while a needed service is down."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from glue.avro import Encoder, encoder_for_subject
from glue.deadletters.letter import LetterMaker
from glue.errors import ServiceError, ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.privacy.keyring import load_keyring
from glue.registry import registry_client
from glue.service.batch import Batch, place_of
from glue.service.bounded import StuckError
from glue.service.config import ServiceConfig
from glue.service.decode import TopicReader
from glue.service.health import Health
from glue.service.metrics import Metrics
from glue.service.observe import observe_embedding, observe_lag
from glue.service.open import open_consumer, open_producer
from glue.service.process import Processor
from glue.service.writer import FENCED, Aborted, Writer
from glue.settings import get_settings
from glue.tracing import traces
from glue.transforms.chain import Chain
from glue.transforms.declared import DeclaredChain

log = logging.getLogger(__name__)
_LAG_EVERY = 5.0
_PAUSE = 0.5
_FRUITLESS, _LONGEST_PAUSE = 20, 30.0


class Worker:
    """One consumer, one chain, one transactional producer.

    Args:
        declared: the chain.
        instance: name of this worker; keeps its partitions over a restart (static membership) and fences a former self.
        task: its number, for the dead letters' headers.
    """

    def __init__(
        self, declared: DeclaredChain, instance: str, task: int = 0, stop: threading.Event | None = None
    ) -> None:
        self.config = ServiceConfig.of(declared)
        self.name, self.instance = declared.name, f"{self.config.group_id}-{instance}-{task}"
        self.stop = stop or threading.Event()
        self.health, self.metrics = Health(), Metrics(declared.name, self.config.topics)
        self._declared, self._task = declared, task
        self._pending: list[Any] = []
        self._holding = False
        self._batch: Batch | None = None

    def run(self) -> None:
        """Work until ``stop`` is set, then finish the batch at hand and leave.

        Raises:
            ConfigError: the chain or a setting is wrong.
            ServiceError: fenced, or a bad record with errors.tolerance=none.
        """
        settings = get_settings()
        ring = load_keyring(settings.hash_keys_file)
        chain = Chain.from_config(self._declared.config)
        try:
            observe_embedding(self.metrics, chain)
            read = TopicReader(
                registry_client(settings.registry, timeout=5, retries=0)
            )  # the service retries by itself
            encode = self._encoder(settings.registry)
            if encode is None:
                return
            letter = LetterMaker(self.name, self._task, read.decode, ring)
            fruitless = 0
            while self._with_new_clients(KafkaConfig.of(settings), chain, read, encode, letter):
                self.metrics.restarts.inc()
                fruitless = 0 if self._committed else fruitless + 1
                if fruitless > _FRUITLESS:
                    raise ServiceError("Kafka", f"{fruitless} new clients in a row got nothing done", "mxctl doctor")
                self.stop.wait(min(2.0**fruitless / 2, _LONGEST_PAUSE))
        finally:
            chain.close()

    def _with_new_clients(self, kafka: KafkaConfig, *parts: Any) -> bool:
        """Work until told to stop, or until the clients are stuck: then True, and the work goes on with new ones.

        What was not committed is read again; the new producer fences the old one, whatever that still tries.
        """
        self._committed = False
        self._consumer = open_consumer(kafka, self.config, self.instance, self._on_assign, self._on_revoke)
        try:
            self._work(kafka, *parts)
        except StuckError as error:
            log.error("%s: starting new clients", error)
            return not self.stop.is_set()
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() in FENCED:
                fix = "is another worker running under the same name?"
                raise ServiceError("Kafka", f"{reason.name()}: {reason.str()}", fix) from error
            log.error("Kafka: %s (%s): starting new clients", reason.name(), reason.str())
            return not self.stop.is_set()
        finally:
            self._batch, self._pending, self._holding, self.health.assigned = None, [], False, False
            self._consumer.close()
        return False

    def _work(self, kafka: KafkaConfig, chain: Chain, read: TopicReader, encode: Encoder, letter: LetterMaker) -> None:
        dead_topic = self.config.errors_deadletterqueue_topic_name
        writer = Writer(open_producer(kafka, self.config, self.instance), dead_topic, letter, self._go_on)
        writer.start()
        process = Processor(self.name, chain, read, encode, self.config, self._hold)
        member = self._consumer.consumer_group_metadata
        spans = traces(f"millionx-chain-{self.name}", f"chain {self.name}")
        batch = self._batch = Batch(self.name, self.config, process, writer, self.metrics, member, spans)
        log.info("chain %s: %s -> %s as %s", self.name, self.config.topics, self.config.output_topic, self.instance)
        next_lag, wait = 0.0, self.config.batch_max_wait_ms / 1000
        while not self.stop.is_set():
            self.health.beat()
            messages = self._pending or self._consumer.consume(self.config.batch_max_records, wait)
            self._pending = []
            messages = [message for message in messages if _usable(message)]
            if messages:
                try:
                    batch(messages)
                    self._committed = True
                except Aborted:
                    self.metrics.aborts.inc()
                    self._rewind(messages)
                except StuckError:
                    raise
                except BaseException:
                    writer.abort()
                    raise
                finally:
                    self._release()
            if time.monotonic() >= next_lag:
                next_lag = time.monotonic() + _LAG_EVERY
                observe_lag(self.metrics, self._consumer)

    def _rewind(self, messages: list[Any]) -> None:
        """Read again from the last commit, as far as the partitions are still ours."""
        self._pending = []
        places = {place_of(message) for message in messages}
        ours = [TopicPartition(p.topic, p.partition) for p in self._consumer.assignment()]
        for partition in self._consumer.committed([p for p in ours if (p.topic, p.partition) in places], 30):
            first = min(m.offset() for m in messages if place_of(m) == (partition.topic, partition.partition))
            partition.offset = max(first, partition.offset)  # no offset is below zero
            self._consumer.seek(partition)

    def _hold(self, seconds: float) -> bool:
        """Wait without reading on, yet alive in the group; False when the service stops."""
        if not self._holding:
            if self._batch is not None:
                self._batch.settle()
            self._holding = True
            self._consumer.pause(self._consumer.assignment())
            self.metrics.held.set(1)
            self.health.held = "a service that records need is down"
        self.metrics.retries.inc()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.is_set():
            self.health.beat()
            message = self._consumer.poll(min(left, _PAUSE))
            if message is not None:
                self._pending.append(message)
        return not self.stop.is_set()

    def _release(self) -> None:
        if self._holding:
            self._holding = False
            self._consumer.resume(self._consumer.assignment())
            self.metrics.held.set(0)
            self.health.held = ""

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        if self._holding and partitions:
            consumer.pause(partitions)
        self.health.assigned = True
        log.info("%s: %d partitions assigned", self.instance, len(partitions))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Called while polling, when no transaction is open: what is at hand and lost is left to the next owner."""
        gone = {(p.topic, p.partition) for p in partitions}
        if self._batch is not None:
            self._batch.lost |= gone
        self._pending = [message for message in self._pending if place_of(message) not in gone]
        consumer.incremental_unassign(partitions)
        log.info("%s: %d partitions handed over", self.instance, len(partitions))

    def _go_on(self) -> bool:
        self.health.beat()
        return not self.stop.is_set()

    def _encoder(self, registry: str) -> Encoder | None:
        """The sink topic's encoder; waits for the registry, None when stopped meanwhile."""
        while not self.stop.is_set():
            self.health.beat()
            try:
                return encoder_for_subject(registry_client(registry), f"{self.config.output_topic}-value")
            except ServiceUnavailableError as error:
                log.warning("%s: trying again", error)
                self.stop.wait(1)
        return None


def _usable(message: Any) -> bool:
    error = message.error()
    if error is None:
        return True
    if error.fatal():
        raise KafkaException(error)
    log.warning("consumer: %s", error.str())
    return False
