"""Subjects: ``connect-config/subjects.json``, the schemas under ``schemas/``, and the Schema Registry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from glue.avro import load_schema
from glue.errors import ConfigError, ServiceError
from glue.registry import incompatibilities, registry_errors, subject_names
from glue.topology.avro_form import canonical, schema_fields
from glue.topology.change import Action, Change, FieldChange, Undo, impossible
from glue.topology.files import Files, Strict, json_schema
from glue.topology.kinds.contract import Exported, Kind, Live
from glue.topology.memory import Memory
from glue.topology.model import Declared, Problem
from glue.topology.rules.names import subject_topics
from glue.topology.services import Services

Compatibility = Literal[
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"
]


class SubjectEntry(Strict):
    """A subject of the Schema Registry."""

    schema_: str = Field(alias="schema", description="File under schemas/.")
    compatibility: Compatibility | None = Field(None, description="Level of this subject; the default otherwise.")


class SubjectDefaults(Strict):
    """What a subject gets where it does not say otherwise."""

    compatibility: Compatibility | None = None


class SubjectsFile(Strict):
    """``subjects.json``."""

    schema_: str | None = Field(None, alias="$schema")
    defaults: SubjectDefaults = SubjectDefaults()
    subjects: dict[str, SubjectEntry]


@dataclass(frozen=True)
class Subject:
    """A subject with its schema (parsed JSON) and level; None leaves the registry's default."""

    schema: dict[str, Any]
    compatibility: str | None
    file: Path


@dataclass(frozen=True)
class LiveSubject:
    """The latest version of a subject; ``level`` is in force, ``own_level`` is set on the subject itself."""

    schema_id: int
    version: int
    schema: Any
    level: str | None
    own_level: str | None = None


@dataclass
class LiveSubjects(Live):
    """``level`` is the registry's default."""

    level: str | None = None


class Subjects(Kind):
    name, section, patches = "subject", "subjects", "Patches subjects.json."
    rules = (subject_topics,)
    delete_cost = "soft deleted; its schema ids stay readable"

    def load(self, files: Files) -> Iterator[tuple[str, Subject, Path]]:
        file = files.folder / "subjects.json"
        parsed = files.parse(SubjectsFile, files.read(file, files.patch), file) if file.exists() else None
        for name, entry in parsed.subjects.items() if parsed else ():
            try:
                # Not from the cache: a program that applies again wants what the file says now.
                schema = load_schema.__wrapped__(files.settings.schemas_dir / entry.schema_)
            except ConfigError as error:
                files.problem(file, f"subjects.{name}.schema", str(error), error.fix)
                continue
            level = entry.compatibility or (parsed.defaults.compatibility if parsed else None)
            yield name, Subject(schema, level, files.settings.schemas_dir / entry.schema_), file

    def dump(self, want: Subject) -> Any:
        return {"schema": want.schema, "compatibility": want.compatibility, "file": want.file.name}

    def restore(self, body: Any) -> Subject:
        return Subject(body["schema"], body["compatibility"], Path(body["file"]))

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        return {"subjects": json_schema(SubjectsFile)}

    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> LiveSubjects:
        return read_subjects(services.registry, wanted)

    def diff(self, services: Services, name: str, want: Subject, live: Live) -> Change | None:
        level = live.level if isinstance(live, LiveSubjects) else None
        return subject_change(name, want, live.found.get(name), level)

    def fingerprint(self, live: Live, name: str) -> Any:
        subject = live.found.get(name)
        return [subject.version, subject.schema, subject.level] if subject else name in live.names

    def check(self, services: Services, declared: Declared, change: Change) -> None:
        if change.action != Action.UPDATE or not _new_version(change):
            return
        want = declared.subjects[change.name]
        if want.compatibility == "NONE":
            return
        level = want.compatibility or ""
        every = level.endswith("_TRANSITIVE")
        reasons = incompatibilities(services.settings, change.name, want.schema, every_version=every)
        if reasons is not None:
            fields = ", ".join(one.path for one in change.fields if one.path.startswith("schema"))
            why = f"{want.file.name} is not {level or 'compatible'}: it changes {fields}"
            fix = "give new fields a default and keep old ones, or change the level in subjects.json"
            raise ServiceError(change.label, "; ".join([why, *reasons]), f"{fix}; see mxctl schemas diff")

    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        """First the level, then the schema."""
        registry, name, have = services.registry, change.name, live.found.get(change.name)
        from glue.registry import Schema

        with registry_errors(change.label):
            if change.action == Action.DELETE:
                registry.delete_subject(name)
                return impossible(f"subject {name} was deleted; register its schema again")
            want = declared.subjects[name]
            if any(one.path == "compatibility" for one in change.fields):
                registry.set_compatibility(name, want.compatibility)
            if _new_version(change):
                registry.register_schema(name, Schema(json.dumps(want.schema, ensure_ascii=False), "AVRO"))

        def undo() -> None:
            with registry_errors(change.label):
                if have is None:
                    registry.delete_subject(name)
                    return
                if _new_version(change) and (latest := registry.get_versions(name)[-1]) != have.version:
                    registry.delete_version(name, latest)
                if have.own_level is None:
                    registry.delete_config(name)
                else:
                    registry.set_compatibility(name, have.own_level)

        text = f"put subject {name} back to version {have.version}" if have else f"delete subject {name} again"
        return Undo(text, undo)

    def validate(self, services: Services, declared: Declared) -> Iterator[Problem]:
        live = self.read(services, declared.subjects, Memory())
        for name, want in declared.subjects.items():
            try:
                if change := self.diff(services, name, want, live):
                    self.check(services, declared, change)
            except ServiceError as error:
                yield Problem(declared.file(self.name, name), f"subjects.{name}", error.why, error.fix)

    def export(self, services: Services, out: Exported) -> None:
        """Equal schemas share one file."""
        names = read_subjects(services.registry, ()).names
        live = read_subjects(services.registry, names)
        files: dict[str, str] = {}
        entries: dict[str, Any] = {}
        for name, subject in sorted(live.found.items()):
            text = json.dumps(canonical(subject.schema), sort_keys=True)
            if text not in files:
                stem = _snake(str(subject.schema.get("name", name)) if isinstance(subject.schema, dict) else name)
                files[text] = f"{_legal(name) if f'{stem}.avsc' in files.values() else stem}.avsc"
                (out.schemas / files[text]).write_text(_pretty(subject.schema), encoding="utf-8")
            entries[name] = {"schema": files[text]}
            if subject.own_level and subject.own_level != live.level:
                entries[name]["compatibility"] = subject.own_level
        (out.config / "subjects.json").write_text(_pretty({"subjects": entries}), encoding="utf-8")
        out.counts[self.plural] = len(entries)


def read_subjects(registry: Any, wanted: Iterable[str]) -> LiveSubjects:
    """The registry's default level, every subject's name, and the latest version of the subjects named.

    Raises:
        ServiceUnavailableError: the registry does not answer.
        ServiceError: what answers is not a registry.
    """
    with registry_errors("subjects"):
        default = registry.get_compatibility()
    names = subject_names(registry)
    registry.clear_latest_caches()

    def read(name: str) -> tuple[str, LiveSubject]:
        with registry_errors(f"subject {name}"):
            latest = registry.get_latest_version(name)
            schema = parsed_schema(name, latest.schema.schema_str)
            own = own_level(registry, name)
            return name, LiveSubject(latest.schema_id, latest.version, schema, own or default, own)

    with ThreadPoolExecutor(4) as pool:
        return LiveSubjects(dict(pool.map(read, sorted(names & set(wanted)))), names, default)


def parsed_schema(name: str, text: str | None) -> Any:
    """A registered schema; the text itself where it is not Avro."""
    if not text:
        raise ServiceError(f"subject {name}", "the registry answered without a schema", "mxctl doctor")
    try:
        return json.loads(text)
    except ValueError:
        return text


def own_level(registry: Any, name: str) -> str | None:
    """The level of the subject itself; None where it has none (Confluent answers 404, code 40408)."""
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    try:
        return str(registry.get_compatibility(name))
    except SchemaRegistryError as error:
        if error.http_status_code == HTTPStatus.NOT_FOUND:
            return None
        raise


def subject_change(name: str, want: Subject, have: LiveSubject | None, default_level: str | None) -> Change | None:
    """The change that brings a subject to its declaration; a level equal to the registry's default is not a change."""
    level = have.level if have else default_level
    fields: list[FieldChange] = []
    if want.compatibility and want.compatibility != level:
        fields.append(FieldChange("compatibility", level, want.compatibility))
    if have is None:
        fields.append(FieldChange("schema", None, want.schema.get("name", want.file.name)))
        return Change("subject", name, Action.CREATE, tuple(fields))
    schema = list(schema_fields(canonical(have.schema), canonical(want.schema)))
    cost = (f"version {have.version + 1} is registered; producers use it from their next start",) if schema else ()
    fields += schema
    return Change("subject", name, Action.UPDATE, tuple(fields), cost) if fields else None


def _new_version(change: Change) -> bool:
    return any(one.path.startswith("schema") for one in change.fields)


def _pretty(body: Any) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _legal(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".") or "unnamed"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _legal(name.rpartition(".")[2])).lower()


def subject_rows(services: Services, declared: Declared) -> list[dict[str, Any]]:
    """One row a subject, live or declared: version, schema id, level, and whether it is as declared."""
    names = read_subjects(services.registry, ()).names
    live = read_subjects(services.registry, names).found
    rows = []
    for name in sorted(names | declared.subjects.keys()):
        have, want = live.get(name), declared.subjects.get(name)
        drift = "differs" if have and want and canonical(have.schema) != canonical(want.schema) else "as declared"
        rows.append(
            {
                "name": name,
                "version": have.version if have else None,
                "id": have.schema_id if have else None,
                "compatibility": have.level if have else None,
                "file": want.file.name if want else None,
                "state": "missing" if have is None else "not declared" if want is None else drift,
            }
        )
    return rows
