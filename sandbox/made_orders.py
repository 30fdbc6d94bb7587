"""Made orders, as the two market places report them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sandbox.made_data import CITIES, Person, person, products

_STATES = ["pending", "paid", "shipped", "delivered"]
_NOTES = [None, None, None, "ফোন দিয়ে আসবেন {phone}", "please call {phone} before delivery", "gate er samne diye jaben"]


@dataclass(frozen=True)
class Line:
    """One product of an order."""

    product: dict[str, str]
    quantity: int


@dataclass(frozen=True)
class MadeOrder:
    """One order, independent of its market place."""

    number: int
    buyer: Person
    lines: list[Line]
    note: str | None
    created_at: datetime
    updated_at: datetime
    state: str = field(default="pending")

    def updated(self, at: datetime) -> MadeOrder:
        """The order after its next step, at that time."""
        step = min(_STATES.index(self.state) + 1, len(_STATES) - 1)
        return replace(self, state=_STATES[step], updated_at=at)

    @property
    def fate(self) -> str:
        """What became of it, by its number: kept, cancelled, returned (the first unit of its first line) or a test."""
        return {3: "cancelled", 5: "returned", 8: "test"}.get(self.number % 10, "kept")

    @property
    def city(self) -> str:
        """City of delivery."""
        return CITIES[self.buyer.city]


def made_orders(shop: str, seed: int, count: int, newest: datetime) -> list[MadeOrder]:
    """``count`` orders of the thirty days before ``newest``, the oldest first; a third was updated since."""
    rng = random.Random(f"{shop}:{seed}")
    catalogue = products()
    made = []
    for index in range(count):
        buyer = person(rng)
        lines = [
            Line(product, rng.choice([1, 1, 1, 2, 3])) for product in rng.sample(catalogue, rng.choice([1, 1, 2, 3]))
        ]
        note = rng.choice(_NOTES)
        age = timedelta(seconds=int((count - index) * 30 * 86_400 / count))
        created = newest - age
        later = timedelta(seconds=rng.randrange(3_600, 86_400)) if rng.random() < 0.33 else timedelta()
        updated = min(created + later, newest)
        made.append(
            MadeOrder(
                number=450_000_000 + seed * 1_000_000 + index,
                buyer=buyer,
                lines=lines,
                note=note.format(phone=buyer.phone) if note else None,
                created_at=created,
                updated_at=updated,
                state=rng.choice(_STATES),
            )
        )
    return made
