"""The Kafka brokers: one KRaft node or several, each of them broker and controller."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from confluent_kafka import KafkaException

from glue.errors import MillionXError
from glue.files import made_once, write_private
from glue.kafka.config import KafkaConfig, read_properties
from glue.local import jars
from glue.local.java import METRICS_PORT, jmx_agent, jmx_rules, jvm, properties_file
from glue.local.oidc import Oidc
from glue.local.part import Part, Site, slack
from glue.local.ports import answers
from glue.local.process import Launch
from glue.local.security import ADMIN, AUDIENCE, BROKER
from glue.local.size import Size, cluster_id, numbered

# A voter list, not a dynamic quorum: that would keep the controller's port in its log, and ports may change.
# A full disk can damage the log of topics and rights: a broker then goes on from its last snapshot, else an hour old.
CONFIG = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
log.dirs={data}
metadata.log.max.snapshot.interval.ms=60000
auto.create.topics.enable=false
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=4
default.replication.factor={copies}
min.insync.replicas={in_sync}
# A group need not wait for members.
group.initial.rebalance.delay.ms=0
"""
OPEN = """\
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
# Passwords, tokens and certificates, each on a listener; whoever logs in may do what an ACL says, and nothing without.
SECURE = """\
listeners=SASL_SSL://{broker},OAUTH://{oauth},MTLS://{mtls},CONTROLLER://{controller}
advertised.listeners=SASL_SSL://{broker},OAUTH://{oauth},MTLS://{mtls}
listener.security.protocol.map=SASL_SSL:SASL_SSL,OAUTH:SASL_SSL,MTLS:SSL,CONTROLLER:SSL
inter.broker.listener.name=MTLS
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.mtls.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={security}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={security}.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config={security}.plain.PlainLoginModule required {plain};
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config={security}.oauthbearer.OAuthBearerLoginModule required \
 unsecuredLoginStringClaim_sub="{broker_user}" ssl.truststore.type="PEM" ssl.truststore.location="{authority}";
listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=\
{security}.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.oauth.oauthbearer.sasl.oauthbearer.jwks.endpoint.url={issuer}/jwks
listener.name.oauth.oauthbearer.sasl.oauthbearer.expected.issuer={issuer}
listener.name.oauth.oauthbearer.sasl.oauthbearer.expected.audience={audience}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{broker_user};User:{admin}
"""
HEAP_MB, HEAP_OF_SEVERAL_MB = 512, 256
_ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls"  # where a JVM of Kafka may fetch keys and tokens

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


def brokers(size: Size) -> tuple[Kafka, ...]:
    """All of a stack."""
    return tuple(map(Kafka, range(1, size.brokers + 1)))


def bootstrap(site: Site) -> str:
    """The addresses of all brokers."""
    return ",".join(site.address(one.name, "broker") for one in brokers(site.size))


class Kafka(Part):
    """``kafka.Kafka``; healthy when it answers a metadata request and names itself."""

    ports = ("broker", "controller", METRICS_PORT, "oauth", "mtls")
    grace_s = 20
    wave = 0

    def __init__(self, number: int = 1) -> None:
        self.number, self.name = number, numbered("kafka", number)

    def copies(self, size: Size) -> tuple[Part, ...]:
        return (self, *brokers(size)[1:])

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
        at = {port: site.address(self.name, port) for port in ("broker", "controller", "oauth", "mtls")}
        file, secured = site.folder(self.name) / name, site.security
        voters = (f"{one.number}@{site.address(one.name, 'controller')}" for one in brokers(site.size))
        values: dict[str, object] = {**at, "data": data, "number": self.number, "voters": ",".join(voters)}
        values |= {"copies": site.size.brokers, "in_sync": site.size.in_sync}
        if secured is not None:
            values |= {
                "certificate": secured.certificate(BROKER),
                "authority": secured.authority,
                "security": "org.apache.kafka.common.security",
                "plain": " ".join(f'user_{user}="{password}"' for user, password in secured.passwords.items()),
                "issuer": Oidc().issuer(site),
                "audience": AUDIENCE,
                "broker_user": BROKER,
                "admin": ADMIN,
            }
        write_private(file, properties_file((CONFIG + (SECURE if secured else OPEN)).format(**values)))
        return file

    def _format(self, site: Site, data: Path) -> None:
        # A file of its own: what an interrupted start left running may still read the one of that start.
        config = self._config(site, f"{data.name}.properties", data)
        command = ["kafka.tools.StorageTool", "format", "-t", site.size.cluster or cluster_id(), "-c", str(config)]
        for user, password in site.security.passwords.items() if site.security else ():
            for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256"):
                command += ["--add-scram", f'{mechanism}=[name="{user}",password="{password}"]']
        launch = self._java(site, command)
        done = subprocess.run(launch.argv, env=launch.env, cwd=launch.cwd, capture_output=True, text=True, check=False)
        config.unlink()
        if done.returncode:
            why = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
            fix = "if its data is damaged: mxctl local down --purge, then mxctl local up"
            raise MillionXError(f"preparing the storage of {self.name}", why, fix)

    def _java(self, site: Site, program: list[str], agent: str = "") -> Launch:
        folder = site.folder(self.name)
        files = jars.fetch(jars.JarLock.load()["kafka"], site.fetcher)
        log4j, config = folder / "log4j2.properties", folder / "server.properties"
        properties = {"log4j2.configurationFile": str(log4j)}
        if site.security:
            properties[_ALLOWED_URLS] = f"{Oidc().issuer(site)}/jwks"
        watched = (config, log4j, jmx_rules("kafka"))
        return jvm(
            folder,
            HEAP_MB if site.size.brokers == 1 else HEAP_OF_SEVERAL_MB,
            program,
            properties,
            class_path=files,
            files=watched,
            agent=agent,
        )

    def launch(self, site: Site) -> Launch:
        program = ["kafka.Kafka", str(site.folder(self.name) / "server.properties")]
        return self._java(site, program, jmx_agent(site, self.name, "kafka"))

    def healthy(self, site: Site) -> bool:
        if not answers(site.port(self.name, "broker")):
            return False
        try:
            client = self._reached(site).admin({"log_level": 0})
            return self.number in client.list_topics(timeout=3 * slack()).brokers
        except KafkaException:
            return False

    def settings(self, site: Site) -> dict[str, str]:
        found = {"kafka": bootstrap(site)}
        return {**found, "kafka_properties_file": str(site.security.kafka())} if site.security else found

    def _reached(self, site: Site) -> KafkaConfig:
        known = read_properties(site.security.kafka()) if site.security else {}
        return KafkaConfig(site.address(self.name, "broker"), known)
