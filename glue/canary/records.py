"""What a canary is: one harmless record of each type that sources make, marked so that nobody takes it for the truth.

Every record bears :data:`glue.identity.CANARY`: posts as a hashtag, orders as the beginning of their id and as product,
listings as the product, weather as the city. Views and searches leave out what bears it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from connectors.models import MarketOrder, SocialPost, SourceRecord, WeatherData
from connectors.models_market import MarketListing
from glue.identity import CANARY, record_key

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True)
class Kind:
    """Canaries of one type of record.

    Attributes:
        make: a record, of the name of its source and a unique id.
        mark: the field that bears the mark, also in the store.
        stored_key: the record key of a row or an object that bears it.
        text: the field that holds a text to be searched by; empty for none.
    """

    make: Callable[[str, str], SourceRecord]
    mark: str
    stored_key: Callable[[dict[str, Any]], str] = lambda row: str(row["record_key"])
    text: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


def _named(model: type[SourceRecord], field: str, source: str) -> str:
    """The value of a field that says where a record is from: the source's name where the type takes it."""
    known = get_args(model.model_fields[field].annotation)
    return source if not known or source in known else str(known[0])


def _post(source: str, unique: str) -> SourceRecord:
    # The text is new each time, or its vector would come from a cache. Letters only: a run of digits may be a phone.
    return SocialPost.model_validate({
        "post_id": f"{CANARY}-{unique}", "platform": _named(SocialPost, "platform", source),
        "content": f"MillionX canary {unique.translate(_LETTERS)}", "author_username": CANARY, "hashtags": [CANARY],
        "posted_at": _now(), "collected_at": _now(),
    })  # fmt: skip


def _order(source: str, unique: str) -> SourceRecord:
    return MarketOrder.model_validate({
        "order_id": f"{CANARY}-{unique}", "line_id": "1", "platform": _named(MarketOrder, "platform", source),
        "merchant_id": CANARY, "product_id": CANARY, "product_name": CANARY, "is_test": True,
        "quantity": 1, "quantity_cancelled": 1, "price": 1, "order_status": "cancelled",
        "ordered_at": _now(), "updated_at": _now(), "collected_at": _now(),
    })  # fmt: skip


def _listing(source: str, unique: str) -> SourceRecord:
    return MarketListing.model_validate({
        "platform": _named(MarketListing, "platform", source), "seller_id": CANARY, "product_id": CANARY,
        "variant_id": f"{CANARY}-{unique}", "product_name": CANARY, "sale_price": 1, "currency": "BDT",
        "found_by": "watched", "observed_at": _now(), "collected_at": _now(),
    })  # fmt: skip


def _weather(source: str, unique: str) -> SourceRecord:
    return WeatherData(record_key=record_key(CANARY, unique), version=0, city=CANARY, latitude=0, longitude=0,
                       temperature=25, humidity=50, wind_speed=0, condition=CANARY, is_extreme_weather=False,
                       observed_at=_now(), collected_at=_now())  # fmt: skip


# by the name of the record in its Avro schema, which is that of its model
KINDS: dict[str, Kind] = {
    SocialPost.__name__: Kind(_post, "hashtags", lambda row: record_key(row["platform"], row["post_id"]), "content"),
    MarketOrder.__name__: Kind(_order, "product_id"),
    MarketListing.__name__: Kind(_listing, "product_id"),
    WeatherData.__name__: Kind(_weather, "city"),
}
