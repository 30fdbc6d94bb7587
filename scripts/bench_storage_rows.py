"""Made records for the storage benchmark, one a number: what producers send, and what lies on the sink topics."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bench_glue_load import made_posts

from glue.language.words import search_words

Row = dict[str, Any]
CITIES = ("Dhaka", "Chittagong", "Sylhet", "Khulna", "Rajshahi")
_DIMENSIONS = 384
_TEXTS = made_posts(2_000)


def source_post(number: int, run: str) -> Row:
    """A post as a producer collects it; every text is new, so that no vector comes from a cache."""
    post = _TEXTS[number % len(_TEXTS)]
    return {**post, "post_id": f"{run}-{number}", "content": f"{post['content']} {run} {number}"}


def source_order(number: int, run: str) -> Row:
    """An order line as a shop gives it, with persons in it."""
    now = datetime.now(UTC)
    return {
        **{"order_id": f"{run}-{number}", "line_id": "1", "platform": "shopify", "product_id": f"p{number % 50}"},
        **{"sku": None, "product_name": "শাড়ি", "category": "fashion", "quantity": 1, "price": Decimal("100.1234")},
        **{"currency": "BDT", "order_status": "paid", "shipping_city": CITIES[number % 5], "customer_name": "A B"},
        **{"customer_phone": "01711222333", "customer_email": "a.b@example.com", "note": None},
        **{"ordered_at": now, "updated_at": now, "collected_at": now},
    }


def weather(number: int, run: str, key: str) -> Row:
    """An observation, which goes from its source topic to its table as it is."""
    now = datetime.now(UTC)
    return {
        **{"record_key": key, "version": 1, "city": CITIES[number % 5], "latitude": 23.8, "longitude": 90.4},
        **{"temperature": 28.5, "feels_like": None, "humidity": 70, "pressure": 1010.0, "wind_speed": 2.5},
        **{"rain_1h": 0.0, "condition": run, "is_extreme_weather": False, "observed_at": now, "collected_at": now},
    }


def order_row(number: int, run: str, key: str) -> Row:
    """A row for the table ORDERS or one like it."""
    order = source_order(number, run)
    for name in ("customer_name", "customer_phone", "customer_email", "note"):
        del order[name]
    return {"record_key": key, "version": 1, **order, "customer_phone_hash": None, "customer_email_hash": None}


def vector_post(number: int, run: str, key: str) -> Row:
    """An object for the collection SocialPost or one like it."""
    rng = random.Random(number)  # noqa: S311 - made data
    post = source_post(number, run)
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        **{name: post[name] for name in ("post_id", "platform", "content", "hashtags", "product_mentions")},
        **{name: post[name] for name in ("likes", "comments", "shares")},
        **{"engagement": post["engagement_count"], "words": " ".join(search_words(post["content"]))},
        **{"author_username_hash": None, "language": "bn-Latn", "timestamp": moment, "collected_at": moment},
        **{"embedding_models": ["e5@0123456789ab"], "embedding_variant": "bench"},
        "vectors": {name: [rng.uniform(-1, 1) for _ in range(_DIMENSIONS)] for name in ("e5", "minilm")},
    }
