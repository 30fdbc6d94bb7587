"""Versions of the vendors' APIs: which one a source asks for, until when it is supported, which one answered.

The calendar is ``connectors/data/api_versions.json``. Vendors do not refuse a version that ended: an older supported
one answers in its place, with other fields, and only a header says so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.config import load_source, source_names
from connectors.stats import Stats
from glue.errors import ConfigError, Finding
from glue.settings import Settings

log = logging.getLogger(__name__)
WARN_BEFORE = timedelta(days=60)
_FILE = Path(__file__).parent / "data" / "api_versions.json"


class Release(BaseModel):
    """A version of a vendor's API; ``supported_until`` is the first day without support, None while unannounced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vendor: str
    version: str
    released: date
    supported_until: date | None


@cache
def calendar() -> tuple[Release, ...]:
    """Every known version.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        document = json.loads(_FILE.read_text(encoding="utf-8"))
        return tuple(Release.model_validate(one) for one in document["versions"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise ConfigError(f"file {_FILE}", f"it cannot be read: {type(error).__name__}", "correct it") from error


def verdict(source: str, vendor: str, version: str, today: date) -> Finding:
    """How long the ``version`` that ``source`` asks for still lasts, by the calendar."""
    what = f"source {source}: version {version} of {vendor}"
    known = next((one for one in calendar() if (one.vendor, one.version) == (vendor, version)), None)
    fix = f"declare {_longest(vendor, today)} in connect-config/sources/{source}.json"
    if known is None:
        return Finding(
            "versions", "fail", f"{what} is not in the calendar", f"{fix}, or add the version to {_FILE.name}"
        )
    ends = known.supported_until
    if ends is not None and ends <= today:
        return Finding("versions", "fail", f"{what} ended on {ends}: another version answers in its place", fix)
    if ends is not None and ends - today <= WARN_BEFORE:
        return Finding("versions", "warn", f"{what} ends on {ends}, in {(ends - today).days} days", fix)
    return Finding("versions", "ok", f"{what} is supported{f' until {ends}' if ends else ', its end is not announced'}")


def _longest(vendor: str, today: date) -> str:
    """The newest released version of ``vendor``."""
    released = [one for one in calendar() if one.vendor == vendor and one.released <= today]
    return max(released, key=lambda one: one.released).version if released else "a supported version"


def verdicts(settings: Settings, today: date) -> Iterator[Finding]:
    """One for each declared source whose vendor numbers its API. No secret is read.

    Raises:
        ConfigError: a source's file is wrong.
    """
    for name in source_names(settings):
        config = load_source(name, settings, resolve=False)
        kind = config.source_class()
        defaults = {one: field.default for one, field in kind.options_class.model_fields.items()}
        asked = kind.api_version_of(defaults | config.options)
        if asked is not None:
            yield verdict(name, *asked, today)


def check_answered(what: str, asked: str, answered: str, stats: Stats) -> None:
    """Count and say (once a run) that a call was answered by another version than the one asked for."""
    if answered in ("", asked):
        return
    if not stats.other_version:
        log.warning("%s: version %s was asked for, %s answered: mxctl doctor says until when each lasts", what, asked,
                    answered)  # fmt: skip
    stats.answered_by_other_version()
