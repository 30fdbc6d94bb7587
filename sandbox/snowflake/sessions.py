"""Sessions of drivers. A token carries its session under a signature, so sessions outlive a restart of the endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakesnow.conn import FakeSnowflakeConnection

from sandbox.snowflake.store import Store
from sandbox.snowflake.wire import RefusedError

SESSION_SECONDS = 3600
MASTER_SECONDS = 4 * 3600
GONE, EXPIRED, MASTER_EXPIRED = "390104", "390112", "390114"


@dataclass
class Session:
    """One logged-in driver. ``lock`` serialises its statements, as its connection is not thread-safe."""

    user: str
    role: str
    connection: FakeSnowflakeConnection
    expires: float
    generation: int
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """Issues and reads tokens, and keeps the open connections by token."""

    def __init__(self, store: Store, secret_file: Path) -> None:
        self._store = store
        self._secret = _read_or_create(secret_file)
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()
        self.expired_before = 0.0  # tokens issued before this Unix time count as expired; set by a fault

    def login(self, user: str, role: str, database: str | None, schema: str | None) -> tuple[str, str]:
        """A session token and the master token that renews it."""
        what = {"user": user, "role": role, "db": database, "schema": schema}
        return self._issue("session", what, SESSION_SECONDS), self._issue("master", what, MASTER_SECONDS)

    def renew(self, master_token: str) -> tuple[str, str]:
        """New tokens for the holder of a master token.

        Raises:
            RefusedError: 390114 when the master token has expired, 390104 when it is not ours.
        """
        what = self._read("master", master_token, MASTER_EXPIRED)
        return self.login(what["user"], what["role"], what["db"], what["schema"])

    def get(self, token: str) -> Session:
        """The session of a token, opened again if this process does not know it yet.

        Raises:
            RefusedError: 390112 when it has expired, 390104 when it is not ours.
        """
        what = self._read("session", token, EXPIRED)
        with self._lock:
            session = self._open.get(token)
            if session is None or session.generation != self._store.generation:
                self._close_expired()
                connection = self._store.connect(what["db"], what["schema"])
                session = Session(what["user"], what["role"], connection, what["exp"], self._store.generation)
                self._open[token] = session
        return session

    def close(self, token: str) -> None:
        """Forget a session; a token that is unknown or no longer valid is no error."""
        with self._lock:
            session = self._open.pop(token, None)
        if session:
            session.connection.close()

    def _close_expired(self) -> None:
        for token in [token for token, session in self._open.items() if session.expires < time.time()]:
            self._open.pop(token).connection.close()

    def _issue(self, kind: str, what: dict[str, Any], seconds: int) -> str:
        now = time.time()
        claims = {**what, "kind": kind, "iat": now, "exp": now + seconds, "id": secrets.token_hex(8)}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        return f"{body}.{self._sign(body)}"

    def _read(self, kind: str, token: str, expired_code: str) -> dict[str, Any]:
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            raise RefusedError(GONE, "The session token is not one of this endpoint's; log in again.", http=401)
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
        if claims["kind"] != kind:
            raise RefusedError(GONE, f"A {kind} token is needed here.", http=401)
        if claims["exp"] < time.time() or (kind == "session" and claims["iat"] < self.expired_before):
            raise RefusedError(expired_code, f"The {kind} token has expired.")
        return claims

    def _sign(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()


def _read_or_create(file: Path) -> bytes:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(secrets.token_bytes(32))
    return file.read_bytes()
