"""Bulk operations: a query over everything, run aside, its rows in a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.made_data import Json, iso
from sandbox.world import World

_MOST_CONNECTIONS = 5
_ENDS = {"bulk-failed": "FAILED", "bulk-canceled": "CANCELED", "bulk-expired": "EXPIRED"}


@dataclass
class Job:
    """One operation, at the step that it has reached."""

    number: int
    query: str
    created_at: datetime
    status: str = "CREATED"
    error: str | None = None
    rows: str | None = None
    objects: int = 0
    size: int = 0
    roots: int = 0

    @property
    def gid(self) -> str:
        """Its global id."""
        return f"gid://shopify/BulkOperation/{self.number}"


class Jobs:
    """The operations of a shop; each look at one takes it a step further.

    Args:
        execute: runs a query without pages and gives its data.
    """

    def __init__(self, world: World, execute: Callable[[str], Any]) -> None:
        self._world = world
        self._execute = execute
        self._jobs: dict[str, Job] = {}
        self.address = ""

    def run(self, query: str) -> Json:
        """Begin one, or say why not."""
        problem = _refused(query)
        if problem:
            return _refusal("INVALID", problem)
        if self._world.faults.has("shopify", "bulk-in-progress"):
            return _refusal(
                "OPERATION_IN_PROGRESS", "A bulk query operation for this app and shop is already in progress"
            )
        job = Job(1000 + len(self._jobs), query, datetime.now(UTC))
        self._jobs[job.gid] = job
        return {"bulkOperation": self._as_json(job), "userErrors": []}

    def poll(self, gid: str) -> Json | None:
        """A job after its next step; None where there is none of that id."""
        job = self._jobs.get(gid)
        if job is None:
            return None
        if job.status == "RUNNING":
            self._finish(job)
        elif job.status == "CREATED":
            job.status = "RUNNING"
        return self._as_json(job)

    def cancel(self, gid: str) -> Json:
        """End a job."""
        job = self._jobs.get(gid)
        if job is not None and job.status in ("CREATED", "RUNNING"):
            job.status = "CANCELED"
        return {"bulkOperation": self._as_json(job) if job else None, "userErrors": []}

    def file(self, name: str) -> str | None:
        """The rows under an address that :meth:`poll` gave."""
        job = self._jobs.get(f"gid://shopify/BulkOperation/{name.partition('.')[0]}")
        return job.rows if job else None

    def _finish(self, job: Job) -> None:
        faults = self._world.faults
        rows = list(_rows(self._execute(job.query)))
        job.status = next((ends for name, ends in _ENDS.items() if faults.has("shopify", name)), "COMPLETED")
        job.objects, job.roots = len(rows), sum("__parentId" not in row for row in rows)
        job.size = sum(len(json.dumps(row)) + 1 for row in rows)
        if job.status == "FAILED":
            job.error, rows = "TIMEOUT", rows[: len(rows) // 2]
        elif faults.has("shopify", "bulk-short"):
            rows = rows[:-2]
        job.rows = "".join(json.dumps(row) + "\n" for row in rows) if rows and job.status != "EXPIRED" else None

    def _as_json(self, job: Job) -> Json:
        address = f"{self.address}/bulk-results/{job.number}.jsonl" if job.rows is not None else None
        return {
            "__typename": "BulkOperation",
            "id": job.gid,
            "status": job.status,
            "errorCode": job.error,
            "createdAt": iso(job.created_at),
            "completedAt": iso(datetime.now(UTC)) if job.status == "COMPLETED" else None,
            "objectCount": str(job.objects),
            "rootObjectCount": str(job.roots),
            "fileSize": str(job.size) if job.rows is not None else None,
            "url": address if job.status == "COMPLETED" else None,
            "partialDataUrl": address if job.status != "COMPLETED" else None,
            "query": job.query,
        }


def _refusal(code: str, message: str) -> Json:
    return {"bulkOperation": None, "userErrors": [{"code": code, "field": ["query"], "message": message}]}


def _refused(query: str) -> str:
    """Why a query cannot run in bulk, by the rules of the vendor."""
    from graphql import FieldNode, GraphQLError, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse

    try:
        operation = parse(query).definitions[0]
    except GraphQLError:
        return "Invalid bulk query"
    connections = 0

    def walk(selection: SelectionSetNode | None, in_list: bool) -> str:
        nonlocal connections
        for one in selection.selections if selection else ():
            if not isinstance(one, FieldNode | InlineFragmentNode):
                continue
            name = one.name.value if isinstance(one, FieldNode) else ""
            inner = one.selection_set.selections if one.selection_set else ()
            paged = any(isinstance(child, FieldNode) and child.name.value in ("edges", "nodes") for child in inner)
            connections += paged
            if paged and in_list:
                return "Queries that contain a connection field within a list field are not supported"
            problem = walk(one.selection_set, in_list or name in ("refunds", "fulfillments"))
            if problem:
                return problem
        return ""

    if not isinstance(operation, OperationDefinitionNode) or len(operation.selection_set.selections) != 1:
        return "Bulk queries must have one top-level field"
    problem = walk(operation.selection_set, in_list=False)
    if problem:
        return problem
    if not connections:
        return "Bulk queries must contain at least one connection"
    return "Bulk queries cannot contain more than 5 connections" if connections > _MOST_CONNECTIONS else ""


def _rows(data: Any) -> Iterator[Json]:
    """Roots first, then what is inside of them: with ungrouped objects a child may stand anywhere."""
    children: list[Json] = []
    for root in _nodes(next(iter(data.values()))):
        for name in [
            name for name, value in root.items() if isinstance(value, dict) and ("edges" in value or "nodes" in value)
        ]:
            children += [{**child, "__parentId": root["id"]} for child in _nodes(root.pop(name))]
        yield root
    yield from reversed(children)


def _nodes(connection: Json) -> list[Json]:
    return [edge["node"] for edge in connection["edges"]] if "edges" in connection else connection["nodes"]
