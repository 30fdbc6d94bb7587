"""A Redis that asks for a user, whose password's file each new connection reads; also by TLS, spoken for it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from glue.local.certificates import HERE, Authority
from glue.redis_client import open_redis
from glue.settings import Settings


def test_a_changed_password_is_taken_by_the_next_connection(redis_server: str, tmp_path: Path) -> None:
    admin = redis.Redis.from_url(redis_server)
    admin.execute_command("ACL", "SETUSER", "reader", "on", ">first", "~*", "+@read", "+client")
    file = tmp_path / "password"
    file.write_text("first\n")
    client = open_redis(Settings(redis=redis_server, redis_user="reader", redis_password_file=file), 10)
    assert client.dbsize() == 0
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.set("a", "b")
    admin.execute_command("ACL", "SETUSER", "reader", "resetpass", ">second")
    client.connection_pool.disconnect()
    with pytest.raises(redis.AuthenticationError):
        client.dbsize()
    file.write_text("second\n")
    assert client.dbsize() == 0


@pytest.fixture
def secured(redis_server: str, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Where the same server answers by TLS, and the authority that signed its certificate."""
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.issue("redis", HERE))
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", urlsplit(redis_server).port)
        await asyncio.gather(_copy(reader, to_there), _copy(there, writer))

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1], authority.certificate
    loop.call_soon_threadsafe(_end, loop)
    thread.join()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_later(0.1, loop.stop)  # when they have heard of it


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


def test_tls_an_acl_user_and_a_password_that_changes(
    secured: tuple[int, Path], redis_server: str, tmp_path: Path
) -> None:
    number, authority = secured
    admin = redis.Redis.from_url(redis_server)
    admin.acl_setuser("millionx", enabled=True, passwords=["+first"], keys=["*"], channels=["*"], categories=["+@all"])
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = Settings(
        redis=f"rediss://127.0.0.1:{number}/0?ssl_ca_certs={authority}", redis_user="millionx", redis_password_file=file
    )
    with open_redis(settings, 30) as client:
        assert client.set("a", "1") and client.get("a") == b"1"
        assert client.acl_whoami() == "millionx"
        admin.acl_setuser("millionx", enabled=True, passwords=["-first", "+second"])
        admin.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(redis.RedisError):
            client.get("a")
        file.write_text("second\n")
        assert client.get("a") == b"1", "a new connection reads the file"


def test_a_server_of_an_unknown_authority_is_refused(secured: tuple[int, Path]) -> None:
    settings = Settings(redis=f"rediss://127.0.0.1:{secured[0]}/0")
    with open_redis(settings, 30) as client, pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        client.ping()
