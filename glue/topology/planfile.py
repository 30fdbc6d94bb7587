"""A plan in a file: reviewed now, applied later, and refused if the cluster has moved in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glue.errors import ConfigError, ServiceError
from glue.topology.diff import to_json
from glue.topology.fingerprint import fingerprints
from glue.topology.history import now
from glue.topology.model import Kind
from glue.topology.plan import Plan, make_plan
from glue.topology.services import Services
from glue.topology.snapshot import from_snapshot, to_snapshot

VERSION = 1


def write_plan(plan: Plan, file: Path, cluster: str) -> None:
    """Write a plan with what it wants, what it will do, and the fingerprints of what it found."""
    body = {
        "version": VERSION,
        "created": now(),
        "cluster": cluster,
        "kinds": [str(kind) for kind in plan.kinds],
        "prune": plan.prune,
        "desired": to_snapshot(plan.declared),
        "changes": [to_json(change) for change in plan.changes],
        "fingerprints": fingerprints(plan),
    }
    file.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_plan(file: Path) -> dict[str, Any]:
    """The plan in a file.

    Raises:
        ConfigError: not a plan, or of another version of mxctl.
    """
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        version = body["version"]
    except OSError as error:
        raise ConfigError(
            f"plan {file}", error.strerror or "can not be read", "mxctl plan --out FILE writes one"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"plan {file}", "is not a plan", "mxctl plan --out FILE writes one") from None
    if version != VERSION:
        raise ConfigError(
            f"plan {file}", f"is of version {version}, this mxctl writes {VERSION}", "make it anew: mxctl plan"
        )
    return dict(body)


def replan(services: Services, body: dict[str, Any], cluster: str) -> Plan:
    """The plan of a file against what is live now.

    Raises:
        ServiceError: another cluster, or the live state has moved since; names what.
    """
    if body["cluster"] != cluster:
        raise ServiceError(
            "plan", f"was made for cluster {body['cluster']}, this is {cluster}", "make it anew: mxctl plan"
        )
    plan = make_plan(services, from_snapshot(body["desired"]), map(Kind, body["kinds"]), prune=body["prune"])
    found, then = fingerprints(plan), body["fingerprints"]
    moved = sorted(key for key in found.keys() | then.keys() if found.get(key) != then.get(key))
    if moved:
        raise ServiceError(
            "plan",
            f"the live state has moved since {body['created']}: {', '.join(moved)}",
            "look at it again and make a new plan: mxctl plan --out FILE",
        )
    if [_meaning(to_json(change)) for change in plan.changes] != [_meaning(change) for change in body["changes"]]:
        raise ServiceError(
            "plan", "it does not lead to the changes it lists; the file was edited", "make it anew: mxctl plan"
        )
    return plan


def _meaning(change: dict[str, Any]) -> dict[str, Any]:
    """A change without its cost: how many tasks or records it touches may differ by now."""
    return {key: value for key, value in change.items() if key != "cost"}
