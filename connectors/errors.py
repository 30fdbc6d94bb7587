"""How a source can fail. The kind alone decides what the runner does next.

Transient (``ServiceUnavailableError``) and throttled are retried; blocked retires the browser session and is retried
a few times; everything else is an answer and ends the run.
"""

from __future__ import annotations

from glue.errors import MillionXError, ServiceError, ServiceUnavailableError


class ThrottledError(ServiceUnavailableError):
    """The vendor asks for fewer requests. ``retry_after`` is in seconds, None where it did not say."""

    def __init__(self, what: str, why: str = "", fix: str = "", retry_after: float | None = None) -> None:
        super().__init__(what, why, fix)
        self.retry_after = retry_after


class BlockedError(ServiceError):
    """The vendor took us for a robot, or gave nothing where there must be something."""

    outcome = "blocked"  # as attempts count it; an error without one is a refusal


class EmptyListingError(BlockedError):
    """One listing is empty that should not be: hidden, renamed or gone. Others may be well."""


class ChangedError(ServiceError):
    """The page came but does not look as configured: selectors are stale."""


class CredentialError(ServiceError):
    """A token, key or signature was refused."""


class StoppedError(MillionXError):
    """The run was asked to stop while it waited."""
