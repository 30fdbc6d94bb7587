"""Several workers of one Connect cluster: who is asked when one is dead, refuses, hangs or is about to stop."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from glue.connect import ConnectClient
from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.settings import Settings
from glue.topology.doctor import _connect
from glue.topology.services import Services
from tests.glue.test_connect import FakeWorker

DEAD = "http://127.0.0.1:9"
ROOT = {"version": "4.2.2", "kafka_cluster_id": "c"}


@pytest.fixture
def worker() -> Iterator[FakeWorker]:
    made = FakeWorker()
    made.script = [(200, ROOT)]
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[FakeWorker]:
    made = FakeWorker()
    made.script = [(200, ROOT)]
    yield made
    made.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A worker that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def client(*urls: str, **options: Any) -> ConnectClient:
    return ConnectClient(" , ".join(urls), **{"timeout": 0.3, "patience": 0, **options})


def test_the_next_worker_is_asked_when_one_is_dead_and_then_first(worker: FakeWorker) -> None:
    connect = client(DEAD, worker.url + "/")
    assert connect.shown_url == DEAD
    connect.root()
    connect.create("a", {})
    assert [method for method, _, _ in worker.asked] == ["GET", "POST"]
    assert (connect.shown_url, connect.urls) == (worker.url, [worker.url, DEAD])


def test_the_next_worker_is_asked_when_one_hangs(silent: str, worker: FakeWorker) -> None:
    connect = client(silent, worker.url)
    connect.put_config("a", {"x": "1"})
    assert [path for _, path, _ in worker.asked] == ["/connectors/a/config"] and connect.shown_url == worker.url


def test_the_next_worker_is_asked_when_one_is_about_to_stop(worker: FakeWorker, other: FakeWorker) -> None:
    worker.script = [(503, {"message": "stopping"})]
    connect = client(worker.url, other.url)
    connect.root()
    assert (len(worker.asked), len(other.asked), connect.shown_url) == (1, 1, other.url)


def test_a_worker_that_dies_later_is_left_for_the_other(worker: FakeWorker, other: FakeWorker) -> None:
    connect = client(worker.url, other.url)
    connect.root()
    worker.close()
    connect.root()
    assert (len(worker.asked), len(other.asked)) == (1, 1)


@pytest.mark.parametrize("call", [lambda one: one.create("a", {}), lambda one: one.alter_offsets("a", [])])
def test_what_must_not_be_done_twice_is_asked_of_one_alone(silent: str, worker: FakeWorker, call: Any) -> None:
    with pytest.raises(ServiceUnavailableError) as caught:
        call(client(silent, worker.url))
    assert worker.asked == [] and silent in caught.value.why and worker.url not in caught.value.why


def test_a_refusal_is_the_clusters_and_not_asked_again(worker: FakeWorker, other: FakeWorker) -> None:
    worker.script = [(400, {"message": "bad"})]
    with pytest.raises(ServiceError, match="400: bad"):
        client(worker.url, other.url).put_config("a", {})
    assert len(worker.asked) == 1 and other.asked == []


def test_an_error_names_all_that_were_tried_and_no_login(silent: str) -> None:
    with pytest.raises(ServiceUnavailableError) as caught:
        client("http://me:hunter2@127.0.0.1:9", silent, timeout=0.2).root()
    assert "127.0.0.1:9 does not answer" in caught.value.why and f"{silent} does not answer" in caught.value.why
    assert "hunter2" not in str(caught.value)


def test_when_all_are_about_to_stop_the_last_answer_is_told(worker: FakeWorker, other: FakeWorker) -> None:
    worker.script = other.script = [(503, {"message": "stopping"})]
    with pytest.raises(ServiceError, match="503: stopping"):
        client(worker.url, other.url).root()
    assert (len(worker.asked), len(other.asked)) == (1, 1)


@pytest.mark.parametrize("text", ["", " , ", "http://a,ftp://me:hunter2@b", "a:8083"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an http") as caught:
        ConnectClient(text)
    assert "hunter2" not in str(caught.value)


def test_the_doctor_names_the_worker_that_is_away(worker: FakeWorker) -> None:
    settings = Settings(connect=f"{DEAD},{worker.url}", connect_user="", connect_password_file=None)
    services = Services(settings)
    services.__dict__["cluster_id"] = "c"
    found = [one for one in _connect(services) if one.check == "connect"]
    assert [one.state for one in found] == ["ok", "warn"]
    assert worker.url in found[0].detail and f"one worker of several: {DEAD}: nobody listens" in found[1].detail
