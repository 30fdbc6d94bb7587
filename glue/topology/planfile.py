"""A plan in a file: reviewed now, applied later, and refused if the cluster has moved in between."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from glue.errors import ConfigError, ServiceError
from glue.topology.change import to_json
from glue.topology.kinds import KINDS
from glue.topology.load import from_snapshot, to_snapshot
from glue.topology.memory import now
from glue.topology.plan import Plan, make_plan
from glue.topology.services import Services
from glue.topology.validate import refuse_problems

VERSION = 1
_AGAIN = "make a new one: mxctl plan"


def write_plan(plan: Plan, file: Path, cluster: str) -> None:
    """Write a plan with what it wants, what it will do, and the fingerprints of what it found."""
    body = {
        "version": VERSION,
        "created": now(),
        "cluster": cluster,
        "kinds": list(plan.kinds),
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
        fix = "mxctl plan --out FILE writes one"
        raise ConfigError(f"plan {file}", error.strerror or "cannot be read", fix) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"plan {file}", "is not a plan", "mxctl plan --out FILE writes one") from None
    if version != VERSION:
        raise ConfigError(f"plan {file}", f"is of version {version}, this mxctl writes {VERSION}", _AGAIN)
    return dict(body)


def replan(services: Services, body: dict[str, Any], cluster: str) -> Plan:
    """The plan of a file against what is live now.

    Raises:
        ConfigError: what the file declares breaks a rule.
        ServiceError: another cluster, or the live state has moved since; names what.
    """
    if body["cluster"] != cluster:
        raise ServiceError("plan", f"was made for cluster {body['cluster']}, this is {cluster}", _AGAIN)
    declared = from_snapshot(body["desired"])
    refuse_problems(declared, body["kinds"])  # who can write the file could leave out what plan refuses
    plan = make_plan(services, declared, body["kinds"], prune=body["prune"])
    found, then = fingerprints(plan), body["fingerprints"]
    moved = sorted(key for key in found.keys() | then.keys() if found.get(key) != then.get(key))
    if moved:
        fix = "look at it again and make a new plan: mxctl plan --out FILE"
        raise ServiceError("plan", f"the live state has moved since {body['created']}: {', '.join(moved)}", fix)
    if [_meaning(to_json(change)) for change in plan.changes] != [_meaning(change) for change in body["changes"]]:
        raise ServiceError("plan", "it does not lead to the changes it lists; the file was edited", _AGAIN)
    return plan


def fingerprints(plan: Plan) -> dict[str, str]:
    """``kind/name`` → digest of what is live, for everything that is declared or changes. Absence has one too."""
    names = {(kind, name) for kind in plan.kinds for name in plan.declared.of(kind)}
    names |= {(change.kind, change.name) for change in plan.changes}
    return {f"{kind}/{name}": _digest(KINDS[kind].fingerprint(plan.live[kind], name)) for kind, name in sorted(names)}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _meaning(change: dict[str, Any]) -> dict[str, Any]:
    """A change without its cost: how many tasks or records it touches may differ by now."""
    return {key: value for key, value in change.items() if key != "cost"}
