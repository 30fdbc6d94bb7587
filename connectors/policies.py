"""How often, how patiently and how long a source is called."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(Strict):
    """A token bucket: ``per_second`` tokens leak back, ``burst`` fit in."""

    per_second: float = Field(1.0, gt=0)
    burst: int = Field(1, ge=1)


class RetryPolicy(Strict):
    """Capped exponential backoff with full jitter. Throttling and blocks are counted apart from failures."""

    attempts: int = Field(6, ge=1, description="Attempts for a call that fails transiently.")
    base_seconds: float = Field(0.5, gt=0)
    cap_seconds: float = Field(30.0, gt=0)
    throttled_attempts: int = Field(20, ge=1, description="Attempts for a call that is throttled.")
    throttled_cap_seconds: float = Field(300.0, gt=0, description="Longest wait accepted when a vendor asks for one.")


class Timeouts(Strict):
    """Seconds to connect, between two packets, and for a whole answer."""

    connect: float = Field(5.0, gt=0)
    read: float = Field(20.0, gt=0)
    total: float = Field(60.0, gt=0)
