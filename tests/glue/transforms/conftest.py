"""Records for tests of transforms, with the project's own schemas, and keys that everybody may know."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from glue.avro import load_schema
from glue.transforms.contract import Record

SCHEMAS = Path(__file__).parents[3] / "schemas"
WHEN = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
KEY = "5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10"
Make = Callable[..., Record]


@pytest.fixture
def post() -> Make:
    """Makes good SocialPosts; fields may be given."""

    def make(**fields: Any) -> Record:
        value: dict[str, Any] = {
            "post_id": "7301",
            "platform": "tiktok",
            "content": "Winter juta ta khub valo",
            "author_username": "rahim_bd",
            "url": "https://example.invalid/@rahim_bd/1",
            "hashtags": ["winter"],
            "product_mentions": ["shoes"],
            "product_ids": [],
            "likes": 3,
            "comments": 2,
            "shares": 1,
            "engagement_count": 6,
            "posted_at": WHEN,
            "collected_at": WHEN,
        }
        return Record("source.social.tiktok", KEY, value | fields, load_schema(SCHEMAS / "social_post.avsc"))

    return make


@pytest.fixture
def order() -> Make:
    """Makes good MarketOrders; fields may be given."""

    def make(**fields: Any) -> Record:
        value: dict[str, Any] = {
            "order_id": "O-1",
            "line_id": "L-1",
            "platform": "shopify",
            "product_id": "P-1",
            "sku": None,
            "product_name": "Cotton Saree",
            "category": None,
            "quantity": 2,
            "price": Decimal("1250.5000"),
            "currency": "BDT",
            "order_status": "paid",
            "shipping_city": "Dhaka",
            "customer_name": "Karim Uddin",
            "customer_phone": "01712345678",
            "customer_email": "karim@example.com",
            "note": "leave with the guard",
            "ordered_at": WHEN,
            "updated_at": WHEN,
            "collected_at": WHEN,
        }
        schema = load_schema(SCHEMAS / "market_order.avsc")
        defaults = {field["name"]: field["default"] for field in schema["fields"] if "default" in field}
        return Record("source.market.shopify", KEY, defaults | value | fields, schema)

    return make


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    """A file with two keys, ``k2`` active."""
    path = tmp_path / "keys.json"
    keys = {name: base64.b64encode(name.encode() * 16).decode() for name in ("k1", "k2")}
    path.write_text(json.dumps({"active": "k2", "keys": keys}))
    return path
