"""Orders of a long window by a bulk operation: Shopify runs the query aside and gives a file of JSON lines.

The job is remembered before it is waited for, so that a run that is stopped or killed goes on with it. Its rows are
taken only from a job that ended well and from a file that holds all of them: what a failed job leaves
(``partialDataUrl``) may end within an order, and nothing in it says where.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from connectors.errors import CredentialError, ThrottledError
from connectors.shopify_graphql import GraphQl, Node
from connectors.shopify_queries import BULK, RUN_BULK, bulk_query
from connectors.source import Raw, Window
from glue.errors import ServiceError, ServiceUnavailableError

log = logging.getLogger(__name__)
WHAT = "Shopify bulk operation"
PAGE = 100  # orders a transaction
_BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds between two looks at a job
_WAIT_FOR_OTHERS = 60.0


class JobLostError(ServiceUnavailableError):
    """A job ended without all of its rows: its orders can still be read page by page."""


@dataclass(frozen=True)
class Job:
    """A job that ended well."""

    id: str
    roots: int
    size: int
    address: str | None


def begin(graph: GraphQl, window: Window, personal: bool) -> str:
    """Start a job over the orders of ``window``; its id.

    Raises:
        ThrottledError: another job of this app still runs, after all tries.
        MillionXError: it was refused.
    """

    def run() -> str:
        query = bulk_query(window.since, window.until, personal)
        answer = graph.once(WHAT, RUN_BULK, {"query": query}).get("bulkOperationRunQuery")
        made = answer if isinstance(answer, dict) else {}
        codes = {str(one.get("code")) for one in made.get("userErrors") or [] if isinstance(one, dict)}
        if codes & _BUSY:
            raise ThrottledError(WHAT, "another one of this app runs", "wait for it", retry_after=_WAIT_FOR_OTHERS)
        operation = made.get("bulkOperation")
        if codes or not isinstance(operation, dict):
            raise ServiceError(WHAT, f"it was refused ({', '.join(sorted(codes)) or 'no job'})")
        return str(operation["id"])

    return graph.http.attempt(WHAT, run)


def wait(graph: GraphQl, job: str) -> Job:
    """The job once it has ended well.

    Raises:
        JobLostError: it failed, expired or is not there.
        CredentialError, ServiceError: it was denied or cancelled.
        StoppedError: the run was asked to stop; the job goes on.
    """
    pause = _FIRST_WAIT
    while True:
        found = graph.ask(WHAT, BULK, {"id": job}).get("bulkOperation")
        if not isinstance(found, dict):
            raise JobLostError(WHAT, "the job is not there any more")
        status, code = str(found.get("status")), found.get("errorCode")
        if status == "COMPLETED":
            return Job(job, int(found.get("rootObjectCount") or 0), int(found.get("fileSize") or 0), found.get("url"))
        if code == "ACCESS_DENIED":
            raise CredentialError(WHAT, "a field is refused", "give the app the scopes read_orders and read_products")
        if status in ("CANCELED", "CANCELING"):
            raise ServiceError(WHAT, "it was cancelled, and nothing of it is taken", "run the backfill again")
        if status in ("FAILED", "EXPIRED"):
            count = found.get("objectCount")
            raise JobLostError(WHAT, f"it {status.lower()} ({code or 'no reason given'}) after {count} objects")
        graph.http.wait(pause)
        pause = min(_LONGEST_WAIT, pause * 1.5)


def orders(graph: GraphQl, job: Job, done: int) -> Iterator[list[Raw]]:
    """The orders of a job's file with their lines, without the first ``done``, in pages.

    Raises:
        JobLostError: the file is gone or not complete.
        ServiceUnavailableError: it cannot be had now.
    """
    if job.address is None:
        if job.roots:
            raise JobLostError(WHAT, f"it has {job.roots} orders and no file")
        return
    with tempfile.TemporaryFile() as file:  # personal data: a file without a name, gone with the process
        try:
            graph.http.attempt(WHAT, lambda: graph.http.download(WHAT, str(job.address), file))
        except ServiceError as error:
            raise JobLostError(WHAT, f"its file cannot be had: {error.why}") from None
        yield from _assembled(file, job, done)


def _assembled(file: IO[bytes], job: Job, done: int) -> Iterator[list[Raw]]:
    """Lines stand anywhere in the file, joined to their orders by ``__parentId``: only their offsets are kept."""
    roots: list[int] = []
    children: dict[str, list[int]] = {}
    ids: set[str] = set()
    file.seek(0)
    at = 0
    for line in file:
        if line.strip():
            row = _row(line)
            parent = row.get("__parentId")
            if parent is None:
                roots.append(at)
                ids.add(str(row.get("id")))
            else:
                children.setdefault(str(parent), []).append(at)
        at += len(line)
    if len(roots) != job.roots or set(children) - ids or (job.size and at != job.size):
        raise JobLostError(
            WHAT, f"its file is not complete: {len(roots)} of {job.roots} orders, {at} of {job.size} bytes"
        )
    for start in range(done, len(roots), PAGE):
        yield [_order(file, root, children) for root in roots[start : start + PAGE]]


def _order(file: IO[bytes], root: int, children: dict[str, list[int]]) -> Node:
    order = _read(file, root)
    lines = [_read(file, at) for at in children.get(str(order.get("id")), [])]
    # As a page has them, in the order of their ids, as a file has them in any.
    lines.sort(key=lambda line: str(line.get("id")))
    info = {"hasNextPage": False, "endCursor": None}
    return {**order, "lineItems": {"nodes": lines, "pageInfo": info}}


def _read(file: IO[bytes], at: int) -> Node:
    file.seek(at)
    return _row(file.readline())


def _row(line: bytes) -> Node:
    try:
        row: Any = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise JobLostError(WHAT, "its file holds a row that is no object")
    return row
