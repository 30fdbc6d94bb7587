"""What goes over the wire: request bodies in, JSON answers and refusals out.

Shapes: the login and query answers are those that ``snowflake-connector-python`` and the JDBC driver read; the
streaming answers those of ``snowflake-ingest-java`` (``status_code``, ``message``).
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass
class RefusedError(Exception):
    """A request that is answered with a refusal.

    Attributes:
        code: Snowflake's own error code, six digits (``390144`` = the token is invalid).
        message: for people; names what was refused and why.
        http: HTTP status; Snowflake answers most refusals with 200 and ``success: false``.
        sql_state: SQLSTATE for refused statements.
    """

    code: str
    message: str
    http: int = 200
    sql_state: str = ""

    def response(self) -> JSONResponse:
        """The refusal as clients of the session API read it."""
        data = {"errorCode": self.code, "sqlState": self.sql_state} if self.sql_state else None
        body = {"success": False, "code": self.code, "message": self.message, "data": data, "headers": None}
        return JSONResponse(body, status_code=self.http)


async def read_json(request: Request) -> dict[str, Any]:
    """The request's JSON object; gzip is undone, an empty body is ``{}``.

    Raises:
        RefusedError: not JSON, not an object, or larger than 64 MiB.
    """
    raw = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise RefusedError("390100", "The request body is not gzip as its header says.", http=400) from error
    if len(raw) > MAX_BODY_BYTES:
        raise RefusedError("390100", "The request body is larger than 64 MiB.", http=413)
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as error:
        raise RefusedError("390100", "The request body is not JSON.", http=400) from error
    if not isinstance(body, dict):
        raise RefusedError("390100", "The request body is not a JSON object.", http=400)
    return body


def success(data: Any = None, **more: Any) -> JSONResponse:
    """An accepted call of the session API."""
    return JSONResponse({"success": True, "code": None, "message": None, "data": data, **more})
