"""Credentials and trust for services by HTTP, against a real TLS server under an authority of the test's own."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from glue.connect import ConnectClient
from glue.errors import ConfigError, ServiceError, ServiceUnavailableError
from glue.local.certificates import HERE, Authority
from glue.registry import incompatibilities, registry_client, subject_names
from glue.settings import Settings, read_token
from glue.stores.postgres.client import connection_options as postgres_options
from glue.stores.snowflake.client import connection_options as snowflake_options
from glue.stores.weaviate.rest import Rest


class Server(ThreadingHTTPServer):
    """Answers ``[]`` and keeps who asked: the Authorization header, and the name in the client's certificate."""

    def __init__(self, context: ssl.SSLContext, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.socket, self.status, self.seen = context.wrap_socket(self.socket, server_side=True), status, list[Any]()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """A refused handshake is no news."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        peer = self.connection.getpeercert() or {}  # type: ignore[attr-defined]
        subject = dict(one[0] for one in peer.get("subject", ()))
        self.server.seen.append((self.headers.get("Authorization"), subject.get("commonName")))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        body = self.body().encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def body(self) -> str:
        if self.path == "/token":
            return '{"access_token": "made-token", "expires_in": 600}'
        return '{"is_compatible": true}' if "compatibility" in self.path else "[]"

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def serve(authority: Authority, name: str = "server", status: int = 200, **issued: Any) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(name, **{"hosts": HERE, **issued}))
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    return Server(context, status)


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    running = serve(authority)
    yield running
    running.shutdown()


def secret(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "secret"
    file.write_text(text + "\n")
    return file


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def settings(server: Server, authority: Authority, **more: Any) -> Settings:
    ca = {"registry_ca_file": authority.certificate, "connect_ca_file": authority.certificate}
    return Settings(registry=server.url, connect=server.url, **ca, **more)


def test_a_changed_password_is_taken_without_a_restart(server: Server, authority: Authority, tmp_path: Path) -> None:
    file = secret(tmp_path, "one")
    connect = ConnectClient.of(settings(server, authority, connect_user="u", connect_password_file=file))
    connect.plugins()
    secret(tmp_path, "two")
    connect.plugins()
    assert [who for who, _ in server.seen] == [basic("u", "one"), basic("u", "two")]


def test_the_registry_is_asked_with_a_password(server: Server, authority: Authority, tmp_path: Path) -> None:
    given = settings(server, authority, registry_user="u", registry_password_file=secret(tmp_path, "p:w"))
    assert subject_names(registry_client(given)) == set()
    assert incompatibilities(given, "a", {"type": "string"}) is None
    assert [who for who, _ in server.seen] == [basic("u", "p:w")] * 2


def test_a_token_of_a_file_is_read_for_each_request(server: Server, authority: Authority, tmp_path: Path) -> None:
    given = settings(server, authority, registry_token_file=secret(tmp_path, "t1"))
    registry = registry_client(given)
    subject_names(registry)
    secret(tmp_path, "t2")
    subject_names(registry)
    assert [who for who, _ in server.seen] == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("text", ["-----BEGIN KEY-----\nAAAA", "two words", "ключ", "a\x00\tb"])
def test_a_file_that_holds_no_token_is_named_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="one word of ASCII") as refused:
        read_token(secret(tmp_path, text))
    assert text not in str(refused.value)
    weaviate = Rest(Settings(weaviate="http://127.0.0.1:9", weaviate_api_key=SecretStr(text)))
    with pytest.raises(ConfigError, match="one word of ASCII") as refused:
        weaviate.get("schema")
    assert text not in str(refused.value)


def test_a_client_exchanges_its_secret_for_a_token_once(server: Server, authority: Authority, tmp_path: Path) -> None:
    login = {"registry_user": "client", "registry_password_file": secret(tmp_path, "s")}
    registry = registry_client(settings(server, authority, registry_token_url=f"{server.url}/token", **login))
    subject_names(registry)
    subject_names(registry)
    assert [who for who, _ in server.seen] == [basic("client", "s"), "Bearer made-token", "Bearer made-token"]


def test_a_client_certificate_is_shown(server: Server, authority: Authority) -> None:
    file = authority.issue("worker")
    given = settings(server, authority, registry_certificate_file=file, connect_certificate_file=file)
    subject_names(registry_client(given))
    ConnectClient.of(given).plugins()
    assert [name for _, name in server.seen] == ["worker", "worker"]


def test_own_authority_stands_above_that_of_the_environment(
    server: Server, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(tmp_path / "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate))
    assert ConnectClient.of(settings(server, authority)).plugins() == []


DAY = timedelta(days=1)
BAD = {
    "another name": ({"hosts": ["broker.example"]}, "mismatch"),
    "ended": ({"begins": -2 * DAY, "ends": -DAY}, "certificate has expired"),
    "not yet valid": ({"begins": DAY, "ends": 2 * DAY}, "certificate is not yet valid"),
    "another authority": ({}, "unable to get local issuer|self.signed"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_wrong_with_a_certificate_is_said(authority: Authority, tmp_path: Path, fault: str) -> None:
    issued, words = BAD[fault]
    running = serve(authority, "bad", **issued)
    trusted = Authority(tmp_path / "other") if fault == "another authority" else authority
    given = settings(running, trusted)
    try:
        with pytest.raises(ServiceUnavailableError, match=words):
            subject_names(registry_client(given, retries=0))
        with pytest.raises(ServiceUnavailableError, match=words):
            incompatibilities(given, "a", {})
        with pytest.raises(ServiceUnavailableError, match=words):
            ConnectClient.of(given, retries=0).plugins()
        assert running.seen == []
    finally:
        running.shutdown()


def test_a_wrong_password_is_said_with_its_fix_and_without_it(authority: Authority, tmp_path: Path) -> None:
    running = serve(authority, status=401)
    file = secret(tmp_path, "hush-4711")
    login = {"connect_user": "u", "connect_password_file": file, "registry_user": "u", "registry_password_file": file}
    given = settings(running, authority, **login)
    try:
        for call, setting in (
            (lambda: ConnectClient.of(given, retries=0).plugins(), "MXCTL_CONNECT_USER"),
            (lambda: subject_names(registry_client(given, retries=0)), "MXCTL_REGISTRY_USER"),
        ):
            with pytest.raises(ServiceError) as caught:
                call()
            assert "401" in caught.value.why and setting in caught.value.fix
            assert "hush-4711" not in f"{caught.value}{caught.value.__cause__}"
    finally:
        running.shutdown()


def test_weaviate_is_asked_with_the_key_of_a_file(server: Server, authority: Authority, tmp_path: Path) -> None:
    given = {"weaviate_api_key_file": secret(tmp_path, "k1"), "weaviate_ca_file": authority.certificate}
    rest = Rest(Settings(weaviate=server.url, **given))
    rest.get("meta")
    secret(tmp_path, "k2")
    rest.get("meta")
    assert [who for who, _ in server.seen] == ["Bearer k1", "Bearer k2"]
    with pytest.raises(ServiceUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        Rest(Settings(weaviate=server.url)).get("meta")


def test_stores_take_their_passwords_from_files(tmp_path: Path) -> None:
    file = secret(tmp_path, "hush")
    postgres = Settings(postgres="jdbc:postgresql://h/d?sslmode=verify-full", postgres_password_file=file)
    assert postgres_options(postgres)["password"] == "hush"
    snowflake = Settings(warehouse_private_key_file=file, warehouse_private_key_password_file=file)
    assert snowflake_options(snowflake)["private_key_file_pwd"] == "hush"


@pytest.mark.parametrize(
    "given",
    [{"connect_user": "u"}, {"connect_ca_file": "/nowhere.pem"}, {"connect_user": "u", "connect_token_file": __file__}],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="MXCTL_CONNECT"):
        ConnectClient.of(Settings(**given))
