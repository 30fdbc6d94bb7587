"""What the doctor says of a listener that cannot be used: each cause in its own words, on real sockets and real TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import time
from typing import Any

import pytest

from glue.local.certificates import HERE, Authority
from glue.settings import Settings
from glue.topology.doctor import _clock, _kafka, _redis
from glue.topology.reach import KAFKA_HELLO, Way, way_to
from glue.topology.services import Services

DAY = timedelta(days=1)
HELLO_BACK = bytes.fromhex("0000000600000001 0000")


@contextlib.contextmanager
def listener(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port where somebody answers Kafka's first request as a broker does; one that sends anything else is cut off."""

    def serve(link: socket.socket) -> None:
        with contextlib.suppress(OSError), link:
            link.settimeout(5)
            spoken = context.wrap_socket(link, server_side=True) if context else link
            if spoken.recv(64)[:4] == KAFKA_HELLO[:4]:
                spoken.sendall(HELLO_BACK)
            spoken.close()

    def accept() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(link,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def tls(certificate: Path, clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("theirs") / "tls"  # an authority is named after the folder around it
    folder.mkdir()
    return Authority(folder)


def said(port: int, **how: Any) -> str:
    reason = Way("127.0.0.1", port, KAFKA_HELLO, **how).problem()
    return f"{reason.why} | {reason.fix}" if reason else ""


def test_nobody_listens(unused: int = 9) -> None:
    assert "nobody listens at 127.0.0.1:9" in said(unused)
    reason = Way("no-such-host.invalid", 9092, KAFKA_HELLO).problem()
    assert reason and "no address is known for the name no-such-host.invalid" in reason.why


def test_tls_needed_and_tls_not_spoken(ours: Authority) -> None:
    trusted = str(ours.certificate)
    with listener(tls(ours.issue("broker", HERE))) as port:
        assert said(port, tls=True, ca_file=trusted) == ""
        assert f"127.0.0.1:{port} speaks TLS only | use https" == said(port)
    with listener() as port:
        assert said(port) == ""
        assert f"127.0.0.1:{port} speaks no TLS" in said(port, tls=True, ca_file=trusted)


def test_each_fault_of_a_certificate(ours: Authority, theirs: Authority) -> None:
    trusted = str(ours.certificate)
    with listener(tls(ours.issue("elsewhere", ["kafka.example"]))) as port:
        assert "the certificate is for kafka.example, not for 127.0.0.1" in said(port, tls=True, ca_file=trusted)
        assert said(port, tls=True, ca_file=trusted, check_name=False) == ""
    with listener(tls(theirs.issue("broker", HERE))) as port:
        words = said(port, tls=True, ca_file=trusted)
        assert "is signed by CN=millionx" in words and "not trusted here | trust the authority" in words
    with listener(tls(ours.issue("ended", HERE, -3 * DAY, -DAY))) as port:
        words = said(port, tls=True, ca_file=trusted)
        assert f"the certificate of 127.0.0.1:{port} ended on 20" in words and "renew it on the server" in words
    with listener(tls(ours.issue("early", HERE, DAY, 3 * DAY))) as port:
        words = said(port, tls=True, ca_file=trusted)
        assert "is valid only from 20" in words and "set the clock of this machine" in words


def test_certificates_of_clients(ours: Authority, theirs: Authority) -> None:
    trusted = str(ours.certificate)
    with listener(tls(ours.issue("broker", HERE), ours.certificate)) as port:
        good, other = ours.issue("me"), theirs.issue("me")
        assert said(port, tls=True, ca_file=trusted, certificate_file=str(good)) == ""
        assert "asks for a client certificate" in said(port, tls=True, ca_file=trusted)
        assert "refuses the client certificate" in said(port, tls=True, ca_file=trusted, certificate_file=str(other))
        ended = ours.issue("was", begins=-3 * DAY, ends=-DAY)
        assert "it has ended" in said(port, tls=True, ca_file=trusted, certificate_file=str(ended))
    assert "the files of TLS cannot be read: No such file" in said(port_of_nobody(), tls=True, ca_file="/none.pem")


def port_of_nobody() -> int:
    """Somebody who takes connections and says nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    KEPT.append(server)
    return int(server.getsockname()[1])


KEPT: list[socket.socket] = []


def test_the_doctor_says_it_of_kafka_and_of_redis(ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    with listener(tls(ours.issue("broker", HERE))) as port:
        (found,) = _kafka(Services(Settings(kafka=f"127.0.0.1:{port}")))
        assert (found.state, found.detail) == ("fail", f"127.0.0.1:{port} speaks TLS only")
        assert found.fix == "MXCTL_KAFKA_SECURITY_PROTOCOL=SASL_SSL, or SSL where nobody logs in"
        (found,) = _redis(Services(Settings(redis=f"redis://me:hush@127.0.0.1:{port}/0")))
        assert "speaks TLS only" in found.detail and "rediss://" in found.fix and "hush" not in str(found)
    assert way_to("rediss://a:b@h/0?ssl_ca_certs=/ca.pem").ca_file == "/ca.pem"


@pytest.mark.parametrize(("shift", "word"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_wrong(shift: int, word: str) -> None:
    class Shifted(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time() + shift, usegmt=True)

        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Shifted) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (found,) = _clock(Services(Settings(registry=url, connect=url)))
        server.shutdown()
    assert found.state == "fail" and f" s {word} that of {url}" in found.detail
