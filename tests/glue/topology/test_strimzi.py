"""The declared topology as Strimzi resources."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from glue.errors import ConfigError
from glue.kafka.acls import Acl
from glue.settings import Settings
from glue.topology.kinds.connector import Connector
from glue.topology.kinds.topic import Topic
from glue.topology.load import load
from glue.topology.model import Declared
from glue.topology.strimzi import API_VERSION, Cluster, resources, topic_names

from .project import Project
from .test_cli import mxctl

ROOT = Path(__file__).parents[3]
DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")  # RFC 1123 subdomain


def made(declared: Declared, kind: str, cluster: Cluster | None = None) -> dict:
    return {one["metadata"]["name"]: one for one in resources(declared, cluster) if one["kind"] == kind}


def declared(*connectors: Connector, **topics: Topic) -> Declared:
    return Declared("o", "p", {"topic": dict(topics), "connector": {one.name: one for one in connectors}})


def connector(name: str = "sink", **config: str) -> Connector:
    keys = {key.replace("_", "."): value for key, value in config.items()}
    return Connector(name=name, config={"connector.class": "a.Sink", **keys})


def test_every_topic_of_production() -> None:
    all_of_it = load(Settings(profile="prod"))
    found = made(all_of_it, "KafkaTopic")
    names = {one["spec"].get("topicName", name): one for name, one in found.items()}
    assert names.keys() == all_of_it.topics.keys()
    for name, topic in all_of_it.topics.items():
        spec, head = names[name]["spec"], names[name]["metadata"]
        assert names[name]["apiVersion"] == API_VERSION and DNS.fullmatch(head["name"])
        assert head["labels"]["strimzi.io/cluster"] == "millionx"
        assert (spec["partitions"], spec["replicas"]) == (topic.partitions, 3)
        assert spec["config"] == topic.config and spec["config"]["min.insync.replicas"] == "2"
    assert "topicName" not in found["source.social.tiktok"]["spec"]  # Strimzi advises against it where it is not needed


def test_names_that_kubernetes_does_not_take() -> None:
    topic = Topic(partitions=1)
    taken = ["a_b", "a-b", "a.b", "A_B", "_x", "..", "_", "x" * 249, "Y" * 249, "t-", "1.2"]
    names = topic_names(dict.fromkeys(taken, topic))
    assert [names[name] for name in ("a-b", "a.b", "x" * 249, "1.2")] == ["a-b", "a.b", "x" * 249, "1.2"]
    assert all(DNS.fullmatch(name) and len(name) <= 253 for name in names.values())
    assert len(set(names.values())) == len(taken)
    (one,) = made(declared(price_history=topic), "KafkaTopic").values()
    assert one["spec"]["topicName"] == "price_history"


def test_the_broker_decides_where_nothing_is_declared() -> None:
    (one,) = made(declared(t=Topic(partitions=2)), "KafkaTopic").values()
    assert one["spec"] == {"partitions": 2}
    (connect,) = made(declared(t=Topic(partitions=2)), "KafkaConnect").values()
    assert connect["spec"]["config"]["status.storage.replication.factor"] == -1


def test_every_connector_of_production() -> None:
    all_of_it = load(Settings(profile="prod"))
    found = made(all_of_it, "KafkaConnector")
    assert found.keys() == all_of_it.connectors.keys() == {"snowflake-sink", "weaviate-sink"}
    for name, one in all_of_it.connectors.items():
        spec = found[name]["spec"]
        assert (spec["class"], spec["tasksMax"]) == (one.plugin, int(one.config["tasks.max"]))
        own = {"connector.class", "tasks.max", "name"}
        assert spec["config"].keys() == one.config.keys() - own
        assert all(isinstance(value, str) for value in spec["config"].values())  # as Connect's REST takes them
        assert "state" not in spec
    key = found["snowflake-sink"]["spec"]["config"]["snowflake.private.key"]
    assert key == "${file:/mnt/secrets/snowflake.properties:private.key}"


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED", "STOPPED"])
def test_the_state_of_a_connector(state: str) -> None:
    one = connector().model_copy(update={"initial_state": state})
    assert made(declared(one), "KafkaConnector")["sink"]["spec"]["state"] == state.lower()


def test_files_of_secrets_are_where_strimzi_mounts_them() -> None:
    one = connector(
        plain="${file:x.properties:k}", deep="${file:a/b/y.properties:k.l}", full="${file:/etc/z:k}", both="${env:A}/b"
    )
    config = made(declared(one), "KafkaConnector")["sink"]["spec"]["config"]
    assert config == {
        "plain": "${file:/mnt/secrets/x.properties:k}",
        "deep": "${file:/mnt/secrets/y.properties:k.l}",
        "full": "${file:/etc/z:k}",
        "both": "${env:A}/b",
    }


def test_what_the_environment_takes_from_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINK_PASSWORD", "hunter2")
    monkeypatch.setenv("SINK_URL", "http://hunter2")
    one = connector(sink_password="${env:SINK_PASSWORD}", sink_url="${env:SINK_URL}", more="${env:SINK_URL}/x")
    (connect,) = made(declared(one), "KafkaConnect", Cluster(connect="c")).values()
    assert connect["spec"]["template"]["connectContainer"]["env"] == [
        {
            "name": "SINK_PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "c-connect-secrets", "key": "SINK_PASSWORD"}},
        },
        {"name": "SINK_URL", "valueFrom": {"configMapKeyRef": {"name": "c-connect-settings", "key": "SINK_URL"}}},
    ]
    allowed = re.compile(connect["spec"]["config"]["config.providers.env.param.allowlist.pattern"])
    assert allowed.fullmatch("SINK_URL") and not allowed.fullmatch("PATH")
    assert "hunter2" not in json.dumps(resources(declared(one)))


def test_connect_as_strimzi_wants_it() -> None:
    (one,) = made(load(Settings(profile="prod")), "KafkaConnect", Cluster("k", "c", "i:1", 3)).values()
    spec = one["spec"]
    assert one["metadata"]["annotations"] == {"strimzi.io/use-connector-resources": "true"}
    assert (spec["replicas"], spec["image"], spec["bootstrapServers"]) == (3, "i:1", "k-kafka-bootstrap:9092")
    # Fields of their own since v1; in config they would be refused.
    own = {"groupId", "configStorageTopic", "offsetStorageTopic", "statusStorageTopic"}
    assert own <= spec.keys()
    assert not {"group.id", "config.storage.topic", "bootstrap.servers", "plugin.path"} & spec["config"].keys()
    sinks = made(load(Settings(profile="prod")), "KafkaConnector", Cluster("k", "c")).values()
    assert {sink["metadata"]["labels"]["strimzi.io/cluster"] for sink in sinks} == {"c"}


def test_what_can_not_be_exported_is_refused() -> None:
    with pytest.raises(ConfigError, match="connector My_Sink") as told:
        resources(declared(connector("My_Sink")))
    assert "small letters" in told.value.fix
    with pytest.raises(ConfigError, match="is not a number"):
        resources(declared(connector(tasks_max="many")))


def test_the_command_prints_what_kubectl_takes(project: Project) -> None:
    project.things()
    project.profile({"topics": {"topics": {"p.things": {"replication_factor": 2}}}}, "prod")
    project.connector("sink", probe_password="${file:secrets/p.properties:password}")
    done = mxctl(project, "export", "strimzi", "--cluster", "k", "--replicas", "1")
    assert (done.returncode, done.stderr) == (0, "")
    found = list(yaml.safe_load_all(done.stdout))
    assert {one["kind"] for one in found} == {"KafkaTopic", "KafkaConnect", "KafkaConnector"}
    assert next(one for one in found if one["kind"] == "KafkaTopic")["spec"]["replicas"] == 2  # of profile prod
    as_json = mxctl(project, "export", "strimzi", "--cluster", "k", "--replicas", "1", "-o", "json")
    assert json.loads(as_json.stdout) == {"apiVersion": "v1", "kind": "List", "items": found}


def test_the_command_refuses_a_secret_in_plain_text(project: Project) -> None:
    project.things()
    project.profile({}, "prod")
    project.connector("sink", probe_password="hunter2")
    done = mxctl(project, "export", "strimzi")
    assert done.returncode == 2 and done.stdout == "" and "hunter2" not in done.stderr
    assert "config.probe.password" in done.stderr


def test_the_committed_export_is_up_to_date() -> None:
    committed = ROOT / "deploy" / "kubernetes" / "strimzi" / "topology.yaml"
    now = resources(load(Settings(profile="prod")))
    assert list(yaml.safe_load_all(committed.read_text(encoding="utf-8"))) == now, (
        "mxctl export strimzi > deploy/kubernetes/strimzi/topology.yaml"
    )


def test_users_have_the_rights_that_are_declared() -> None:
    acls = [
        Acl("User:a", "allow", "READ", "topic", "t"),
        Acl("User:a", "allow", "DESCRIBE_CONFIGS", "topic", "t"),
        Acl("User:a", "allow", "WRITE", "transactional_id", "x-", "prefixed"),
        Acl("User:b", "deny", "ALTER", "cluster", "kafka-cluster", host="10.0.0.1"),
    ]
    users = made(Declared("o", "p", {"acl": {one.label: one for one in acls}}), "KafkaUser")
    assert users["a"]["spec"]["authorization"]["acls"] == [
        {
            "type": "allow",
            "resource": {"type": "topic", "name": "t", "patternType": "literal"},
            "operations": ["DescribeConfigs", "Read"],
        },
        {
            "type": "allow",
            "resource": {"type": "transactionalId", "name": "x-", "patternType": "prefix"},
            "operations": ["Write"],
        },
    ]
    (denied,) = users["b"]["spec"]["authorization"]["acls"]
    assert denied == {"type": "deny", "resource": {"type": "cluster"}, "operations": ["Alter"], "host": "10.0.0.1"}
    with pytest.raises(ConfigError, match="Strimzi makes no user"):
        resources(Declared("o", "p", {"acl": {"x": Acl("User:CN=a,O=b", "allow", "READ", "topic", "t")}}))


def test_workers_log_in_over_tls_where_they_have_a_user() -> None:
    open_one = made(declared(), "KafkaConnect")["millionx"]["spec"]
    assert open_one["bootstrapServers"].endswith(":9092") and not {"tls", "authentication"} & open_one.keys()
    spec = made(declared(), "KafkaConnect", Cluster(user="worker"))["millionx"]["spec"]
    assert spec["bootstrapServers"] == "millionx-kafka-bootstrap:9093"
    assert spec["tls"] == {"trustedCertificates": [{"secretName": "millionx-cluster-ca-cert", "pattern": "*.crt"}]}
    password = {"secretName": "worker", "password": "password"}
    assert spec["authentication"] == {"type": "scram-sha-512", "username": "worker", "passwordSecret": password}


@pytest.mark.parametrize("profile", ["confluent-cloud", "msk", "aiven", "strimzi"])
def test_profiles_of_managed_clusters(profile: str) -> None:
    """Three copies of everything, Connect's topics with it; a registry's password is a reference below the mount."""
    found = load(Settings(profile=profile))
    topics = {one["spec"].get("topicName", name): one["spec"] for name, one in made(found, "KafkaTopic").items()}
    for name in ("connect-configs", "connect-offsets", "connect-status"):
        assert topics[name]["config"]["cleanup.policy"] == "compact"
    assert topics["connect-configs"]["partitions"] == 1, "Kafka Connect refuses more"
    for spec in topics.values():
        assert spec["replicas"] == 3 and spec["config"]["min.insync.replicas"] == "2"
    for sink in made(found, "KafkaConnector").values():
        config = sink["spec"]["config"]
        assert config["errors.deadletterqueue.topic.replication.factor"] == "3"
        logs_in = "value.converter.basic.auth.user.info" in config
        assert logs_in == (profile in ("confluent-cloud", "aiven"))
        if logs_in:
            wanted = "${file:/mnt/secrets/registry.properties:user.info}"
            assert config["value.converter.basic.auth.user.info"] == wanted
