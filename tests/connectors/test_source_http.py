"""Calls to a vendor: retried by kind, bounded in time, silent about secrets. A local server, no mocks."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors.errors import CredentialError, StoppedError, ThrottledError
from connectors.http import Answer, Http, check_status, retry_after
from connectors.limits import TokenBucket
from connectors.policies import RetryPolicy, Timeouts
from connectors.stats import Stats
from glue.errors import ServiceError, ServiceUnavailableError

Play = Callable[[BaseHTTPRequestHandler], None]


class Vendor:
    """Answers each request with the next of ``plays``; the last one stays."""

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.asked = 0
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                play = vendor.plays[min(vendor.asked, len(vendor.plays) - 1)]
                vendor.asked += 1
                play(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def answer(status: int, body: bytes = b"{}", **headers: str) -> Play:
    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return play


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"half":')


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.server.shutdown()


@pytest.fixture
def http() -> Iterator[Http]:
    policy = RetryPolicy(attempts=3, base_seconds=0.01, cap_seconds=0.05, throttled_attempts=4)
    made = Http(TokenBucket(1000, 1000), policy, Timeouts(connect=1, read=1, total=1), Stats("t"), threading.Event())
    yield made
    made.close()


@pytest.mark.parametrize("bad", [answer(500), answer(502), answer(503), answer(408), cut, hang_up, answer(200, b""),
                                 answer(200, b"<html>")])  # fmt: skip
def test_what_may_pass_is_tried_again(vendor: Vendor, http: Http, bad: Play) -> None:
    vendor.plays = [bad, bad, answer(200, b'{"a":1}')]
    assert http.get_json("thing", vendor.address)[0] == {"a": 1}
    assert http.stats.attempts == {"ok": 1, "transient": 2, "throttled": 0, "blocked": 0, "refused": 0}


def test_and_given_up_after_the_policys_attempts(vendor: Vendor, http: Http) -> None:
    vendor.plays = [answer(500)]
    with pytest.raises(ServiceUnavailableError):
        http.get_json("thing", vendor.address)
    assert vendor.asked == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ServiceError), (404, ServiceError), (302, ServiceError), (401, CredentialError), (403, CredentialError)],
)
def test_a_4xx_is_an_answer(vendor: Vendor, http: Http, status: int, kind: type[Exception]) -> None:
    vendor.plays = [answer(status)]
    with pytest.raises(kind):
        http.get_json("thing", vendor.address)
    assert vendor.asked == 1


def test_throttling_waits_as_long_as_asked(vendor: Vendor, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor.plays = [answer(429, Retry_After="30"), answer(200)]
    waits: list[float] = []
    monkeypatch.setattr(http, "wait", waits.append)
    http.get_json("thing", vendor.address)
    assert waits[0] == 0
    assert 15 < waits[1] <= 30
    assert http.stats.attempts["throttled"] == 1


def test_a_wait_beyond_the_cap_is_not_waited(vendor: Vendor, http: Http) -> None:
    vendor.plays = [answer(429, Retry_After="86400")]
    with pytest.raises(ThrottledError) as caught:
        http.get_json("thing", vendor.address)
    assert caught.value.retry_after == 86400


def test_a_dripping_body_ends_at_the_deadline(vendor: Vendor, http: Http) -> None:
    vendor.plays = [drip, answer(200)]
    http.get_json("thing", vendor.address)
    assert http.stats.attempts["transient"] == 1


def test_a_stop_ends_the_waiting(vendor: Vendor) -> None:
    stop = threading.Event()
    policy = RetryPolicy(attempts=100, base_seconds=60, cap_seconds=60)
    http = Http(TokenBucket(1000, 1000), policy, Timeouts(), Stats("t"), stop)
    vendor.plays = [answer(500)]
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(StoppedError):
        http.get_json("thing", vendor.address)


@pytest.mark.parametrize("bad", [answer(500), answer(401), answer(404), cut, hang_up])
def test_no_secret_in_errors_or_logs(vendor: Vendor, http: Http, bad: Play, caplog: pytest.LogCaptureFixture) -> None:
    vendor.plays = [bad]
    with caplog.at_level(logging.DEBUG), pytest.raises((ServiceError, ServiceUnavailableError)) as caught:
        http.get_json("thing", vendor.address, {"access_token": "hush-query"}, {"X-Token": "hush-header"})
    chain: list[BaseException | None] = [caught.value, caught.value.__cause__]
    told = caplog.text + "".join(repr(one) for one in chain if one is not None)
    assert "hush" not in told


def test_retry_after_in_every_form() -> None:
    assert retry_after({"retry-after": "2.0"}) == 2.0
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    for senseless in ("", "soon", "nan", "inf"):
        assert retry_after({"retry-after": senseless}) is None
    assert retry_after({"retry-after": "-5"}) == 0.0


def test_a_2xx_passes() -> None:
    check_status("thing", Answer(204, {}, b""))


def test_a_vendor_is_reached_through_the_machines_proxy(
    vendor: Vendor, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def play(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        answer(200, b'{"a":1}')(handler)

    vendor.plays = [play]
    monkeypatch.setenv("http_proxy", vendor.address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert http.get_json("thing", "http://vendor.test/orders")[0] == {"a": 1}
    with tempfile.TemporaryFile() as file:
        http.download("file", "http://vendor.test/file", file)
    http.get_json("thing", f"{vendor.address}/near")
    assert asked == ["http://vendor.test/orders", "http://vendor.test/file", "/near"]
