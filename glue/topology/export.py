"""A live cluster written into files that declare it. Applying them to the same cluster changes nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue.errors import UsageError
from glue.secrets import has_reference, is_secret_key
from glue.topology.avro_form import canonical
from glue.topology.live import LiveConnector, LiveSubject, LiveTopic, read_connectors, read_subjects, read_topics
from glue.topology.services import Services
from glue.topology.topic_view import INTERNAL


@dataclass
class Export:
    """What was written: how many of each, and what a person has to see to."""

    topics: int = 0
    subjects: int = 0
    connectors: int = 0
    notes: list[str] = field(default_factory=list)


def export(services: Services, folder: Path, *, overwrite: bool = False) -> Export:
    """Write topics, subjects with their schemas, and connectors under ``folder``, as in this project's root.

    Kafka's, Connect's, the registry's and mxctl's own topics are left out. A secret that stands in plain text in a live
    config is replaced by a reference, and a note says so.

    Raises:
        UsageError: there are files already.
    """
    config, schemas = folder / "connect-config", folder / "schemas"
    if not overwrite and (config.exists() or schemas.exists()):
        raise UsageError(
            f"folder {folder}", "holds connect-config or schemas already", "choose another, or pass --force"
        )
    for one in (config / "connectors", config / "profiles", schemas):
        one.mkdir(parents=True, exist_ok=True)
    done = Export()
    names = [name for name in read_topics(services.admin, ()) if not name.startswith(INTERNAL)]
    topics = {name: topic for name, topic in read_topics(services.admin, names).items() if name in names}
    level, subject_names, _ = read_subjects(services.registry, ())
    _, _, subjects = read_subjects(services.registry, subject_names)
    connectors = read_connectors(services)
    dead = {one.config.get("errors.deadletterqueue.topic.name") for one in connectors.values()}
    _write(
        config / "topics.json", {"topics": {name: _topic(one, name in dead) for name, one in sorted(topics.items())}}
    )
    _write(config / "subjects.json", {"subjects": _subjects(subjects, level, schemas)})
    for name, connector in sorted(connectors.items()):
        secrets = _password_keys(services, connector)
        _write(config / "connectors" / f"{_file(name)}.json", _connector(name, connector, secrets, done.notes))
        done.connectors += 1
    _write(config / "profiles" / "local.json", {"description": "As exported."})
    done.topics, done.subjects = len(topics), len(subjects)
    return done


def _topic(topic: LiveTopic, dead_letters: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"partitions": topic.partitions, "replication_factor": topic.replication_factor}
    if dead_letters:
        body["dead_letters"] = True
    if topic.overrides:
        body["config"] = dict(sorted(topic.overrides.items()))
    return body


def _subjects(live: dict[str, LiveSubject], level: str | None, folder: Path) -> dict[str, Any]:
    """Entries of subjects.json; equal schemas share one file."""
    files: dict[str, str] = {}
    entries: dict[str, Any] = {}
    for name, subject in sorted(live.items()):
        text = json.dumps(canonical(subject.schema), sort_keys=True)
        if text not in files:
            stem = _snake(str(subject.schema.get("name", name)) if isinstance(subject.schema, dict) else name)
            taken = set(files.values())
            file = f"{stem}.avsc" if f"{stem}.avsc" not in taken else f"{_file(name)}.avsc"
            _write(folder / file, subject.schema)
            files[text] = file
        entries[name] = {"schema": files[text]}
        if subject.own_level and subject.own_level != level:
            entries[name]["compatibility"] = subject.own_level
    return entries


def _password_keys(services: Services, connector: LiveConnector) -> set[str]:
    return {key for key, one in services.definitions.of(connector.config).items() if one.type == "PASSWORD"}


def _connector(name: str, connector: LiveConnector, secrets: set[str], notes: list[str]) -> dict[str, Any]:
    config = {}
    for key, value in sorted(connector.config.items()):
        if key == "name":
            continue
        if (key in secrets or is_secret_key(key)) and not has_reference(value):
            reference = f"${{file:secrets/{_file(name)}.properties:{key}}}"
            notes.append(
                f"connector {name}: {key} stands in plain text in the cluster; put it where {reference} points"
            )
            value = reference
        config[key] = value
    return {"name": name, "config": config}


def _write(file: Path, body: Any) -> None:
    file.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _file(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".") or "unnamed"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _file(name.rpartition(".")[2])).lower()
