"""What the vendors of the sandbox know: made posts and orders that change, credentials, faults, counters."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.faults import Faults
from sandbox.made_data import anchor
from sandbox.made_orders import MadeOrder, made_orders
from sandbox.made_posts import MadePost, made_posts

# Credentials of the sandbox; they open nothing else.
TOKENS = {"facebook": "sandbox-token", "shopify": "sandbox-token", "weather": "sandbox-token"}
DARAZ_APP = ("sandbox-app", "sandbox-app-secret")
DARAZ_TOKENS = ("sandbox-access", "sandbox-refresh")
WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105


@dataclass
class Options:
    """How the world is made; ``latency`` in seconds, ``bucket_leak`` in requests a second (Shopify)."""

    seed: int = 1
    posts: int = 120
    orders: int = 100
    latency: float = 0.0
    slow_seconds: float = 5.0
    bucket_size: int = 40
    bucket_leak: float = 2.0
    faults: list[str] = field(default_factory=list)
    newest: datetime = field(default_factory=anchor)
    shop: str = ""  # whose world it is, where there are several
    shops: tuple[str, ...] = ()  # further merchants, each with orders of the same numbers


class World:
    """State of all vendors; used from one event loop only."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.faults = Faults(options.faults, options.seed)
        self.rng = random.Random(f"world:{options.seed}")
        newest = options.newest
        self.posts: dict[str, list[MadePost]] = {
            platform: made_posts(platform, options.seed, options.posts, newest) for platform in ("tiktok", "facebook")
        }
        self.orders: dict[str, dict[int, MadeOrder]] = {
            shop: {
                order.number: order for order in made_orders(shop + options.shop, options.seed, options.orders, newest)
            }
            for shop in ("shopify", "daraz")
        }
        self.requests: dict[str, int] = {}
        self.listings: dict[str, int] = {}
        self.daraz_tokens = DARAZ_TOKENS
        self.shops = {name: World(replace(options, shop=name, shops=())) for name in options.shops}
        self.daraz_refreshed = False

    def count(self, vendor: str) -> None:
        """One more request to ``vendor``."""
        self.requests[vendor] = self.requests.get(vendor, 0) + 1

    def sorted_orders(self, shop: str) -> list[MadeOrder]:
        """All orders by update time, the oldest first."""
        return sorted(self.orders[shop].values(), key=lambda order: (order.updated_at, order.number))

    def update_orders(self, shop: str, count: int, at: datetime | None = None) -> list[int]:
        """Update ``count`` orders drawn from the seed; their numbers."""
        at = (at or datetime.now(UTC)).replace(microsecond=0)
        numbers = self.rng.sample(sorted(self.orders[shop]), min(count, len(self.orders[shop])))
        for number in numbers:
            self.orders[shop][number] = self.orders[shop][number].updated(at)
        return numbers

    def add_orders(self, shop: str, count: int, at: datetime | None = None) -> list[int]:
        """``count`` new orders, all placed at ``at`` (now); their numbers."""
        at = (at or datetime.now(UTC)).replace(microsecond=0)
        first = max(self.orders[shop], default=450_000_000) + 1
        made = made_orders(shop + self.options.shop, self.options.seed + first, count, at)
        numbers = []
        for offset, order in enumerate(made):
            number = first + offset
            self.orders[shop][number] = replace(order, number=number, created_at=at, updated_at=at)
            numbers.append(number)
        return numbers

    def late(self, vendor: str, number: int, at: datetime) -> bool:
        """Whether a record is not to be seen yet (fault ``late-records``): a third of the last day's, at first."""
        recent = at >= self.options.newest - timedelta(days=1)
        return (
            recent and number % 3 == 0 and self.listings.get(vendor, 0) <= 1 and self.faults.has(vendor, "late-records")
        )

    def broken(self, vendor: str, index: int, record: dict[str, Any], breaks: list[dict[str, Any]]) -> Any:
        """``record``, or a broken one (fault ``malformed-records``): each tenth, in turn by each of ``breaks``."""
        if index % 10 != 7 or not self.faults.has(vendor, "malformed-records"):
            return record
        change = breaks[index // 10 % len(breaks)]
        return {name: value for name, value in {**record, **change}.items() if value != "(missing)"}
