"""The declared state as one JSON object, for plan files and the history. Only references, never secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glue.topology.model import Connector, Declared, Subject, Topic


def to_snapshot(declared: Declared) -> dict[str, Any]:
    """Everything declared, as JSON."""
    return {
        "owner": declared.owner,
        "profile": declared.profile,
        "topics": {name: topic.model_dump() for name, topic in declared.topics.items()},
        "subjects": {
            name: {"schema": subject.schema, "compatibility": subject.compatibility, "file": subject.file.name}
            for name, subject in declared.subjects.items()
        },
        "connectors": {name: one.model_dump(exclude_none=True) for name, one in declared.connectors.items()},
        "chains": {name: {"name": name, "config": body.get("config", {})} for name, body in declared.chains.items()},
    }


def from_snapshot(snapshot: dict[str, Any]) -> Declared:
    """What :func:`to_snapshot` wrote, as declared state again."""
    return Declared(
        owner=str(snapshot["owner"]),
        profile=str(snapshot["profile"]),
        topics={name: Topic.model_validate(body) for name, body in snapshot["topics"].items()},
        subjects={
            name: Subject(body["schema"], body["compatibility"], Path(body["file"]))
            for name, body in snapshot["subjects"].items()
        },
        connectors={name: Connector.model_validate(body) for name, body in snapshot["connectors"].items()},
        chains=dict(snapshot["chains"]),
    )
