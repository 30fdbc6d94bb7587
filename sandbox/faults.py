"""Faults by name, switched on when the sandbox starts or while it runs.

A fault is written ``[VENDOR:]NAME[@RATE|@Nx]``: ``shopify:server-error@0.1`` fails a tenth of Shopify's answers,
``cut@3x`` cuts the next three of any vendor, ``block-page`` is always on.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

LISTINGS = ("shopify-listings", "daraz-listings")
# name -> what it does, and which vendors know it (empty: all)
FAULTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "server-error": ("answers 500, 502 or 503", ()),
    "throttle": ("answers that there were too many requests, in the vendor's own way", ()),
    "slow": ("answers after `slow_seconds`", ()),
    "drip": ("sends the body a few bytes a second", ()),
    "cut": ("closes the connection in the middle of the body", ()),
    "html-instead-of-json": (
        "answers 200 with a proxy's HTML page",
        ("facebook", "shopify", "daraz", "weather", LISTINGS[0]),
    ),
    "duplicate-records": (
        "repeats records within a page and across pages",
        ("tiktok", "facebook", "shopify", "daraz", *LISTINGS),
    ),
    "malformed-records": ("breaks one record in ten: missing, null or senseless fields", ()),
    "late-records": ("hides a third of the last day's records at first", ("facebook", "shopify", "daraz")),
    "updates-while-paging": ("updates records while they are being listed", ("shopify", "daraz")),
    "expired-token": ("refuses the token until it is renewed", ("facebook", "shopify", "daraz", "weather")),
    "reduce-data": ("asks for a smaller page above ten records", ("facebook",)),
    "block-page": ("shows a captcha or a refusal instead of the page", ("tiktok", "facebook", *LISTINGS)),
    "login-wall": ("redirects to a login page", ("tiktok", "facebook", *LISTINGS)),
    "empty-200": ("answers 200 with no records, or an empty body", ("tiktok", "facebook", "daraz-listings")),
    "changed-selectors": ("renders the page with names nobody configured", ("tiktok", "facebook", "daraz-listings")),
    "old-selectors": ("renders the page with the names of last year", ("tiktok", "facebook", "daraz-listings")),
    "stale-weather": ("repeats the observation of an hour ago", ("weather",)),
    "extreme-weather": ("makes it hot and stormy", ("weather",)),
    "partial-errors": ("answers GraphQL with data and an error: a field is null", ("shopify",)),
    "bulk-failed": ("ends a bulk operation as FAILED, with a part of its rows", ("shopify",)),
    "bulk-canceled": ("ends a bulk operation as CANCELED", ("shopify",)),
    "bulk-expired": ("ends a bulk operation as EXPIRED, without rows", ("shopify",)),
    "bulk-in-progress": ("refuses a bulk operation: another one runs", ("shopify",)),
    "bulk-short": ("gives a file of a bulk operation without its last rows", ("shopify",)),
    "new-prices": ("makes everything dearer by a tenth", LISTINGS),
    "read-60-days": ("lists only the last 60 days", ("shopify",)),
}  # fmt: skip
VENDORS = ("tiktok", "facebook", "shopify", "daraz", "weather", *LISTINGS)
_WRITTEN = re.compile(r"^(?:(?P<vendor>[a-z-]+):)?(?P<name>[a-z0-9-]+)(?:@(?:(?P<count>\d+)x|(?P<rate>[0-9.]+)))?$")


class UnknownFaultError(ValueError):
    """There is no such fault; the text says which there are."""


@dataclass
class Fault:
    """One fault that is switched on."""

    vendor: str | None
    name: str
    rate: float = 1.0
    left: int | None = None


def parse(text: str) -> Fault:
    """Read ``[VENDOR:]NAME[@RATE|@Nx]``.

    Raises:
        UnknownFaultError: it names no fault or vendor, or one that the vendor does not know.
    """
    found = _WRITTEN.match(text)
    if not found or found["name"] not in FAULTS:
        raise UnknownFaultError(f"fault {text!r}: no such fault; one of: {', '.join(sorted(FAULTS))}")
    vendor, name = found["vendor"], found["name"]
    knows = FAULTS[name][1] or VENDORS
    if vendor is not None and vendor not in knows:
        raise UnknownFaultError(f"fault {text!r}: {name} is for {', '.join(knows)}")
    rate = float(found["rate"]) if found["rate"] else 1.0
    if not 0 <= rate <= 1:
        raise UnknownFaultError(f"fault {text!r}: a rate is between 0 and 1")
    return Fault(vendor, name, rate, int(found["count"]) if found["count"] else None)


class Faults:
    """The faults that are on. Counts and rates are drawn from the seed; used from one event loop only."""

    def __init__(self, written: list[str], seed: int) -> None:
        self._rng = random.Random(f"faults:{seed}")
        self._on: list[Fault] = []
        self.fired: dict[str, int] = {}
        self.set(written)

    def set(self, written: list[str]) -> None:
        """Switch these on and all others off.

        Raises:
            UnknownFaultError: one is unknown; nothing changes.
        """
        self._on = [parse(text) for text in written]

    def has(self, vendor: str, name: str) -> bool:
        """Whether it strikes now; a counted fault is used up by asking."""
        for fault in self._on:
            if fault.name != name or fault.vendor not in (None, vendor) or fault.left == 0:
                continue
            if fault.rate < 1 and self._rng.random() >= fault.rate:
                continue
            if fault.left is not None:
                fault.left -= 1
            key = f"{vendor}:{name}"
            self.fired[key] = self.fired.get(key, 0) + 1
            return True
        return False

    def choice(self, of: list[int]) -> int:
        """One of them, drawn from the seed."""
        return self._rng.choice(of)

    def random(self) -> float:
        """Between 0 and 1, drawn from the seed."""
        return self._rng.random()
