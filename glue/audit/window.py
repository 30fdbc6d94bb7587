"""Moments as people write them: ``7d``, ``36h``, or an ISO 8601 date or time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from glue.errors import UsageError

_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_ms(text: str, now: datetime | None = None) -> int:
    """Milliseconds since the epoch; a time without a zone is UTC, a duration is before ``now``.

    Raises:
        UsageError: it is neither.
    """
    try:
        if ago := _AGO.fullmatch(text.strip()):
            found = (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            found = datetime.fromisoformat(text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(found.timestamp() * 1000)
    except (ValueError, OverflowError):
        fix = "write 7d, 36h, 2026-11-24 or 2026-11-24T06:00:00Z"
        raise UsageError(f"moment {text!r}", "is neither a duration nor ISO 8601", fix) from None


def iso(ms: int) -> str:
    """``2026-11-24T06:00:00Z``, and ``-`` for no time."""
    return (
        "-" if ms <= 0 else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
