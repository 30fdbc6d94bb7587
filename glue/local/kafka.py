"""The Kafka broker: one KRaft node that is broker and controller."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from glue.errors import MillionXError
from glue.local import jars
from glue.local.files import made_once
from glue.local.java import METRICS_PORT, jmx_agent, jmx_rules, jvm
from glue.local.part import Part, Site, slack
from glue.local.ports import answers
from glue.local.process import Launch

# A voter list, not a dynamic quorum: that would keep the controller's port in its log, and ports may change.
CONFIG = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
# One node: nothing can be replicated, and a group need not wait for members.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
default.replication.factor=1
min.insync.replicas=1
group.initial.rebalance.delay.ms=0
"""

LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}} %-5p %c{{1}}: %m%n
rootLogger.level = {level}
rootLogger.appenderRef.out.ref = out
"""


def log4j_file(folder: Path, level: str, quieter: dict[str, str] | None = None) -> Path:
    """Write the logging configuration of a JVM of Kafka: to standard output, which is the part's log."""
    lines = [LOG4J.format(level=level)]
    for number, (logger, its_level) in enumerate((quieter or {}).items()):
        lines += [f"logger.q{number}.name = {logger}\n", f"logger.q{number}.level = {its_level}\n"]
    file = folder / "log4j2.properties"
    file.write_text("".join(lines))
    return file


def cluster_id() -> str:
    """A random id in the form of Kafka's ``Uuid``; like there, none begins with "-", which tools take for an option."""
    while True:
        found = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not found.startswith("-"):
            return found


class Kafka(Part):
    """``kafka.Kafka``; healthy when it answers a metadata request."""

    name = "kafka"
    ports = ("broker", "controller", METRICS_PORT)
    grace_s = 20
    wave = 0

    def prepare(self, site: Site) -> None:
        folder = site.folder(self.name)
        jars.fetch(jars.JarLock.load()["kafka"], site.fetcher)
        data = folder / "data"
        self._config(site, "server.properties", data)
        log4j_file(folder, "WARN", {"org.apache.kafka.common.utils.AppInfoParser": "ERROR"})
        if data.exists() and not any(data.glob("*/")) and not (data / "meta.properties").exists():
            shutil.rmtree(data)  # no partition is in it: somebody's formatting was interrupted
        with made_once(data) as draft:
            if draft is not None:
                self._format(site, draft)

    def _config(self, site: Site, name: str, data: Path) -> Path:
        broker, controller = site.address(self.name, "broker"), site.address(self.name, "controller")
        file = site.folder(self.name) / name
        file.write_text(CONFIG.format(broker=broker, controller=controller, data=data))
        return file

    def _format(self, site: Site, data: Path) -> None:
        # A file of its own: what an interrupted start left running may still read the one of that start.
        config = self._config(site, f"{data.name}.properties", data)
        command = ["kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(config)]
        launch = self._java(site, command)
        done = subprocess.run(launch.argv, env=launch.env, cwd=launch.cwd, capture_output=True, text=True, check=False)
        config.unlink()
        if done.returncode:
            raise MillionXError(
                "preparing the storage of kafka",
                "\n".join((done.stdout + done.stderr).splitlines()[-20:]),
                "if its data is damaged: mxctl local down --purge, then mxctl local up",
            )

    def _java(self, site: Site, program: list[str], agent: str = "") -> Launch:
        folder = site.folder(self.name)
        files = jars.fetch(jars.JarLock.load()["kafka"], site.fetcher)
        log4j, config = folder / "log4j2.properties", folder / "server.properties"
        properties = {"log4j2.configurationFile": str(log4j)}
        watched = (config, log4j, jmx_rules(self.name))
        return jvm(folder, 512, program, properties, class_path=files, files=watched, agent=agent)

    def launch(self, site: Site) -> Launch:
        program = ["kafka.Kafka", str(site.folder(self.name) / "server.properties")]
        return self._java(site, program, jmx_agent(site, self.name))

    def healthy(self, site: Site) -> bool:
        if not answers(site.port(self.name, "broker")):
            return False
        try:
            client = AdminClient({"bootstrap.servers": site.address(self.name, "broker"), "log_level": 0})
            return bool(client.list_topics(timeout=3 * slack()).brokers)
        except KafkaException:
            return False

    def settings(self, site: Site) -> dict[str, str]:
        return {"kafka": site.address(self.name, "broker")}
