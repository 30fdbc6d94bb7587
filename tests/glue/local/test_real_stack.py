"""The life of a real stack: up, used, killed in part, repaired, down, and up again on other ports with its data."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from glue.local import process
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.settings import Settings, get_settings
from glue.transforms.declared import chain_names
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
OBJECT = "7f2c1e5a-0000-4000-8000-000000000001"
TOPIC = "life-of-a-stack"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("MXCTL_WEAVIATE_BINARY", raising=False)
    get_settings.cache_clear()
    yield tmp_path
    Stack(tmp_path, Reporter(quiet=True)).down()
    get_settings.cache_clear()


def listeners(root: Path) -> set[tuple[str, int]]:
    """Address and port of everything on which a process of the stack listens."""
    return {
        (one.laddr.ip, one.laddr.port)
        for found in process.marked(root)
        for one in found.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    }


def write(settings: Settings) -> None:
    """Leave something in every part that keeps data."""
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    admin.create_topics([NewTopic(TOPIC, 1)])[TOPIC].result(20)
    producer = Producer({"bootstrap.servers": settings.kafka, "transactional.id": "life"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(TOPIC, b"kept")
    producer.commit_transaction(30)
    schema = {"schema": json.dumps({"type": "string"})}
    requests.post(f"{settings.registry}/subjects/{TOPIC}-value/versions", json=schema, timeout=20).raise_for_status()
    redis.Redis.from_url(settings.redis).set("life", "kept")
    collection = {"class": "Life", "vectorizer": "none"}
    requests.post(f"{settings.weaviate}/v1/schema", json=collection, timeout=20).raise_for_status()
    entry = {"class": "Life", "id": OBJECT, "properties": {"text": "kept"}, "vector": [1.0, 0.0]}
    requests.post(f"{settings.weaviate}/v1/objects", json=entry, timeout=20).raise_for_status()


def assert_written(settings: Settings) -> None:
    """What :func:`write` left is there."""
    options = {"group.id": "life", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": settings.kafka, **options})
    consumer.subscribe([TOPIC])
    message = wait_for(lambda: consumer.poll(5), lambda found: found is not None, what="the record that was kept")
    consumer.close()
    assert message.value() == b"kept"
    found = requests.get(f"{settings.registry}/subjects", timeout=20).json()
    assert found == [f"{TOPIC}-value"]
    assert redis.Redis.from_url(settings.redis).get("life") == b"kept"
    entry = requests.get(f"{settings.weaviate}/v1/objects/Life/{OBJECT}?include=vector", timeout=20).json()
    assert (entry["properties"]["text"], entry["vector"]) == ("kept", [1.0, 0.0])


def kill_up(root: Path, when: Callable[[], Any], *options: str) -> None:
    """``mxctl local up`` ends by SIGKILL at a certain point."""
    with (root / "up.log").open("ab") as log:
        child = subprocess.Popen([sys.executable, "-m", "glue", "local", "up", *options], stdout=log, stderr=log)

    def there() -> Any:
        assert child.poll() is None, (root / "up.log").read_text()
        return when()

    wait_for(there, seconds=400, what="the point at which it is killed")
    child.kill()
    child.wait()


def started(root: Path, *names: str) -> bool:
    """Whether the state names a process for each of these parts."""
    file = root / "state.json"
    parts = json.loads(file.read_text())["parts"] if file.exists() else {}
    return all(parts.get(name, {}).get("pid") for name in names)


def test_the_life_of_a_stack(root: Path) -> None:
    stack = Stack(root, Reporter(quiet=True))
    # Killed while the disk of Kafka is formatted, then while parts start.
    kill_up(root, lambda: list((root / "kafka").glob("data.*.tmp")), "--no-services")
    kill_up(root, lambda: started(root, "kafka", "registry", "connect"), "--no-services")
    settings = stack.up(services=False)
    write(settings)

    # Nothing is open to others, and everything that was promised is open.
    open_ports = listeners(root)
    assert {address for address, _ in open_ports} == {"127.0.0.1"}
    promised = {f"{part.name} {name}": port for part in stack.status() for name, port in part.ports.items()}
    del promised["kafka oauth"], promised["kafka mtls"]  # kept for `--secure`; nobody listens there on this stack
    assert {name for name, port in promised.items() if port not in {number for _, number in open_ports}} == set()
    assert len(open_ports) == len(promised)

    # A page of another site may read and delete nothing.
    foreign = {"Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE"}
    allowed = requests.options(f"{settings.weaviate}/v1/schema/Life", headers=foreign, timeout=20).headers
    assert allowed.get("Access-Control-Allow-Origin") not in ("*", foreign["Origin"])

    # Topics are declared, never made by a typo.
    asked = AdminClient({"bootstrap.servers": settings.kafka}).list_topics("typo", timeout=20).topics["typo"]
    assert asked.error is not None
    assert asked.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    plugins = requests.get(f"{settings.connect}/connector-plugins?connectorsOnly=false", timeout=20).json()
    classes = {plugin["class"] for plugin in plugins}
    assert {
        "com.snowflake.kafka.connector.SnowflakeSinkConnector",
        "io.confluent.connect.avro.AvroConverter",
        "bd.millionx.connect.PythonSinkConnector",
    } <= classes

    # Two parts die; the others are left alone by the repair.
    before = {part.name: part.pid for part in stack.status()}
    for name in ("kafka", "weaviate"):
        psutil.Process(before[name]).send_signal(signal.SIGKILL)

    def dead() -> set[str]:
        return {part.name for part in stack.status() if part.state == "dead"}

    wait_for(dead, {"kafka", "weaviate"}.__eq__, seconds=120, what="two dead parts and no third")
    stack.up(services=False)
    after = {part.name: part.pid for part in stack.status()}
    changed = {name for name in before if before[name] != after[name]}
    # A worker that lost its broker may not answer in time, and is then started again as well.
    assert {"kafka", "weaviate"} <= changed <= {"kafka", "weaviate", "connect"}
    assert_written(settings)

    # Down leaves no process; up on other ports has the same data.
    stack.down()
    assert not list(process.marked(root))
    assert {part.state for part in stack.status()} == {"stopped"}
    state = json.loads((root / "state.json").read_text())
    for part in state["parts"].values():
        part["ports"] = {}
    (root / "state.json").write_text(json.dumps(state))
    again = stack.up(services=False)
    assert again.kafka != settings.kafka
    assert_written(again)

    # Killed while the topology is applied; then all of it, and a second time nothing is touched.
    kill_up(root, lambda: requests.get(f"{again.connect}/connectors", timeout=20).json())
    stack.up()
    pids = {part.name: (part.state, part.pid) for part in stack.status()}
    assert {f"chain-{chain}" for chain in chain_names()} < pids.keys()
    assert {state for state, _ in pids.values()} == {"running"}
    assert {address for address, _ in listeners(root)} == {"127.0.0.1"}
    stack.up()
    assert {part.name: (part.state, part.pid) for part in stack.status()} == pids
    stack.down()
    assert not list(process.marked(root))
