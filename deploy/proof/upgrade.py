"""The upgrade of an installation that has data, from an older revision of the project to this one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from deploy.proof import standins
from deploy.proof.installation import Installation

if TYPE_CHECKING:
    from deploy.proof.compose_proof import Proof

REGISTRY = "http://127.0.0.1:8080/apis/ccompat/v7/subjects"


def upgrade(proof: Proof, sources: tuple[str, ...]) -> dict[str, object]:
    """Do what ``docs/deploy-compose.md`` says while producers read: nothing is lost, no schema registered anew."""
    there = proof.there
    standins.build(proof.engine, there.folder)
    there.profiles = sources
    there.compose("up", "--build", "--detach")
    there.well()
    proof.read(time.time() - 3600)
    stored, schemas = proof.canary(), registered(there)
    standins.build(proof.engine)
    proof.load()
    there.pull()
    began = time.monotonic()
    there.compose("up", "--build", "--detach")
    there.well()
    healthy = time.monotonic() - began
    there.mxctl("plan", "--detailed-exitcode")
    now = proof.canary()
    if less := [name for name, rows in stored.items() if isinstance(rows, int) and int(str(now[name])) < rows]:
        raise SystemExit(f"Error: these hold less than before: {less}, {stored}, {now}")
    if changed := dict(schemas.items() - registered(there).items()):
        raise SystemExit(f"Error: these had other ids before: {changed}")
    before = sum(rows for rows in stored.values() if isinstance(rows, int))
    return {"rows before": before, "schemas with the id of before": len(schemas), "healthy after s": round(healthy),
            "plan": "no changes"} | now  # fmt: skip


def registered(there: Installation) -> dict[str, str]:
    """Subject and version -> id of every schema that the registry holds."""
    subjects = [f"{REGISTRY}/{name}/versions" for name in _asked(there, [REGISTRY])[0]]
    listed = zip(subjects, _asked(there, subjects), strict=True)
    versions = [f"{subject}/{version}" for subject, found in listed for version in found]
    return {one: str(found["id"]) for one, found in zip(versions, _asked(there, versions), strict=True)}


def _asked(there: Installation, addresses: list[str]) -> list[Any]:
    """What the registry answers, as who reads schemas; an older one asks for no login."""
    password = there.folder / "deploy" / "secrets" / "registry_password"
    login = ["--user", f"millionx:{password.read_text().strip()}"] if password.exists() else []
    asked = ["curl", "--fail", "--silent", *login, "--write-out", "\\n", *addresses]
    return [json.loads(line) for line in there.compose("exec", "--no-TTY", "registry", *asked).splitlines() if line]
