"""``connect-config/sources/NAME.json``: what a source reads, how often and how politely.

Any string may hold references, resolved when the file is read: ``${env:NAME}`` (or ``${env:NAME:-default}``) and
``${file:PATH:KEY}`` (a ``.properties`` file) for secrets, ``${setting:NAME}`` for an address in
:class:`glue.settings.Settings`. ``profiles`` overlays the file for one profile (``local`` points at the sandbox).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from connectors.policies import Rate, RetryPolicy, Strict, Timeouts, parse_duration
from connectors.source import Source, SourceOptions
from glue.errors import ConfigError, UsageError
from glue.imports import load_class
from glue.settings import Settings

_REFERENCE = re.compile(r"\$\{(env|file|setting):([^}]+)\}")


class SourceConfig(Strict):
    """One source, as configured."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    class_path: str = Field(alias="class", pattern=r"^[\w.]+:\w+$", description="module:Class of the Source.")
    topic: str
    dead_letters: str
    every: timedelta = timedelta(minutes=15)
    overlap: timedelta = Field(timedelta(minutes=10), description="How far a run reads back behind the last one.")
    rate: Rate = Rate()
    retry: RetryPolicy = RetryPolicy()
    timeouts: Timeouts = Timeouts()
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("every", "overlap", mode="before")
    @classmethod
    def _durations(cls, value: Any) -> Any:
        return parse_duration(value) if isinstance(value, str) else value

    def source_class(self) -> type[Source[Any]]:
        """The class named by ``class``.

        Raises:
            ConfigError: there is no such class, or it is no Source.
        """
        return load_class(self.class_path, Source, f"source {self.name}", _fix(self.name))

    def parsed_options(self) -> SourceOptions:
        """``options`` as the class of the source wants them.

        Raises:
            ConfigError: naming each wrong option, without its value.
        """
        try:
            return self.source_class().options_class.model_validate(self.options)
        except ValidationError as error:
            raise _config_error(self.name, error, "options.") from None


def _config_error(name: str, error: ValidationError, prefix: str = "") -> ConfigError:
    problems = "; ".join(
        f"{prefix}{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
    )
    return ConfigError(f"source {name}", problems, _fix(name))


def _fix(name: str) -> str:
    return f"correct connect-config/sources/{name}.json"


def source_names(settings: Settings) -> list[str]:
    """Names of all configured sources."""
    return sorted(path.stem for path in (settings.config_dir / "sources").glob("*.json"))


def load_source(name: str, settings: Settings, resolve: bool = True) -> SourceConfig:
    """The configuration of a source under the current profile, with references resolved unless told otherwise.

    Raises:
        UsageError: no such source.
        ConfigError: its file is wrong, or a secret it names is not there.
    """
    path = settings.config_dir / "sources" / f"{name}.json"
    if name not in source_names(settings):
        raise UsageError(
            f"source {name!r}",
            "there is no such source",
            f"one of: {', '.join(source_names(settings)) or 'none is configured'}",
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError("it is not a JSON object")
        document.pop("$schema", None)  # for editors
        profiles = document.pop("profiles", {})
        merged = _overlay(document, profiles.get(settings.profile, {}))
        resolved = _resolve(merged, settings, name) if resolve else merged
        return SourceConfig.model_validate({**resolved, "name": name})
    except ValidationError as error:
        raise _config_error(name, error) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"source {name}", f"{path.name} can not be read: {error}", _fix(name)) from error


def _overlay(base: Any, top: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(top, Mapping):
        return {**base, **{key: _overlay(base.get(key), value) for key, value in top.items()}}
    return top


def _resolve(value: Any, settings: Settings, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolve(one, settings, name) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolve(one, settings, name) for one in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda found: _referenced(found.group(1), found.group(2), settings, name), value)


def _referenced(kind: str, what: str, settings: Settings, name: str) -> str:
    if kind == "env":
        variable, _, default = what.partition(":-")
        found = os.environ.get(variable) or default
        if not found and ":-" not in what:
            raise ConfigError(f"source {name}", f"the environment variable {what} is not set", f"export {what}=…")
        return found
    if kind == "setting":
        value = getattr(settings, what, None)
        if value:
            return str(value)
        fix = "mxctl sandbox up" if what == "sandbox" else f"set MXCTL_{what.upper()}"
        raise ConfigError(f"source {name}", f"the setting {what} is empty", fix)
    path, _, key = what.rpartition(":")
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"source {name}", f"{path}: {error.strerror}", "create the file of secrets") from error
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    found_values = [value.strip() for left, _, value in pairs if left.strip() == key]
    if not found_values:
        raise ConfigError(f"source {name}", f"{path} has no {key}", f"add the line {key}=…")
    return found_values[-1]
