"""How often, how patiently and how long a source is called."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_duration(text: str) -> timedelta:
    """``90s``, ``15m``, ``1h30m``, ``2d``.

    Raises:
        ValueError: it is not one.
    """
    if not text or _DURATION.sub("", text):
        raise ValueError(f"{text!r} is not a duration such as 30s, 15m, 1h or 2d")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)))


class Strict(BaseModel):
    """Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(Strict):
    """A token bucket: ``per_second`` tokens leak back, ``burst`` fit in."""

    per_second: float = Field(1.0, gt=0)
    burst: int = Field(1, ge=1)


class RetryPolicy(Strict):
    """Capped exponential backoff with full jitter. Throttling and blocks are counted apart from failures."""

    attempts: int = Field(6, ge=1, description="Tries of one call that fails transiently.")
    base_seconds: float = Field(0.5, gt=0)
    cap_seconds: float = Field(30.0, gt=0)
    throttled_attempts: int = Field(20, ge=1, description="Tries of one call that is throttled.")
    throttled_cap_seconds: float = Field(300.0, gt=0, description="Longest wait that a vendor may ask for.")


class Timeouts(Strict):
    """Seconds to connect, between two packets, and for a whole answer."""

    connect: float = Field(5.0, gt=0)
    read: float = Field(20.0, gt=0)
    total: float = Field(60.0, gt=0)
