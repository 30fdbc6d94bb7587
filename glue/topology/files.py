"""Reading declared files: strict JSON, then the profile's patch, then references, then a model."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from glue.errors import ConfigError
from glue.overlay import map_texts, merge_patch, resolve_text
from glue.secrets import is_secret_key
from glue.settings import Settings
from glue.topology.model import Problem

ModelT = TypeVar("ModelT", bound=BaseModel)


class Strict(BaseModel):
    """A file of ours, or a part of one: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class WithConfig(Strict):
    """A part with Kafka's own keys."""

    config: dict[str, str] = Field(default_factory=dict, description="Kafka's own keys; every value a string.")

    @field_validator("config", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return {key: as_text(one) for key, one in value.items()} if isinstance(value, dict) else value


def as_text(value: Any) -> Any:
    """A scalar as Kafka writes it: ``true`` for True, ``1`` for 1; anything else unchanged."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a file (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}


@dataclass
class Files:
    """Where a kind finds its files, and where it reports what is wrong with them.

    Attributes:
        profile: the profile's file.
        patch: what the profile changes in the files of this kind.
        connectors: files, folders or ``-`` from the command line, in place of ``connectors/``.
    """

    settings: Settings
    profile: Path
    problems: list[Problem]
    connectors: Sequence[str] = ()
    patch: Any = None

    @property
    def folder(self) -> Path:
        """``connect-config``."""
        return self.settings.config_dir

    def read(self, file: Path, patch: Any) -> Any:
        """The JSON in a file with a patch on it and its references resolved."""
        return self.resolve(merge_patch(read_json(file, self.problems), patch or {}), file)

    def resolve(self, value: Any, file: Path, *, for_worker: bool = False) -> Any:
        """References resolved, but for those of a Connect worker; no secret comes into what is declared."""

        def change(text: str, where: str) -> str:
            try:
                found = resolve_text(text, self.settings, str(file), for_worker=for_worker)
            except ConfigError as error:
                self.problem(file, where, error.why, error.fix)
                return text
            if found == text or not is_secret_key(where.rpartition("config.")[2]):
                return found
            if for_worker:
                fix = "let the worker resolve it: ${file:PATH:KEY}, or ${env:NAME} without a default"
                self.problem(file, where, "a secret must not come from mxctl's environment", fix)
            return text

        return map_texts(value, change)

    def parse(self, model: type[ModelT], body: Any, file: Path, where: str = "") -> ModelT | None:
        """``body`` as a model, or None with every mistake in ``problems``; values are never quoted."""
        try:
            return model.model_validate(body)
        except ValidationError as error:
            for entry in error.errors(include_input=False, include_url=False):
                place = ".".join([*([where] if where else []), *map(str, entry["loc"])])
                fix = "remove it, or correct its name" if entry["type"] == "extra_forbidden" else ""
                message = "is not a known key" if entry["type"] == "extra_forbidden" else entry["msg"]
                self.problem(file, place, message, fix)
            return None

    def problem(self, file: Path, where: str, message: str, fix: str = "") -> None:
        """Report a mistake."""
        self.problems.append(Problem(file, where, message, fix))


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
        raise ConfigError(shown, error.strerror or "cannot be read", "name an existing file") from None
    except ValueError as error:
        raise ConfigError(shown, f"not JSON: {error}", "correct it at the line and column named") from None
    if not isinstance(body, dict):
        raise ConfigError(shown, f"holds a {type(body).__name__}, not a JSON object", "begin it with {")
    return body
