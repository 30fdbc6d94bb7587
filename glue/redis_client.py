"""Redis as the settings name it: TLS by the address (``rediss://…?ssl_ca_certs=FILE``), an ACL user by a password file.

The client is imported when it is first used: many commands need none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.settings import Settings, read_secret

if TYPE_CHECKING:
    import redis


def open_redis(settings: Settings, seconds: float, url: str = "", **options: Any) -> redis.Redis:
    """A client of ``url``, else of ``MXCTL_REDIS``, that waits at most ``seconds`` for an answer.

    Every new connection reads the password's file, so a changed one is taken without a restart.
    """
    import redis

    if settings.redis_password_file is not None:
        options["credential_provider"] = _Login(settings.redis_user, settings.redis_password_file)
    bounds = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    return redis.Redis.from_url(url or settings.redis, **bounds, **options)


class _Login:
    """What redis-py asks who it is (its ``CredentialProvider``)."""

    def __init__(self, user: str, file: Path) -> None:
        self._user, self._file = user, file

    def get_credentials(self) -> tuple[str, ...]:
        password = read_secret(self._file)
        return (self._user, password) if self._user else (password,)
