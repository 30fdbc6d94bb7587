"""Subjects: check compatibility, set the level, register a schema, delete."""

from __future__ import annotations

import json

from glue.errors import ServiceError
from glue.registry import Schema, incompatibilities, registry_errors
from glue.topology.change import Undo, impossible
from glue.topology.diff import Action, Change
from glue.topology.live import Live
from glue.topology.model import Declared
from glue.topology.services import Services


def schema_of(declared: Declared, name: str) -> Schema:
    """What is declared for a subject, as the registry's client takes it."""
    return Schema(json.dumps(declared.subjects[name].schema, ensure_ascii=False), "AVRO")


def changes_schema(change: Change) -> bool:
    """Whether a new version is to be registered."""
    return any(field.path.startswith("schema") for field in change.fields)


def check(services: Services, declared: Declared, change: Change) -> None:
    """Ask the registry whether the new schema is compatible, before anything is written.

    Raises:
        ServiceError: it is not, with the registry's reasons.
    """
    if change.action != Action.UPDATE or not changes_schema(change):
        return
    want = declared.subjects[change.name]
    if want.compatibility == "NONE":
        return
    level = want.compatibility or ""
    reasons = incompatibilities(
        services.settings.registry, change.name, want.schema, every_version=level.endswith("_TRANSITIVE")
    )
    if reasons is not None:
        fields = ", ".join(field.path for field in change.fields if field.path.startswith("schema"))
        raise ServiceError(
            change.label,
            f"{want.file.name} is not {level or 'compatible'}: it changes {fields}{''.join(f'; {r}' for r in reasons)}",
            "give new fields a default and keep old ones, or change the level in subjects.json; see mxctl schemas diff",
        )


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Write one change of a subject: first its level, then the schema."""
    registry, name = services.registry, change.name
    have = live.subjects.get(name)
    with registry_errors(change.label):
        if change.action == Action.DELETE:
            registry.delete_subject(name)
            return impossible(f"subject {name} was deleted; register its schema again")
        if any(field.path == "compatibility" for field in change.fields):
            registry.set_compatibility(name, declared.subjects[name].compatibility)
        if changes_schema(change):
            registry.register_schema(name, schema_of(declared, name))

    def undo() -> None:
        with registry_errors(change.label):
            if have is None:
                registry.delete_subject(name)
                return
            if changes_schema(change):
                latest = registry.get_versions(name)[-1]
                if latest != have.version:
                    registry.delete_version(name, latest)
            if have.own_level is None:
                registry.delete_config(name)
            else:
                registry.set_compatibility(name, have.own_level)

    return Undo(f"put subject {name} back to version {have.version}" if have else f"delete subject {name} again", undo)
