"""Durations and times: what is read, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from glue.times import iso, parse_duration, parse_time

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1.5m", 90), ("1w", 604_800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "5 weeks", "-5m", "9999999999999d"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h30m", "2026-11-24T10:30:00Z"),
        ("7d", "2026-11-17T12:00:00Z"),
        ("2026-11-24", "2026-11-24T00:00:00Z"),
        ("2026-11-24T06:00:00Z", "2026-11-24T06:00:00Z"),
        ("2026-11-24T06:00", "2026-11-24T06:00:00Z"),
        ("2026-11-24T06:00+06:00", "2026-11-24T00:00:00Z"),
    ],
)
def test_times(text: str, expected: str) -> None:
    assert iso(int(parse_time(text, NOW).timestamp() * 1000)) == expected


@pytest.mark.parametrize("text", ["", "24", "yesterday", "soon", "2026-13-01", "-3h", "99999999999d", "3hours"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="neither a duration"):
        parse_time(text, NOW)


def test_no_time_is_a_dash() -> None:
    assert iso(0) == "-"
