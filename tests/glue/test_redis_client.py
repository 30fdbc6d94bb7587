"""A Redis that asks for a user: the password's file is read by each new connection."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

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
