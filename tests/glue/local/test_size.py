"""How many brokers and workers a stack has: asked for once, kept, and refused where data is in the way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.local.connect import Connect
from glue.local.downloads import Fetcher
from glue.local.kafka import Kafka, bootstrap
from glue.local.part import Site
from glue.local.report import Reporter
from glue.local.services import Chain
from glue.local.size import Size, cluster_id, make_size, size_of
from glue.local.stack import Stack
from glue.local.state import State
from glue.settings import Settings

QUIET = Reporter(quiet=True)


def names(root: Path) -> list[str]:
    return [part.name for part in Stack(root, QUIET, [Kafka(), Connect()]).parts]


def test_a_stack_keeps_the_size_that_it_was_made_with(tmp_path: Path) -> None:
    assert names(tmp_path) == ["kafka", "connect"]
    make_size(tmp_path, 3, 2)
    made = size_of(tmp_path)
    make_size(tmp_path, None, None)
    assert size_of(tmp_path) == made
    assert names(tmp_path) == ["kafka", "kafka-2", "kafka-3", "connect", "connect-2"]


def test_another_number_of_brokers_needs_a_purge_and_of_workers_does_not(tmp_path: Path) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    make_size(tmp_path, 1, 2)
    with pytest.raises(ConfigError, match="its brokers are 1") as refused:
        make_size(tmp_path, 3, None)
    assert "mxctl local down --purge" in refused.value.fix
    assert refused.value.exit_code == 2
    assert size_of(tmp_path) == Size(1, 2)
    Stack(tmp_path, QUIET, [Kafka()]).down(purge=True)
    make_size(tmp_path, 3, None)
    assert size_of(tmp_path).brokers == 3


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "size.json").write_text("{}}")
    with pytest.raises(ConfigError, match=r"size\.json"):
        size_of(tmp_path)


def test_three_brokers_share_a_cluster_and_ask_for_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_size(tmp_path, 3, None)
    size, state = size_of(tmp_path), State(tmp_path / "state.json")
    for number, broker in enumerate(Kafka().copies(size), 1):
        ports = {port: 10 * number + at for at, port in enumerate(broker.ports)}
        state.part(broker.name).ports = ports
    site = Site(tmp_path, state, Settings(), Fetcher(QUIET), QUIET, threading.Event(), size=size)
    monkeypatch.setattr("glue.local.jars.fetch", lambda *_: [])
    monkeypatch.setattr(Kafka, "_format", lambda *_: None)
    for broker in Kafka().copies(size):
        broker.prepare(site)
    assert bootstrap(site) == "127.0.0.1:10,127.0.0.1:20,127.0.0.1:30"
    for number, name in enumerate(("kafka", "kafka-2", "kafka-3"), 1):
        lines = (tmp_path / name / "server.properties").read_text().splitlines()
        assert f"node.id={number}" in lines
        assert "controller.quorum.voters=1@127.0.0.1:11,2@127.0.0.1:21,3@127.0.0.1:31" in lines
        assert {"default.replication.factor=3", "min.insync.replicas=2"} < set(lines)
        assert {"transaction.state.log.replication.factor=3", "transaction.state.log.min.isr=2"} < set(lines)


def test_an_instance_of_a_chain_has_a_name_of_its_own() -> None:
    first, second = Chain("posts"), Chain("posts", 2)
    assert (first.name, first.instance) == ("chain-posts", "local")
    assert (second.name, second.instance) == ("chain-posts-2", "local-2")


def test_an_id_of_a_cluster_is_never_taken_for_an_option() -> None:
    made = {cluster_id() for _ in range(5000)}
    assert len(made) == 5000
    assert not [one for one in made if one.startswith("-")]
    assert {len(one) for one in made} == {22}
