"""Looking at subjects: what is registered, how it differs from what is declared, whether it would be accepted."""

from __future__ import annotations

import json
from typing import Any

from glue.errors import ServiceError, UsageError
from glue.registry import incompatibilities, registry_errors
from glue.topology.avro_form import canonical
from glue.topology.compare import FieldChange
from glue.topology.diff import schema_fields
from glue.topology.live import read_subjects
from glue.topology.model import Declared
from glue.topology.services import Services


def subject_rows(services: Services, declared: Declared) -> list[dict[str, Any]]:
    """One row a subject, live or declared: version, schema id, level, and whether it is as declared."""
    with registry_errors("subjects"):
        names = set(services.registry.get_subjects())
    _, _, live = read_subjects(services.registry, names)
    rows = []
    for name in sorted(names | declared.subjects.keys()):
        have, want = live.get(name), declared.subjects.get(name)
        if have is None:
            state = "missing"
        elif want is None:
            state = "not declared"
        else:
            state = "as declared" if canonical(have.schema) == canonical(want.schema) else "differs"
        rows.append(
            {
                "name": name,
                "version": have.version if have else None,
                "id": have.schema_id if have else None,
                "compatibility": have.level if have else None,
                "file": want.file.name if want else None,
                "state": state,
            }
        )
    return rows


def subject_schema(services: Services, name: str, version: str = "latest") -> dict[str, Any]:
    """One version of a subject: ``subject``, ``version``, ``id``, ``schema``.

    Raises:
        ServiceError: there is no such subject or version.
    """
    with registry_errors(f"subject {name}"):
        found = services.registry.get_version(name, int(version) if version.isdigit() else "latest")
    return {
        "subject": name,
        "version": found.version,
        "id": found.schema_id,
        "schema": json.loads(found.schema.schema_str or "null"),
    }


def _subject(declared: Declared, name: str) -> Any:
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
    want = _subject(declared, name)
    have = subject_schema(services, name)["schema"]
    return list(schema_fields(canonical(have), canonical(want.schema)))


def schema_check(services: Services, declared: Declared, name: str) -> list[str] | None:
    """Why the registry would refuse the declared schema; None where it would take it (also where nothing is there yet).

    Raises:
        UsageError: the subject is not declared.
    """
    want = _subject(declared, name)
    with registry_errors(f"subject {name}"):
        if name not in services.registry.get_subjects():
            return None
    every = (want.compatibility or "").endswith("_TRANSITIVE")
    return incompatibilities(services.settings.registry, name, want.schema, every_version=every)


def compatibility(services: Services, name: str, level: str | None = None) -> str:
    """The level in force for a subject, after setting it where ``level`` is given."""
    with registry_errors(f"subject {name}"):
        if level:
            services.registry.set_compatibility(name, level)
        try:
            return str(services.registry.get_compatibility(name))
        except Exception as error:
            if getattr(error, "http_status_code", None) != 404:
                raise
            return str(services.registry.get_compatibility())


def must_exist(services: Services, name: str) -> None:
    """Raise unless the subject is registered.

    Raises:
        ServiceError: it is not.
    """
    with registry_errors(f"subject {name}"):
        if name not in services.registry.get_subjects():
            raise ServiceError(f"subject {name}", "is not registered", "mxctl schemas get lists subjects")
