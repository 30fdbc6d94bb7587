"""Errors that people read: what failed, why, and what to do about it.

Every error that leaves the library is a :class:`MillionXError`; the command line prints it without a traceback and
exits with its ``exit_code``. The mixins :class:`Transient` and :class:`Terminal` alone decide what is retried.
"""

from __future__ import annotations

from dataclasses import dataclass


class MillionXError(Exception):
    """A failure with its cause and its remedy.

    Args:
        what: the thing that failed, naming the resource (file, topic, connector, record …).
        why: the cause, without secrets and without personal data.
        fix: what the reader can do now; empty where nothing is known to help.
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return ": ".join(part for part in (self.what, self.why) if part)


class Transient:
    """Mixin: trying the same call again may succeed."""


class Terminal:
    """Mixin: trying the same call again cannot succeed."""


class UsageError(MillionXError, Terminal):
    """The user asked for something that does not exist or is malformed (exit code 2)."""

    exit_code = 2


class ConfigError(MillionXError, Terminal):
    """A declared file or a setting is wrong (exit code 2)."""

    exit_code = 2


class DataError(MillionXError, Terminal):
    """One record is bad; it belongs in dead letters, and its neighbours are unaffected.

    ``why`` must not hold field values: dead letters carry it in a header.
    """


class ServiceError(MillionXError, Terminal):
    """A service answered and refused."""


class ServiceUnavailableError(MillionXError, Transient):
    """A service did not answer, or answered that it cannot now."""


@dataclass(frozen=True)
class Finding:
    """One thing that ``mxctl doctor`` looked at: ``ok``, ``warn`` or ``fail``, what was seen, and the fix."""

    check: str
    state: str
    detail: str
    fix: str = ""
