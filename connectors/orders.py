"""What became of a line of an order: how many units are left, and what they bring."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from connectors.source import Fields
from glue.errors import ConfigError

_STEP = Decimal("0.0001")
OPEN, CANCELLED, RETURNED, UNCLEAR = "open", "cancelled", "returned", "unclear"
UNKNOWN = "unknown"
_FILE = Path(__file__).parent / "data" / "order_states.json"


@dataclass(frozen=True)
class State:
    """What a word of a platform means: its ``word`` for ``order_status``, and what the units in it count as."""

    word: str
    counts_as: str


@cache
def _states() -> dict[str, dict[str, State]]:
    try:
        document = json.loads(_FILE.read_text(encoding="utf-8"))
        return {
            platform: {name: State(*pair) for name, pair in words.items()}
            for platform, words in document.items()
            if not platform.startswith("$")
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"file {_FILE}", f"it cannot be read: {error}", "correct it") from error


def state_of(platform: str, word: str) -> State:
    """The meaning of a platform's word by ``connectors/data/order_states.json``; a word that is not there is unclear.

    Raises:
        ConfigError: the file cannot be read.
    """
    states = _states().get(platform, {})
    return states.get(word, State(UNKNOWN, UNCLEAR))


def known_states(platform: str) -> frozenset[str]:
    """The words of a platform that have a meaning."""
    return frozenset(_states().get(platform, {}))


def sales(price: Decimal, discount: Decimal, ordered: int, left: int) -> Fields:
    """Price of one unit after the line's ``discount``, and what the units that are left bring."""
    total = max(price * ordered - discount, Decimal(0))
    if ordered <= 0:
        return {}
    return {
        "price_discounted": (total / ordered).quantize(_STEP),
        "net_sales": (total * left / ordered).quantize(_STEP),
    }
