"""Reading the declared state: files, then the profile's patch, then references."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from glue.avro import load_schema
from glue.errors import ConfigError, UsageError
from glue.overlay import map_texts, merge_patch, profile_body, resolve_text
from glue.secrets import is_secret_key
from glue.settings import Settings
from glue.topology.model import Connector, Declared, Kind, Problem, Profile, Subject, SubjectsFile, Topic, TopicsFile

ModelT = TypeVar("ModelT", bound=BaseModel)


def load(settings: Settings, *, profile: str | None = None, connector_files: Iterable[str] = ()) -> Declared:
    """The declared state of ``profile`` (default: the settings').

    Args:
        connector_files: files, folders or ``-`` to take connectors from instead of ``connectors/``.

    Raises:
        ConfigError: a file can not be read at all. What is wrong inside one is in ``problems``.
        UsageError: no such profile.
    """
    folder = settings.config_dir
    if not folder.is_dir():
        fix = "go to the project's folder, or set MXCTL_CONFIG_DIR"
        raise ConfigError(f"folder {folder}", "there is no such folder", fix)
    name = profile or settings.profile
    declared = Declared(owner=settings.owner, profile=name)
    patch = _profile(folder, name, declared.problems)
    _topics(folder / "topics.json", patch.topics, declared, settings)
    _subjects(folder / "subjects.json", patch.subjects, declared, settings)
    _connectors(folder / "connectors", list(connector_files), patch.connectors, declared, settings)
    for file in sorted((folder / "transforms").glob("*.json")):
        body = merge_patch(read_json(file, declared.problems), patch.transforms.get(file.stem, {}))
        declared.chains[file.stem] = _resolved(body, file, declared, settings)
        declared.files[Kind.CHAIN, file.stem] = file
    for file in sorted((folder / "sources").glob("*.json")):
        declared.sources[file.stem] = merge_patch(read_json(file, declared.problems), patch.sources.get(file.stem, {}))
    return declared


def read_json(file: Path, problems: list[Problem]) -> dict[str, Any]:
    """The JSON object in a file (``-`` is stdin); a key given twice is a problem, not silently the last one.

    Raises:
        ConfigError: missing, unreadable or no JSON object, with line and column.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen:
                problems.append(Problem(file, key, "is given twice in one object", "keep one of them"))
            seen[key] = value
        return seen

    shown = "stdin" if str(file) == "-" else f"file {file}"
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        body = json.loads(text, object_pairs_hook=pairs)
    except OSError as error:
        raise ConfigError(shown, error.strerror or "can not be read", "name an existing file") from None
    except ValueError as error:
        raise ConfigError(shown, f"not JSON: {error}", "correct it at the line and column named") from None
    if not isinstance(body, dict):
        raise ConfigError(shown, f"holds a {type(body).__name__}, not a JSON object", "begin it with {")
    return body


def _profile(folder: Path, name: str, problems: list[Problem]) -> Profile:
    file = folder / "profiles" / f"{name}.json"
    if not file.is_file():
        known = ", ".join(sorted(p.stem for p in (folder / "profiles").glob("*.json"))) or "none"
        raise UsageError(f"profile {name}", f"there is no {file.name} in profiles/", f"known profiles: {known}")
    body = profile_body(folder, name, lambda path: read_json(path, problems))
    return _model(Profile, body, file, "", problems) or Profile()


def _topics(file: Path, patch: dict[str, Any], declared: Declared, settings: Settings) -> None:
    if not file.exists():
        return
    body = _resolved(merge_patch(read_json(file, declared.problems), patch), file, declared, settings)
    parsed = _model(TopicsFile, body, file, "", declared.problems)
    if parsed is None:
        return
    defaults = parsed.defaults.model_dump(exclude_none=True)
    for name, entry in parsed.topics.items():
        topic = _model(Topic, merge_patch(defaults, entry), file, f"topics.{name}", declared.problems)
        if topic:
            declared.topics[name] = topic
            declared.files[Kind.TOPIC, name] = file


def _subjects(file: Path, patch: dict[str, Any], declared: Declared, settings: Settings) -> None:
    schemas = settings.schemas_dir
    if not file.exists():
        return
    body = _resolved(merge_patch(read_json(file, declared.problems), patch), file, declared, settings)
    parsed = _model(SubjectsFile, body, file, "", declared.problems)
    if parsed is None:
        return
    for name, entry in parsed.subjects.items():
        try:
            # Not from the cache: a program that applies again wants what the file says now.
            schema = load_schema.__wrapped__(schemas / entry.schema_)
        except ConfigError as error:
            declared.problems.append(Problem(file, f"subjects.{name}.schema", str(error), error.fix))
            continue
        level = entry.compatibility or parsed.defaults.compatibility
        declared.subjects[name] = Subject(schema, level, schemas / entry.schema_)
        declared.files[Kind.SUBJECT, name] = file


def _connectors(
    folder: Path, given: list[str], patches: dict[str, Any], declared: Declared, settings: Settings
) -> None:
    seen: set[str] = set()
    for file in _expand(given) if given else sorted(folder.glob("*.json")):
        body = read_json(file, declared.problems)
        name = str(body.get("name") if isinstance(body, Mapping) else None)
        seen.add(name)
        if name in patches and patches[name] is None:
            continue
        _connector(merge_patch(body, patches.get(name, {})), file, declared, settings)
    if not given:
        _more_connectors(folder.parent / "profiles" / f"{declared.profile}.json", patches, seen, declared, settings)


def _more_connectors(
    file: Path, patches: dict[str, Any], seen: set[str], declared: Declared, settings: Settings
) -> None:
    """The connectors that only the profile has: a patch that names a plugin is a connector of its own."""
    for name in sorted(patches.keys() - seen):
        patch = patches[name]
        config = patch.get("config") if isinstance(patch, Mapping) else None
        if isinstance(config, Mapping) and "connector.class" in config:
            _connector({"name": name, **patch}, file, declared, settings)
        else:
            fix = "correct the name, or give it a connector.class to declare it here"
            declared.problems.append(Problem(file, f"connectors.{name}", "patches no connector", fix))


def _connector(body: Any, file: Path, declared: Declared, settings: Settings) -> None:
    body = _resolved(body, file, declared, settings, for_worker=True)
    if isinstance(body, Mapping):
        _only_strings(body.get("config"), file, declared.problems)
    connector = _model(Connector, body, file, "", declared.problems)
    if connector is None:
        return
    if connector.name in declared.connectors:
        other = declared.files[Kind.CONNECTOR, connector.name].name
        declared.problems.append(
            Problem(file, "name", f"{connector.name} is already declared in {other}", "rename one")
        )
        return
    declared.connectors[connector.name] = connector
    declared.files[Kind.CONNECTOR, connector.name] = file


def _expand(given: list[str]) -> list[Path]:
    files: list[Path] = []
    for name in given:
        path = Path(name)
        if name != "-" and path.is_dir():
            inside = sorted(path.glob("*.json"))
            if not inside:
                raise UsageError(f"folder {name}", "holds no .json file", "name a folder of connector files")
            files += inside
        elif name == "-" or path.is_file():
            files.append(path)
        else:
            raise UsageError(f"file {name}", "does not exist", "give a file, a folder or - for stdin")
    return files


def _only_strings(config: Any, file: Path, problems: list[Problem]) -> None:
    for key, value in config.items() if isinstance(config, Mapping) else ():
        if isinstance(value, bool | int | float):
            problems.append(
                Problem(
                    file,
                    f"config.{key}",
                    f"is a {type(value).__name__}, not a string",
                    f'write it in quotes: "{json.dumps(value)}"',
                )
            )


def _resolved(value: Any, file: Path, declared: Declared, settings: Settings, *, for_worker: bool = False) -> Any:
    """References resolved, but for those of a Connect worker; no secret comes into what is declared."""

    def change(text: str, where: str) -> str:
        try:
            found = resolve_text(text, settings, str(file), for_worker=for_worker)
        except ConfigError as error:
            declared.problems.append(Problem(file, where, error.why, error.fix))
            return text
        if found == text or not is_secret_key(where.rpartition("config.")[2]):
            return found
        if for_worker:
            fix = "let the worker resolve it: ${file:PATH:KEY}, or ${env:NAME} without a default"
            declared.problems.append(Problem(file, where, "a secret must not come from mxctl's environment", fix))
        return text

    return map_texts(value, change)


def _model(model: type[ModelT], body: Any, file: Path, where: str, problems: list[Problem]) -> ModelT | None:
    """``body`` as a model, or None with every mistake in ``problems``; values are never quoted."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        for entry in error.errors(include_input=False, include_url=False):
            place = ".".join([*([where] if where else []), *map(str, entry["loc"])])
            fix = "remove it, or correct its name" if entry["type"] == "extra_forbidden" else ""
            message = "is not a known key" if entry["type"] == "extra_forbidden" else entry["msg"]
            problems.append(Problem(file, place, message, fix))
        return None
