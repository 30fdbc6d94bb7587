"""What each program does with each of its rights, and why it fails where it lacks one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.checkpoint import lease, read_checkpoint
from glue.deadletters.read import read_letters
from glue.errors import MillionXError, ServiceError
from glue.identity import REPLAY
from glue.kafka.acls import Acl, create_acl, delete_acl
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord, Sender, TransactionalProducer
from glue.kafka.reads import group_offsets, read, watermarks
from glue.kafka.topic_log import TopicLog
from glue.kafka.topics import add_partitions, create_topic, delete_records, read_topics, set_configs
from glue.person.forget import lock as person_lock
from glue.rights.forgotten import LOG_CONFIG, forgotten_log
from glue.settings import Settings
from glue.topology.memory import MemoryTopic
from glue.topology.rights import Right

RAW, SINK, LETTERS = "r.raw", "r.sink", "r.letters"
TOPICS = (RAW, SINK, LETTERS, "connectors.checkpoints", "millionx.forgotten", "millionx.requests")


def transacted(kafka: KafkaConfig, name: str, *topics: str) -> None:
    with closing(TransactionalProducer(kafka, name)) as producer:
        producer.commit([ProducerRecord(topic, b"k", b"v") for topic in topics])


def sent(kafka: KafkaConfig, right: Right) -> None:
    Sender(kafka, {"linger.ms": 0}, patience=5).send([ProducerRecord(right.name, b"k", b"v")])


def seen(kafka: KafkaConfig, right: Right) -> None:
    """Read the topic as every command does that reads one."""
    ranges = watermarks(kafka, [right.name], missing="-")
    assert sum(len(batch) for batch in read(kafka, ranges, patience=5)) > 0, f"{right.name} has a record"


def logged(kafka: KafkaConfig, right: Right) -> None:
    log = TopicLog(kafka, right.name, LOG_CONFIG)
    log.append("k", b"v")
    assert list(log.read(patience=5))


def consumed(kafka: KafkaConfig, group: str, topic: str) -> Consumer:
    """A member of ``group`` that has read a record of ``topic`` and committed it."""
    consumer = kafka.consumer(group, {"log_level": 0})
    consumer.subscribe([topic])
    for _ in range(100):
        message = consumer.poll(0.1)
        if message is not None:
            if message.error():
                consumer.close()
                raise KafkaException(message.error())
            at = TopicPartition(topic, 0, message.offset() or 0)  # the next one reads it again
            consumer.commit(offsets=[at], asynchronous=False)
            return consumer
    consumer.close()
    raise ServiceError(f"group {group}", "nothing came")


def grouped(topic: str) -> Callable[[KafkaConfig, Right], None]:
    return lambda kafka, right: consumed(kafka, right.name, topic).close()


def described(kafka: KafkaConfig, right: Right) -> None:
    group_offsets(kafka.admin(), right.name)


def counted(kafka: KafkaConfig, right: Right) -> None:
    """Partitions of the topic, and how many records each has."""
    assert watermarks(kafka, [right.name], missing="-")


def configured(kafka: KafkaConfig, right: Right) -> None:
    assert read_topics(kafka.admin(), [right.name])[right.name].effective


def transaction(name: str) -> Callable[[KafkaConfig, Right], None]:
    return lambda kafka, right: transacted(kafka, name)


def chain_transaction(kafka: KafkaConfig, right: Right) -> None:
    """As the service's writer: results, a letter and the consumer's offsets in one transaction."""
    consumer = consumed(kafka, "millionx-c", RAW)
    producer = kafka.producer({"transactional.id": "millionx-c-host-0", "log_level": 0})
    try:
        producer.init_transactions(10)
        producer.begin_transaction()
        for topic in (SINK, LETTERS):
            producer.produce(topic, b"v", b"k")
        at = [TopicPartition(RAW, 0, 0)]
        producer.send_offsets_to_transaction(at, consumer.consumer_group_metadata(), 10)
        producer.commit_transaction(10)
    except KafkaException:
        with suppress(KafkaException):  # as the service does; else the group's offsets stay unknown until it times out
            producer.abort_transaction(10)
        raise
    finally:
        consumer.close()


def leased(name: str) -> Callable[[KafkaConfig, Right], None]:
    def run(kafka: KafkaConfig, right: Right) -> None:
        with lease(kafka, name, 0):
            pass

    return run


def checkpointed(name: str) -> Callable[[KafkaConfig, Right], None]:
    def run(kafka: KafkaConfig, right: Right) -> None:
        read_checkpoint(kafka, "none", 5)
        transacted(kafka, name, right.name)

    return run


def created(kafka: KafkaConfig, right: Right) -> None:
    try:
        create_topic(kafka.admin(), right.name, 1, 1, {})
    except ServiceError as error:
        if "already exists" not in str(error):
            raise


def own_topics(kafka: KafkaConfig, right: Right) -> None:
    """As Connect's KafkaBasedLog: make sure of the topic, ask how it is cleaned, write, read."""
    created(kafka, right)
    configured(kafka, right)
    sent(kafka, right)
    seen(kafka, right)


def applied(kafka: KafkaConfig, right: Right) -> None:
    created(kafka, right)
    partitions = len(kafka.admin().list_topics(timeout=10).topics[right.name].partitions)
    if right.operation == "ALTER":
        add_partitions(kafka.admin(), right.name, partitions + 1)
    set_configs(kafka.admin(), right.name, {"retention.ms": "86400000"})


def remembered(kafka: KafkaConfig, right: Right) -> None:
    if right.operation == "CREATE":
        created(kafka, right)
    topic = MemoryTopic(kafka, "r")
    topic.note("chain", "c", {"a": 1})
    assert topic.read().applied


def locked(kafka: KafkaConfig, right: Right) -> None:
    with MemoryTopic(kafka, "r").lock() as held:
        held.check()


def acls(kafka: KafkaConfig, right: Right) -> None:
    acl = Acl("User:nobody", "allow", "READ", "topic", "nothing")
    create_acl(kafka.admin(), acl)
    delete_acl(kafka.admin(), acl)


def letters(kafka: KafkaConfig, right: Right) -> None:
    assert read_letters(kafka, [right.name]) is not None
    seen(kafka, right)
    transacted(kafka, REPLAY, right.name)


def erased(kafka: KafkaConfig, right: Right) -> None:
    """As ``mxctl person forget``: read, ask for the retention, bury, delete what is before."""
    seen(kafka, right)
    configured(kafka, right)
    sent(kafka, right)
    delete_records(kafka.admin(), {(right.name, 0): -1})


def person_locked(kafka: KafkaConfig, right: Right) -> None:
    with person_lock(kafka, Settings(), wait=0) as held:
        held.check()


def forgotten(kafka: KafkaConfig, right: Right) -> None:
    assert list(forgotten_log(kafka).read(patience=5))


def reset(kafka: KafkaConfig, right: Right) -> None:
    consumed(kafka, right.name, SINK).close()
    admin = kafka.admin()
    for future in admin.delete_consumer_groups([right.name]).values():
        future.result(10)


WITHIN_SOURCE = {
    "records": lambda name: lambda kafka, right: transacted(kafka, name, right.name),
    "refused records": lambda name: lambda kafka, right: transacted(kafka, name, right.name),
    "checkpoints": checkpointed,
    "transactions": transaction,
}
# (role, why) -> what the program does with the right
OPERATIONS: dict[tuple[str, str], Callable[[KafkaConfig, Right], Any]] = {
    **{("source-s", why): made("connectors.s") for why, made in WITHIN_SOURCE.items()},
    ("source-s", "one run at a time"): leased("s"),
    **{("webhook-s", why): made("connectors.s.webhook") for why, made in WITHIN_SOURCE.items()},
    ("webhook-s", "one run at a time"): leased("s.webhook"),
    ("webhook-s", "requests of persons"): logged,
    **{("ingest", why): made("connectors.ingest.0123") for why, made in WITHIN_SOURCE.items()},
    ("ingest", "one run at a time"): leased("ingest.0123"),
    ("chain-c", "records"): chain_transaction,
    ("chain-c", "results"): chain_transaction,
    ("chain-c", "refused records"): chain_transaction,
    ("chain-c", "offsets"): chain_transaction,
    ("chain-c", "transactions"): chain_transaction,
    ("chain-c", "whose data were erased"): forgotten,
    ("scaler", "records that wait"): counted,
    ("scaler", "where a chain stands"): described,
    ("connect", "its own topics"): own_topics,
    ("connect", "the workers' group"): grouped("connect-status"),
    ("connect", "records of k"): seen,
    ("connect", "refused records of k"): sent,
    ("connect", "offsets of k"): grouped(SINK),
    ("connect", "mxctl offsets set k"): reset,
    ("mxctl", "apply"): applied,
    ("mxctl", "what was applied"): remembered,
    ("mxctl", "one apply at a time"): locked,
    ("mxctl", "where readers stand"): described,
    ("mxctl", "ACLs"): acls,
    ("page", "records"): seen,
    ("page", "a topic's configuration"): configured,
    ("page", "where readers stand"): described,
    ("canary", "sends"): sent,
    ("canary", "follows"): seen,
    ("canary", "refused canaries"): seen,
    ("canary", "takes canaries out of stores"): sent,
    ("audit", "what stores must hold"): seen,
    ("audit", "--repair"): sent,
    ("audit", "what stores must not hold"): seen,
    ("audit", "whose data were erased"): forgotten,
    ("audit", "what sinks have read"): described,
    ("dlq", "letters"): letters,
    ("dlq", "discard --delete"): lambda kafka, right: delete_records(kafka.admin(), {(right.name, 0): -1}),
    ("dlq", "replay"): lambda kafka, right: transacted(kafka, REPLAY, right.name),
    ("dlq", "transactions"): transaction(REPLAY),
    ("person", "records"): erased,
    ("person", "letters"): erased,
    ("person", "checkpoints"): seen,
    ("person", "whose data were erased"): logged,
    ("person", "requests"): logged,
    ("person", "one erasure at a time"): person_locked,
    ("person", "where readers stand"): described,
    ("person", "transactions"): transaction(REPLAY),
    ("metrics", "totals of the sources"): seen,
}
READERS = ("source-s", "webhook-s", "ingest", "chain-c", "mxctl", "page", "canary", "audit", "dlq", "person", "metrics")
OPERATIONS |= {(role, "reads without a group"): described for role in READERS}


# In a transaction the broker's word is that of its last request; what a login may not see is missing in a list of all.
REFUSED = r"uthoriz|does not exist|not see it|not do it|failed delivery|invalid state|^'[\w.-]+'$"


def refusal(kafka: KafkaConfig, right: Right) -> str:
    """Why the operation failed; empty where it did not. A topic that a program may not see is not there for it."""
    try:
        OPERATIONS[right.role, right.why](kafka, right)
    except (MillionXError, KafkaException, KeyError) as error:
        return str(error) or type(error).__name__
    return ""
