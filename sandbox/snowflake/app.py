"""The HTTP surface: routes, authentication, faults, and a refusal of every path that is not known."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.snowflake.account import Account
from sandbox.snowflake.admin import FaultGate, admin_routes
from sandbox.snowflake.auth import KeyPairVerifier
from sandbox.snowflake.faults import Faults
from sandbox.snowflake.sessions import MASTER_SECONDS, SESSION_SECONDS, Sessions
from sandbox.snowflake.sql import Sql
from sandbox.snowflake.statements import stored_name
from sandbox.snowflake.store import Store
from sandbox.snowflake.streaming import Body, Streaming
from sandbox.snowflake.wire import RefusedError, read_json, success

log = logging.getLogger(__name__)
STREAMING = "/v1/streaming"
SERVER_VERSION = "9.0.0"  # drivers refuse servers they think too old


@dataclass
class Endpoint:
    """The parts behind the routes."""

    store: Store
    account: Account
    verifier: KeyPairVerifier
    sessions: Sessions
    sql: Sql
    streaming: Streaming
    faults: Faults

    @classmethod
    def open(cls, data_dir: Path, public_key_file: Path) -> Endpoint:
        """Open a data folder, as a first start or after any end of the last one."""
        store = Store(data_dir / "databases")
        account = Account(data_dir / "account.sqlite")
        faults = Faults()
        return cls(
            store,
            account,
            KeyPairVerifier(public_key_file),
            Sessions(store, data_dir / "session.key"),
            Sql(store, account),
            Streaming(store, account, (data_dir / "stage").resolve(), data_dir / "encryption.key", faults),
            faults,
        )

    async def health(self, request: Request) -> JSONResponse:
        """Alive, and which databases there are."""
        return JSONResponse({"status": "ok", "databases": await run_in_threadpool(self.store.databases)})

    async def login(self, request: Request) -> JSONResponse:
        """``POST /session/v1/login-request``: only with a token signed by the user's key."""
        data = (await read_json(request)).get("data") or {}
        user, asked = str(data.get("LOGIN_NAME") or "").upper(), request.query_params
        if data.get("AUTHENTICATOR") != "SNOWFLAKE_JWT":
            raise RefusedError("390144", "The local endpoint takes key-pair authentication only (SNOWFLAKE_JWT).")
        self.verifier.verify(str(data.get("TOKEN") or ""), user)
        role = stored_name(asked["roleName"]) if asked.get("roleName") else self.account.default_role(user)
        if not self.account.may_use_role(user, role):
            message = f"Role '{role}' specified in the connect string is not granted to this user."
            raise RefusedError("390189", f"{message} Contact your local system administrator.")
        database, schema = (stored_name(asked[n]) if asked.get(n) else None for n in ("databaseName", "schemaName"))
        session, master = self.sessions.login(user, role, database, schema)
        log.info("login of %s as %s from %s", user, role, data.get("CLIENT_APP_ID"))
        found = {"databaseName": database, "schemaName": schema, "warehouseName": None, "roleName": role}
        return success(
            {
                "token": session,
                "masterToken": master,
                "validityInSeconds": SESSION_SECONDS,
                "masterValidityInSeconds": MASTER_SECONDS,
                "displayUserName": user,
                "serverVersion": SERVER_VERSION,
                "firstLogin": False,
                "sessionId": 1,
                "parameters": [
                    {"name": "AUTOCOMMIT", "value": True},
                    {"name": "TIMEZONE", "value": "Etc/UTC"},
                    {"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": SESSION_SECONDS},
                    {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
                ],
                "sessionInfo": found,
            }
        )

    async def renew(self, request: Request) -> JSONResponse:
        """``POST /session/token-request``: new tokens for the master token."""
        session, master = self.sessions.renew(_session_token(request))
        valid = {"validityInSecondsST": SESSION_SECONDS, "validityInSecondsMT": MASTER_SECONDS}
        return success({"sessionToken": session, "masterToken": master, "sessionId": 1, **valid})

    async def session(self, request: Request) -> JSONResponse:
        """``POST /session`` (closes) and ``/session/heartbeat``."""
        token = _session_token(request)
        if request.query_params.get("delete"):
            self.sessions.close(token)
        else:
            await run_in_threadpool(self.sessions.get, token)
        return success()

    async def query(self, request: Request) -> JSONResponse:
        """``POST /queries/v1/query-request``: one statement."""
        body = await read_json(request)
        session = await run_in_threadpool(self.sessions.get, _session_token(request))
        sql, bindings = str(body.get("sqlText") or ""), body.get("bindings") or {}
        describe = bool(body.get("describeOnly"))
        try:
            result = await run_in_threadpool(self.sql.run, session, sql, bindings, describe)
        except RefusedError as refused:
            log.warning("refused %s: %s | %s", refused.code, refused.message, " ".join(sql.split())[:200])
            raise
        return result.response(session.connection.database, session.connection.schema)

    def stream(self, act: Callable[[Body], Body]) -> Callable[[Request], Any]:
        """A streaming route: a bearer token of the user's key, then ``act``."""

        async def answer(request: Request) -> JSONResponse:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            try:
                if scheme.lower() != "bearer":
                    raise RefusedError("390144", "A bearer token is needed.")
                self.verifier.verify(token)
            except RefusedError as refused:
                log.warning("streaming refused: %s", refused.message)
                refused.http = 401
                raise
            return JSONResponse(await run_in_threadpool(self.streaming.answer, act, await read_json(request)))

        return answer

    def expire_tokens(self) -> None:
        """Every token issued until now counts as expired: a fault for tests."""
        self.verifier.expire_seen()
        self.sessions.expired_before = time.time()

    def app(self, name: str | None = None) -> Starlette:
        """All routes; what is not among them is refused. Requests name loopback, or ``name``."""
        post = ["POST"]
        streaming = {
            "/client/configure/": self.streaming.configure,
            "/channels/open/": self.streaming.open,
            "/channels/drop/": self.streaming.drop,
            "/channels/status/": self.streaming.status,
            "/channels/write/blobs/": self.streaming.register,
        }
        routes = [
            Route("/health", self.health),
            Route("/session/v1/login-request", self.login, methods=post),
            Route("/session/token-request", self.renew, methods=post),
            Route("/session", self.session, methods=post),
            Route("/session/heartbeat", self.session, methods=post),
            Route("/queries/v1/query-request", self.query, methods=post),
            Route("/queries/v1/abort-request", _accepted, methods=post),
            Route("/telemetry/send", _accepted, methods=post),
            Route("/telemetry/send/sessionless", _accepted, methods=post),
            *(Route(STREAMING + path, self.stream(act), methods=post) for path, act in streaming.items()),
            *admin_routes(self.faults, self.expire_tokens),
            Route("/{path:path}", _unknown_path, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
        ]
        gates = [
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", *([name] if name else [])]),
            Middleware(FaultGate, faults=self.faults),
        ]
        return Starlette(routes=routes, middleware=gates, exception_handlers={RefusedError: _refuse})

    def close(self) -> None:
        """Close the files."""
        self.store.close()
        self.account.close()


def _session_token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix('Snowflake Token="').removesuffix('"')


async def _accepted(request: Request) -> JSONResponse:
    """Telemetry and aborts: taken and dropped."""
    return success("OK")


async def _unknown_path(request: Request) -> Response:
    log.error("unknown path %s %s", request.method, request.url.path)
    message = f"The local endpoint does not know {request.method} {request.url.path}."
    return RefusedError("390404", message, http=404).response()


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - the handler is registered for nothing else
    return error.response()
