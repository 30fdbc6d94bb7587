"""Chains as files declare them: ``connect-config/transforms/<name>.json``.

A file is ``{"name": …, "config": {…all strings, Connect's keys…}, "tests": […]}``. ``config`` holds the keys of the
service (see :class:`glue.service.config.ServiceConfig`) beside ``transforms`` and ``predicates``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glue.errors import ConfigError, UsageError
from glue.overlay import merge_patch, patch_of, resolve
from glue.reasons import invalid
from glue.settings import get_settings


class RecordText(BaseModel):
    """A record as a person writes it in JSON; times are ISO 8601 texts, decimals are texts."""

    model_config = ConfigDict(extra="forbid")

    topic: str | None = None
    key: str | None = None
    value: dict[str, Any] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    timestamp: int | None = None


class Case(BaseModel):
    """One test of a chain: an input, and what must come of it (exactly one of output, error, dropped)."""

    model_config = ConfigDict(extra="forbid")

    name: str
    fixtures: dict[str, Any] = Field(default_factory=dict, description="Contents of external services.")
    input: RecordText
    output: RecordText | None = Field(None, description="Fields that must be present with these values.")
    absent: list[str] = Field(default_factory=list, description="Texts that may occur nowhere in the output.")
    error: str | None = Field(None, description="Text that the error must contain.")
    dropped: bool = False


class DeclaredChain(BaseModel):
    """A chain file."""

    model_config = ConfigDict(extra="forbid")

    name: str
    config: dict[str, str]
    tests: list[Case] = Field(default_factory=list)


def chain_names() -> list[str]:
    """The names of all declared chains."""
    return sorted(path.stem for path in _folder().glob("*.json"))


def load_chain(name: str) -> DeclaredChain:
    """The chain of that name as the profile has it: its file, the profile's patch, references resolved.

    Raises:
        UsageError: no such chain is declared.
        ConfigError: its file or the profile is malformed, or a reference has no value.
    """
    path = _folder() / f"{name}.json"
    if name not in chain_names():
        raise UsageError(f"chain {name!r}", f"declared are {', '.join(chain_names()) or 'none'}", f"see {_folder()}")
    settings = get_settings()
    return read_chain(path, patch_of(settings.config_dir, settings.profile, "transforms", name))


def read_chain(path: Path, patch: Any = None) -> DeclaredChain:
    """The chain in a file, with a profile's merge patch on it.

    Raises:
        ConfigError: the file is malformed, with every problem in it.
    """
    try:
        body = merge_patch(json.loads(path.read_text(encoding="utf-8")), patch or {})
        chain = DeclaredChain.model_validate(resolve(body, get_settings(), f"chain file {path.name}"))
    except ValidationError as error:
        raise invalid(f"chain file {path.name}", error, "correct the file") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"chain file {path.name}", str(error), "correct the file") from None
    if chain.name != path.stem:
        raise ConfigError(f"chain file {path.name}", f"its name is {chain.name!r}", "name file and chain alike")
    return chain


def _folder() -> Path:
    return get_settings().config_dir / "transforms"
