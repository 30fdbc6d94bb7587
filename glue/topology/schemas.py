"""Looking at single subjects: what is registered, how it differs from what is declared, whether it would be taken."""

from __future__ import annotations

from typing import Any

from glue.errors import ServiceError, UsageError
from glue.registry import incompatibilities, registry_errors
from glue.topology.avro_form import canonical, schema_fields
from glue.topology.change import FieldChange
from glue.topology.kinds.subject import Subject, own_level, parsed_schema, read_subjects
from glue.topology.model import Declared
from glue.topology.services import Services


def subject_schema(services: Services, name: str, version: str = "latest") -> dict[str, Any]:
    """One version of a subject: ``subject``, ``version``, ``id``, ``schema``.

    Raises:
        ServiceError: there is no such subject or version.
    """
    with registry_errors(f"subject {name}"):
        found = services.registry.get_version(name, int(version) if version.isdigit() else "latest")
    schema = parsed_schema(name, found.schema.schema_str)
    return {"subject": name, "version": found.version, "id": found.schema_id, "schema": schema}


def _declared(declared: Declared, name: str) -> Subject:
    if name not in declared.subjects:
        known = ", ".join(sorted(declared.subjects)) or "none"
        raise UsageError(f"subject {name}", "is not declared in subjects.json", f"declared: {known}")
    return declared.subjects[name]


def schema_diff(services: Services, declared: Declared, name: str) -> list[FieldChange]:
    """Where the declared schema differs from the latest registered one, field by field; empty where they mean the same.

    Raises:
        UsageError: the subject is not declared.
        ServiceError: nothing is registered under it.
    """
    want = _declared(declared, name)
    return list(schema_fields(canonical(subject_schema(services, name)["schema"]), canonical(want.schema)))


def schema_check(services: Services, declared: Declared, name: str) -> list[str] | None:
    """Why the registry would refuse the declared schema; None where it would take it (also where nothing is there yet).

    Raises:
        UsageError: the subject is not declared.
    """
    want = _declared(declared, name)
    if name not in read_subjects(services.registry, ()).names:
        return None
    every = (want.compatibility or "").endswith("_TRANSITIVE")
    return incompatibilities(services.settings, name, want.schema, every_version=every)


def compatibility(services: Services, name: str, level: str | None = None) -> str:
    """The level in force for a subject, after setting it where ``level`` is given.

    Raises:
        ServiceError: nothing is registered under it.
    """
    if name not in read_subjects(services.registry, ()).names:
        raise ServiceError(f"subject {name}", "is not registered", "mxctl schemas get lists subjects")
    with registry_errors(f"subject {name}"):
        if level:
            services.registry.set_compatibility(name, level)
        return own_level(services.registry, name) or str(services.registry.get_compatibility())
