"""A fingerprint of the live state behind each resource of a plan: what must not have moved when it is applied."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from glue.secrets import has_reference, is_secret_key
from glue.topology.live import Live
from glue.topology.model import Kind
from glue.topology.plan import Plan


def fingerprints(plan: Plan) -> dict[str, str]:
    """``kind/name`` → digest of what is live, for everything that is declared or changes. Absence has one too."""
    names = {(kind, name) for kind in plan.kinds for name in plan.declared.names(kind)}
    names |= {(change.kind, change.name) for change in plan.changes}
    return {f"{kind}/{name}": _digest(_live(plan.live, kind, name)) for kind, name in sorted(names)}


def _live(live: Live, kind: Kind, name: str) -> Any:
    if kind == Kind.TOPIC and (topic := live.topics.get(name)):
        return [topic.partitions, topic.replication_factor, topic.overrides]
    if kind == Kind.SUBJECT:
        subject = live.subjects.get(name)
        return [subject.version, subject.schema, subject.level] if subject else name in live.subject_names
    if kind == Kind.CONNECTOR and (connector := live.connectors.get(name)):
        return {key: _shielded(key, value) for key, value in connector.config.items()}
    if kind == Kind.CHAIN:
        return live.memory.chains.get(name)
    if kind == Kind.STORE:
        return live.memory.stores.get(name)
    return None


@cache
def _shielded(key: str, value: str) -> str:
    """The value; a literal secret that someone put into a live config only as a slow hash, for the file is shared."""
    if not is_secret_key(key) or has_reference(value):
        return value
    return hashlib.scrypt(value.encode(), salt=key.encode(), n=2**14, r=8, p=1).hex()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
