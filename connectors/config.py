"""``connect-config/sources/NAME.json``: what a source reads, how often and how politely.

The profile patches the file (``local`` points at the sandbox); references in its texts are resolved when it is read
(:mod:`glue.overlay`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic import Field, ValidationError, field_validator

from connectors.policies import Rate, RetryPolicy, Strict, Timeouts
from connectors.source import Source, SourceOptions
from glue import overlay
from glue.errors import ConfigError, UsageError
from glue.imports import load_class
from glue.reasons import invalid
from glue.settings import Settings
from glue.times import parse_duration


class SourceConfig(Strict):
    """One source, as configured."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    class_path: str = Field(alias="class", pattern=r"^[\w.]+:\w+$", description="module:Class of the Source.")
    topic: str
    dead_letters: str
    every: timedelta = timedelta(minutes=15)
    overlap: timedelta = Field(timedelta(minutes=10), description="How far a run reads back before its checkpoint.")
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
            ConfigError: there is no such class, or it is not a Source.
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
            raise invalid(f"source {self.name}", error, _fix(self.name), "options.") from None


def _fix(name: str) -> str:
    return f"correct connect-config/sources/{name}.json"


def source_names(settings: Settings) -> list[str]:
    """Names of all configured sources."""
    return sorted(path.stem for path in (settings.config_dir / "sources").glob("*.json"))


def load_source(name: str, settings: Settings, resolve: bool = True) -> SourceConfig:
    """The configuration of a source under the current profile, with references resolved by default.

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
        body = overlay.merge_patch(document, overlay.patch_of(settings.config_dir, settings.profile, "sources", name))
        if resolve:
            body = overlay.resolve(body, settings, f"source {name}")
        return SourceConfig.model_validate({**body, "name": name})
    except ValidationError as error:
        raise invalid(f"source {name}", error, _fix(name)) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"source {name}", f"{path.name} cannot be read: {error}", _fix(name)) from error
