"""The declared state as a whole: from the files and a profile, or from a snapshot of an earlier one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, create_model

from glue.errors import ConfigError, UsageError
from glue.overlay import merge_patch, profile_body
from glue.settings import Settings
from glue.topology.files import Files, Strict, read_json
from glue.topology.kinds import KINDS
from glue.topology.model import Declared


class _Profile(Strict):
    schema_: str | None = Field(None, alias="$schema")
    description: str = ""
    extends: str | list[str] = Field("", description="The profile, or profiles in their order, that this one extends.")
    sources: dict[str, Any] = Field(default_factory=dict, description="Source name → patch of its file.")


_SECTIONS: dict[str, Any] = {
    kind.section: (dict[str, Any], Field(default_factory=dict, description=kind.patches))
    for kind in KINDS.values()
    if kind.section
}
Profile = create_model("Profile", __base__=_Profile, **_SECTIONS)
Profile.__doc__ = "``profiles/<name>.json``: RFC 7396 merge patches, each for the file or folder of that name."


def project_folder(settings: Settings) -> Path:
    """The folder of the declared files. Raises :class:`ConfigError` where there is none."""
    if not settings.config_dir.is_dir():
        fix = "go to the project's folder, make one with mxctl init, or set MXCTL_CONFIG_DIR"
        raise ConfigError(f"folder {settings.config_dir}", "there is no such folder", fix)
    return settings.config_dir


def load(settings: Settings, *, profile: str | None = None, connector_files: Iterable[str] = ()) -> Declared:
    """The declared state of ``profile`` (default: the settings').

    Args:
        connector_files: files, folders or ``-`` to take connectors from instead of ``connectors/``.

    Raises:
        ConfigError: a file cannot be read at all. What is wrong inside one is in ``problems``.
        UsageError: no such profile.
    """
    folder = project_folder(settings)
    name = profile or settings.profile
    declared = Declared(owner=settings.owner, profile=name)
    file = folder / "profiles" / f"{name}.json"
    files = Files(settings, file, declared.problems, list(connector_files))
    patches = _profile(files, name)
    for kind in KINDS.values():
        for resource, want, where in kind.load(replace(files, patch=patches.get(kind.section, {}))):
            declared.of(kind.name)[resource] = want
            declared.files[kind.name, resource] = where
    for source in sorted((folder / "sources").glob("*.json")):
        patch = patches.get("sources", {}).get(source.stem, {})
        declared.files["source", source.stem] = source
        declared.sources[source.stem] = merge_patch(read_json(source, declared.problems), patch)
    for kind in KINDS.values():
        kind.complete(replace(files, patch=patches.get(kind.section, {})), declared)
    return declared


def _profile(files: Files, name: str) -> dict[str, Any]:
    """What the profile changes, by section."""
    if not files.profile.is_file():
        known = ", ".join(sorted(p.stem for p in files.profile.parent.glob("*.json"))) or "none"
        why = f"there is no {files.profile.name} in profiles/"
        raise UsageError(f"profile {name}", why, f"known profiles: {known}")
    body = profile_body(files.folder, name, lambda path: read_json(path, files.problems))
    parsed = files.parse(Profile, body, files.profile)
    return {section: getattr(parsed, section) for section in ("sources", *_SECTIONS)} if parsed else {}


def to_snapshot(declared: Declared) -> dict[str, Any]:
    """Everything declared as JSON, for plan files and the history. Only references, never secrets."""
    resources = {
        kind.plural: {name: kind.dump(want) for name, want in declared.of(kind.name).items()} for kind in KINDS.values()
    }
    return {"owner": declared.owner, "profile": declared.profile, **{key: one for key, one in resources.items() if one}}


def from_snapshot(snapshot: dict[str, Any]) -> Declared:
    """What :func:`to_snapshot` wrote, as declared state again.

    Raises:
        ConfigError: it holds what this version does not understand.
    """
    declared = Declared(owner=str(snapshot["owner"]), profile=str(snapshot["profile"]))
    try:
        for kind in KINDS.values():
            for name, body in snapshot.get(kind.plural, {}).items():
                declared.of(kind.name)[name] = kind.restore(body)
    except (ValueError, KeyError, TypeError, AttributeError):
        fix = "apply the files instead"
        raise ConfigError("an earlier declaration", f"its {kind.plural} are not what this mxctl reads", fix) from None
    return declared
