"""Which stores a record of a source topic must reach, and under which key."""

from __future__ import annotations

from glue.identity import price_key

VECTORS, ORDERS, PRICES, WEATHER = "vectors", "orders", "price_history", "weather_logs"
SOCIAL_TOPICS = ("source.social.tiktok", "source.social.facebook")
MARKET_TOPICS = ("source.market.shopify", "source.market.daraz")
WEATHER_TOPIC = "context.weather"
SOURCE_TOPICS = (*SOCIAL_TOPICS, *MARKET_TOPICS, WEATHER_TOPIC)
DEAD_LETTER_TOPICS = ("dead-letters-social", "dead-letters-market")


def expected_keys(topic: str, key: str) -> list[tuple[str, str]]:
    """(store, key in that store) for a record with ``key`` on ``topic``; empty for a topic that reaches no store."""
    if topic in SOCIAL_TOPICS:
        return [(VECTORS, key)]
    if topic in MARKET_TOPICS:
        return [(ORDERS, key), (PRICES, price_key(key))]
    return [(WEATHER, key)] if topic == WEATHER_TOPIC else []


_STORES_OF = {
    "posts": (VECTORS,),
    "vectors": (VECTORS,),
    "weaviate-sink": (VECTORS,),
    "orders": (ORDERS,),
    "sink.snowflake.orders": (ORDERS,),
    "prices": (PRICES,),
    "sink.snowflake.price_history": (PRICES,),
    WEATHER_TOPIC: (WEATHER,),
}
ALL_STORES = (VECTORS, ORDERS, PRICES, WEATHER)


def stores_denied(connector: str, topic: str) -> tuple[str, ...]:
    """The stores that a dead letter keeps its record from, by the ``__connect.errors.`` headers of the same names.

    A source refuses a record before it has reached any topic, so all stores are denied then.
    """
    return _STORES_OF.get(connector) or _STORES_OF.get(topic) or ALL_STORES
