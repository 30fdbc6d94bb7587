"""The declared topology as resources of the Strimzi operator: KafkaTopic, KafkaConnect, KafkaConnector, KafkaUser.

API ``kafka.strimzi.io/v1`` (Strimzi 0.49 and newer). Secrets stay references that the worker resolves: ``${env:NAME}``
becomes an entry of the worker's environment that names a Secret or a ConfigMap, and ``${file:secrets/NAME:KEY}`` points
to where that Secret is mounted. No value of a secret is ever read.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from glue.errors import ConfigError
from glue.identity import WORKER_GROUP
from glue.secrets import is_secret_key
from glue.topology.acl_forms import kafka_users
from glue.topology.kinds.connector import Connector
from glue.topology.kinds.topic import Topic
from glue.topology.model import Declared
from glue.topology.rights import WORKER_TOPICS

API_VERSION = "kafka.strimzi.io/v1"
MOUNT = "/mnt/secrets"  # Strimzi mounts volumes of one's own only below /mnt
_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_RELATIVE_FILE = re.compile(r"\$\{file:(?!/)(?:[^:{}]*/)?([^/:{}]+):")
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LONGEST = 253
_OWN = ("name", "connector.class", "tasks.max", "connector.plugin.version")  # have fields of their own
# As the other workers of this project, but for the time that a worker which restarts has before its tasks move.
_WORKER = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": False,
    "connector.client.config.override.policy": "All",
    "plugin.discovery": "hybrid_warn",
    "offset.flush.interval.ms": 5000,
    "task.shutdown.graceful.timeout.ms": 10_000,
    "scheduled.rebalance.max.delay.ms": 60_000,
    "config.providers": "env,file",
    "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
    "config.providers.file.param.allowed.paths": MOUNT,
}


@dataclass(frozen=True)
class Cluster:
    """What the files do not say about a cluster on Kubernetes.

    Attributes:
        kafka: name of the ``Kafka`` resource that the topics belong to.
        connect: name of the ``KafkaConnect`` resource. The ConfigMap ``<connect>-connect-settings`` and the Secret
            ``<connect>-connect-secrets`` hold what its environment and ``/mnt/secrets`` take.
        image: a worker's image on Strimzi's own base, with the plugins and Python.
        replicas: workers.
        bootstrap: bootstrap servers; empty for the plain listener of ``kafka``, with a user for the one with TLS.
        user: ``KafkaUser`` that the workers and their connectors log in as, by the password in the Secret of its name
            (SCRAM-SHA-512), over TLS with the cluster's own authority; empty for none of it.
    """

    kafka: str = "millionx"
    connect: str = "millionx"
    image: str = "millionx/connect-strimzi:0.1.0"
    replicas: int = 2
    bootstrap: str = ""
    user: str = ""


def resources(declared: Declared, cluster: Cluster | None = None) -> list[dict[str, Any]]:
    """Every resource, topics first, each kind in the order of its names.

    Raises:
        ConfigError: a connector's name is none that Kubernetes takes.
    """
    where = cluster or Cluster()
    names = topic_names(declared.topics)
    made = [_topic(names[name], name, topic, where) for name, topic in sorted(declared.topics.items())]
    made.append(_connect(declared, where))
    made += [_connector(one, where) for _, one in sorted(declared.connectors.items())]
    return [*made, *kafka_users(declared.of("acl").values(), where.kafka)]


def topic_names(topics: dict[str, Topic]) -> dict[str, str]:
    """Kafka's name → ``metadata.name``: the same where Kubernetes takes it, else made legal, with a hash of it."""
    return {name: name if _legal(name) else _made_legal(name) for name in topics}


def _legal(name: str) -> bool:
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None


def _made_legal(name: str) -> str:
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    parts = (re.sub(r"[^a-z0-9-]", "-", part).strip("-") for part in name.lower().split("."))
    kept = ".".join(part for part in parts if part)[: _LONGEST - len(mark) - 1].rstrip(".-")
    return f"{kept}-{mark}" if kept else f"topic-{mark}"


def _topic(resource: str, name: str, topic: Topic, cluster: Cluster) -> dict[str, Any]:
    spec: dict[str, Any] = {} if resource == name else {"topicName": name}
    spec["partitions"] = topic.partitions
    if topic.replication_factor > 0:  # else the broker decides
        spec["replicas"] = topic.replication_factor
    if topic.config:
        spec["config"] = dict(sorted(topic.config.items()))
    return _resource("KafkaTopic", resource, cluster.kafka, spec)


def _connector(connector: Connector, cluster: Cluster) -> dict[str, Any]:
    if not _legal(connector.name):
        why = "Strimzi gives a connector the name of its resource, and Kubernetes does not take this one"
        raise ConfigError(f"connector {connector.name}", why, "name it with small letters, digits, '-' and '.'")
    spec: dict[str, Any] = {"class": connector.plugin}
    if "tasks.max" in connector.config:
        spec["tasksMax"] = _number(connector, connector.config["tasks.max"])
    if "connector.plugin.version" in connector.config:
        spec["version"] = connector.config["connector.plugin.version"]
    if connector.initial_state:
        spec["state"] = connector.initial_state.lower()
    spec["autoRestart"] = {"enabled": True}
    spec["config"] = {key: _mounted(value) for key, value in connector.config.items() if key not in _OWN}
    return _resource("KafkaConnector", connector.name, cluster.connect, spec)


def _number(connector: Connector, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ConfigError(f"connector {connector.name}", "tasks.max is not a number", "correct its file") from None


def _mounted(value: str) -> str:
    """A relative ``${file:…}`` has no meaning in Strimzi's worker: it becomes one below the mounted Secret."""
    return _RELATIVE_FILE.sub(lambda found: f"${{file:{MOUNT}/{found.group(1)}:", value)


def _connect(declared: Declared, cluster: Cluster) -> dict[str, Any]:
    settings, secrets = f"{cluster.connect}-connect-settings", f"{cluster.connect}-connect-secrets"
    environment = []
    for name, secret in sorted(_variables(declared).items()):
        kind, place = ("secretKeyRef", secrets) if secret else ("configMapKeyRef", settings)
        environment.append({"name": name, "valueFrom": {kind: {"name": place, "key": name}}})
    copies = max((topic.replication_factor for topic in declared.topics.values()), default=-1)
    config: dict[str, Any] = {f"{part}.storage.replication.factor": copies for part in ("config", "offset", "status")}
    config |= _WORKER
    if environment:
        config["config.providers.env.param.allowlist.pattern"] = "|".join(str(one["name"]) for one in environment)
    container: dict[str, Any] = {
        "env": environment,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "secrets", "mountPath": MOUNT, "readOnly": True}],
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {
                    "matchLabels": {"strimzi.io/cluster": cluster.connect, "strimzi.io/kind": "KafkaConnect"}
                },
            }
        ],
        "volumes": [{"name": "secrets", "secret": {"secretName": secrets}}],
    }
    spec = {
        "replicas": cluster.replicas,
        "image": cluster.image,
        "bootstrapServers": cluster.bootstrap or f"{cluster.kafka}-kafka-bootstrap:{9093 if cluster.user else 9092}",
        **(_login(cluster) if cluster.user else {}),
        "groupId": WORKER_GROUP,
        **{f"{part}StorageTopic": topic for part, topic in WORKER_TOPICS.items()},
        "config": config,
        "jvmOptions": {"-Xms": "512m", "-Xmx": "768m"},
        # heap, the JVM's own memory, and one Python process for each task of a connector that is written in Python
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
        "template": {"pod": pod, "connectContainer": container},
    }
    made = _resource("KafkaConnect", cluster.connect, "", spec)
    made["metadata"]["annotations"] = {"strimzi.io/use-connector-resources": "true"}
    return made


def _login(cluster: Cluster) -> dict[str, Any]:
    """TLS and a password, which the operator gives the worker and its producers, consumers and admin clients alike."""
    password = {"secretName": cluster.user, "password": "password"}
    return {
        "tls": {"trustedCertificates": [{"secretName": f"{cluster.kafka}-cluster-ca-cert", "pattern": "*.crt"}]},
        "authentication": {"type": "scram-sha-512", "username": cluster.user, "passwordSecret": password},
    }


def _variables(declared: Declared) -> dict[str, bool]:
    """Names of the environment variables that connectors refer to, and whether each holds a secret."""
    found: dict[str, bool] = {}
    for connector in declared.connectors.values():
        for key, value in connector.config.items():
            for name in _ENV.findall(value):
                found[name] = found.get(name, False) or is_secret_key(key)
    return found


def _resource(kind: str, name: str, cluster: str, spec: dict[str, Any]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "millionx"}
    if cluster:
        labels["strimzi.io/cluster"] = cluster
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}
