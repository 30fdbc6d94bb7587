"""The ways through the pipeline, and the record that goes each of them.

Every record bears :data:`glue.identity.CANARY`: posts as a hashtag, orders as the beginning of their id, weather as the
city. Views and searches leave out what bears it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.models import MarketOrder, SocialPost, SourceRecord, WeatherData
from glue.audit import expect
from glue.identity import CANARY, price_key, record_key

HEADER = "millionx.canary"
RAW, GLUE, SINK, STORE = "raw", "glue", "sink topic", "store"
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_SNOWFLAKE, _WEAVIATE = "snowflake-sink", "weaviate-sink"


@dataclass(frozen=True)
class Stage:
    """A place where a record must be seen.

    Attributes:
        name: raw, glue, sink topic or store.
        place: the topic, or the store's name in :mod:`glue.audit.expect`.
        by: the chain or connector that brings it there; the source for a raw topic.
        leg: stages of one leg follow each other; those of another leg go on from the raw topic beside it.
        key: from the key of the record on the raw topic to that here.
    """

    name: str
    place: str
    by: str
    leg: int = 0
    key: Callable[[str], str] = str


@dataclass(frozen=True)
class Path:
    """A way from a raw topic to every store that the record must reach; ``make`` builds it from a unique id."""

    name: str
    make: Callable[[str], SourceRecord]
    stages: tuple[Stage, ...]

    @property
    def topic(self) -> str:
        """The raw topic."""
        return self.stages[0].place


def _now() -> datetime:
    return datetime.now(UTC)


def _post(unique: str) -> SocialPost:
    # The text is new each time, or its vector would come from a cache. Letters only: a run of digits may be a phone.
    text = f"MillionX canary {unique.translate(_LETTERS)}"
    return SocialPost(post_id=f"{CANARY}-{unique}", platform="tiktok", content=text, author_username=CANARY,
                      hashtags=[CANARY], posted_at=_now(), collected_at=_now())  # fmt: skip


def _order(unique: str) -> MarketOrder:
    return MarketOrder.model_validate({
        "order_id": f"{CANARY}-{unique}", "line_id": "1", "platform": "shopify", "merchant_id": CANARY,
        "product_id": CANARY, "product_name": CANARY,
        "is_test": True, "quantity": 1, "quantity_cancelled": 1, "price": 1, "order_status": "cancelled",
        "ordered_at": _now(), "updated_at": _now(), "collected_at": _now(),
    })  # fmt: skip


def _weather(unique: str) -> WeatherData:
    return WeatherData(record_key=record_key(CANARY, unique), version=0, city=CANARY, latitude=0, longitude=0,
                       temperature=25, humidity=50, wind_speed=0, condition=CANARY, is_extreme_weather=False,
                       observed_at=_now(), collected_at=_now())  # fmt: skip


PATHS = {
    path.name: path
    for path in (
        Path(
            "post",
            _post,
            (
                Stage(RAW, "source.social.tiktok", "source"),
                Stage(GLUE, "enriched.weaviate.vectors", "posts"),
                Stage(SINK, "sink.weaviate.vectors", "vectors"),
                Stage(STORE, expect.VECTORS, _WEAVIATE),
            ),
        ),
        Path(
            "order",
            _order,
            (
                Stage(RAW, "source.market.shopify", "source"),
                Stage(SINK, "sink.snowflake.orders", "orders"),
                Stage(STORE, expect.ORDERS, _SNOWFLAKE),
                Stage(SINK, "sink.snowflake.price_history", "prices", 1, price_key),
                Stage(STORE, expect.PRICES, _SNOWFLAKE, 1, price_key),
            ),
        ),
        Path(
            "weather",
            _weather,
            (Stage(RAW, "context.weather", "source"), Stage(STORE, expect.WEATHER, _SNOWFLAKE)),
        ),
    )
}
