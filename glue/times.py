"""Durations, times and lists as people write them: one grammar for every option and file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
DURATION_PATTERN = rf"^({_PART.pattern})+$"


def parse_duration(text: str) -> timedelta:
    """``90s``, ``15m``, ``1h30m``, ``2d``, ``1w``.

    Raises:
        ValueError: it is not one.
    """
    try:
        if text and not _PART.sub("", text):
            return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
    except OverflowError:
        pass
    raise ValueError(f"{text!r} is not a duration such as 30s, 15m, 1h30m or 2d")


def parse_time(text: str, now: datetime | None = None) -> datetime:
    """A date or time of ISO 8601, or how long before ``now``: ``7d``, ``1h30m``. Without a zone it is UTC.

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    try:
        if text[-1:].isalpha() and _PART.match(text) and not text.endswith("Z"):
            return (now or datetime.now(UTC)) - parse_duration(text)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        times = "an ISO 8601 time such as 2026-01-31T12:00+06:00"
        raise ValueError(f"{text!r} is neither a duration such as 36h or 7d nor {times}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def iso(ms: int) -> str:
    """Milliseconds since the epoch as ``2026-11-24T06:00:00Z``, and ``-`` for no time."""
    if ms <= 0:
        return "-"
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def split_list(text: str) -> list[str]:
    """The items between commas, without blanks around them and without empty ones: Kafka's LIST type."""
    return [part for one in text.split(",") if (part := one.strip())]
