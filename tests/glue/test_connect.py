"""The Connect client against a loopback server that answers what a worker can answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from glue.connect import ConnectClient, ConnectNotFoundError, RebalancingError, UnexpectedAnswerError
from glue.errors import ServiceError, ServiceUnavailableError, Terminal, Transient, UsageError
from tests.waiting import wait_for

Answer = tuple[int, Any]


class FakeWorker:
    """Answers from a script, the last answer for ever; keeps what it was asked."""

    def __init__(self) -> None:
        self.script: list[Answer] = [(200, {})]
        self.slow = threading.Event()
        self.slow.set()
        self.asked: list[tuple[str, str, Any]] = []
        worker = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                worker.asked.append((self.command, self.path, body))
                worker.slow.wait(10)
                status, data = worker.script.pop(0) if len(worker.script) > 1 else worker.script[0]
                raw = b"" if data is None else data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def worker() -> Iterator[FakeWorker]:
    made = FakeWorker()
    yield made
    made.close()


def client(worker: FakeWorker, **options: Any) -> ConnectClient:
    return ConnectClient(worker.url, **{"timeout": 5, "patience": 5, **options})


REBALANCE: Answer = (
    409,
    {"error_code": 409, "message": "Cannot complete request momentarily due to stale configuration"},
)


def test_rebalance_is_waited_out(worker: FakeWorker) -> None:
    worker.script = [REBALANCE, REBALANCE, (200, {"name": "a"})]
    client(worker).put_config("a", {"x": "1"})
    assert [(method, path) for method, path, _ in worker.asked] == [("PUT", "/connectors/a/config")] * 3


def test_a_rebalance_told_as_500_is_waited_out(worker: FakeWorker) -> None:
    text = "Request cannot be completed because a rebalance is expected"
    worker.script = [(500, {"error_code": 500, "message": text}), (200, {})]
    client(worker).put_config("a", {})
    assert len(worker.asked) == 2


def test_rebalance_is_waited_out_within_a_bound(worker: FakeWorker) -> None:
    worker.script = [REBALANCE]
    with pytest.raises(RebalancingError) as caught:
        client(worker, patience=1).put_config("a", {"x": "1"})
    assert isinstance(caught.value, Transient) and "rebalancing" in caught.value.why
    assert len(worker.asked) < 6


def test_a_name_that_is_taken_is_no_rebalance(worker: FakeWorker) -> None:
    worker.script = [(409, {"error_code": 409, "message": "Connector a already exists"})]
    with pytest.raises(ServiceError) as caught:
        client(worker).create("a", {})
    assert isinstance(caught.value, Terminal) and len(worker.asked) == 1


def test_gateway_errors_are_retried_and_refusals_are_not(worker: FakeWorker) -> None:
    worker.script = [(503, {}), (502, {}), (200, {"task.max": "1"})]
    assert client(worker).config("a") == {"task.max": "1"}
    worker.script, worker.asked = [(400, {"message": "bad"})], []
    with pytest.raises(ServiceError):
        client(worker).put_config("a", {})
    assert len(worker.asked) == 1


def test_a_post_is_not_sent_twice(worker: FakeWorker) -> None:
    worker.script = [(503, {"message": "gone"})]
    with pytest.raises(ServiceError):
        client(worker).restart("a")
    assert len(worker.asked) == 1


@pytest.mark.parametrize("ask", [lambda one: one.put_config("a", {}), lambda one: one.create("a", {})])
def test_a_config_is_waited_for_as_long_as_its_validation_may_take(
    worker: FakeWorker, ask: Callable[[ConnectClient], None]
) -> None:
    """Not asked for again meanwhile: a worker that is busy with a plugin would have more to do with each."""
    worker.slow.clear()
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask, client(worker, timeout=0.1))
        assert wait_for(lambda: worker.asked)
        with pytest.raises(ServiceUnavailableError):
            client(worker, timeout=0.1, retries=1).root()
        worker.slow.set()
        asking.result()
    assert len([path for _, path, _ in worker.asked if path != "/"]) == 1


def test_a_worker_that_timed_out_is_transient(worker: FakeWorker) -> None:
    worker.script = [(500, {"error_code": 500, "message": "Request timed out"})]
    with pytest.raises(ServiceUnavailableError):
        client(worker).put_config("a", {})


def test_names_are_quoted(worker: FakeWorker) -> None:
    client(worker).config("a+b c?d#é;")
    assert worker.asked[0][1] == "/connectors/a%2Bb%20c%3Fd%23%C3%A9%3B/config"


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a\\b", "a%2Fb", " a", "a\n", ""])
def test_a_name_that_rest_can_not_carry_is_refused_before_a_call(worker: FakeWorker, name: str) -> None:
    for call in (client(worker).status, client(worker).delete, client(worker).pause):
        with pytest.raises(UsageError, match="REST"):
            call(name)
    with pytest.raises(UsageError, match="REST"):
        client(worker).create(name, {})
    assert worker.asked == []


HALF = [{}, None, {"info": {}, "status": {}}, {"info": {"config": {}}, "status": None}]
NO_CONNECTORS = [[], ["a"], "text", 7, None, {"message": "x"}, *({"a": one} for one in HALF)]
NOT_VALIDATED = [{}, [], {"configs": [], "error_count": 1}, {"configs": [{}], "error_count": 0}]


@pytest.mark.parametrize(
    ("call", "answers"),
    [
        (lambda one: one.root(), [[], {}, "text", None]),
        (lambda one: one.connectors(), NO_CONNECTORS),
        (lambda one: one.status("a"), [[], {}, {"connector": {}}, {"connector": {}, "tasks": {}}, None]),
        (lambda one: one.config("a"), [[], "text", None]),
        (lambda one: one.tasks("a"), [{}, ["a"], None]),
        (lambda one: one.topics("a"), [{}, {"b": {"topics": []}}, {"a": {}}, {"a": []}]),
        (lambda one: one.offsets("a"), [{}, [], {"offsets": {}}, {"offsets": [{}]}, {"offsets": None}]),
        (lambda one: one.plugins(), [{}, ["a"], [{}], None]),
        (lambda one: one.plugin_config("P"), [{}, [{}], None]),
        (lambda one: one.validate("P", {}), NOT_VALIDATED),
        (lambda one: one.reset_offsets("a"), [{}, [], None]),
        (lambda one: one.loggers(), [[], None]),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_an_error_and_never_read_as_nothing(
    worker: FakeWorker, call: Any, answers: list[Any]
) -> None:
    for answer in answers:
        worker.script = [(200, answer)]
        with pytest.raises(UnexpectedAnswerError):
            call(client(worker))


def test_a_page_in_place_of_an_answer_is_an_error(worker: FakeWorker) -> None:
    worker.script = [(200, b"<html>log in</html>")]
    with pytest.raises(UnexpectedAnswerError, match="does not answer as Kafka Connect does"):
        client(worker).connectors()
    with pytest.raises(UnexpectedAnswerError):
        client(worker).put_config("a", {})


def test_not_found(worker: FakeWorker) -> None:
    worker.script = [(404, {"message": "Connector a not found"})]
    with pytest.raises(ConnectNotFoundError):
        client(worker).config("a")


def test_no_answer_says_where_and_hides_the_login() -> None:
    with pytest.raises(ServiceUnavailableError) as caught:
        ConnectClient("http://user:hunter2@127.0.0.1:9", retries=0).root()
    assert "hunter2" not in str(caught.value) and "127.0.0.1:9" in caught.value.why


def test_unknown_fields_and_states_pass(worker: FakeWorker) -> None:
    body = {
        "a": {"status": {"connector": {"state": "DREAMING"}, "tasks": [], "new": 1}, "info": {"config": {}}, "more": []}
    }
    worker.script = [(200, body)]
    assert client(worker).connectors() == body


def validation(*entries: tuple[str, Any, list[str]]) -> Answer:
    configs = [
        {"definition": {"name": n, "type": "STRING"}, "value": {"name": n, "value": v, "errors": e}}
        for n, v, e in entries
    ]
    return 200, {"error_count": 1, "configs": configs}


SECRET = "kHf83jdkQlmn"


def test_validation_tells_fields_and_never_what_the_worker_resolved(worker: FakeWorker) -> None:
    worker.script = [
        validation(
            ("url", f"http://{SECRET}@host", [f"url: cannot reach http://{SECRET}@host"]),
            ("db.password", "[hidden]", [f"Invalid value {SECRET} for configuration db.password"]),
            ("number", "x", ["Invalid value x for configuration number: Not a number"]),
            ("other", None, [f"other: the key {SECRET[2:9]} is not good"]),
            ("login", "robin", ["login: Cannot connect to the warehouse"]),
            ("count", None, [f"Invalid value {SECRET} for configuration count"]),
            ("plain", "z", [f"plain: the host answered {SECRET}"]),
        )
    ]
    config = {
        "url": "${env:URL}",
        "db.password": "${file:s:p}",
        "number": "x",
        "other": "y",
        "login": "${env:L}",
        "count": "${env:C}",
        "plain": "z",
    }
    told = client(worker).validate("P", config)
    assert set(told) == set(config)
    assert told["number"] == ["Invalid value x for configuration number: Not a number"]
    assert told["login"] == ["login: Cannot connect to the warehouse"]
    assert "resolved secret" in told["count"][0] and "resolved secret" in told["db.password"][0]
    for start in range(len(SECRET) - 4):
        assert SECRET[start : start + 5] not in str(told)


def test_validation_that_breaks_shows_nothing_of_the_config(worker: FakeWorker) -> None:
    worker.script = [(500, {"message": f"Must configure one of: {{password={SECRET}}}"})]
    with pytest.raises(ServiceError) as caught:
        client(worker).validate("P", {"password": "${env:P}"})
    assert SECRET not in f"{caught.value} {caught.value.fix}"


def test_calls_are_counted(worker: FakeWorker) -> None:
    one = client(worker)
    one.connectors()
    one.connectors()
    assert one.calls == 2
