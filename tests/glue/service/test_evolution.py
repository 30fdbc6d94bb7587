"""Old records are still read after names of fields changed: by alias, or as the schema says what was not there.

``tests/schemas_before`` holds the schemas as they were.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema

from glue.avro import Decoder, Encoder, load_schema
from glue.errors import DataError
from glue.service.decode import TopicReader
from glue.settings import get_settings, project_root
from glue.transforms.chain import Chain
from glue.transforms.contract import Record
from tests.cases.world import made_keys
from tests.playground import Playground

BEFORE, NOW = Path(__file__).parents[2] / "schemas_before", project_root() / "schemas"
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
KEY = "5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10"
ORDER: dict[str, Any] = {
    "order_id": "O-1", "line_id": "L-1", "source": "shopify", "product_id": "P-1", "sku": "S", "title": "Cotton Saree",
    "category": None, "quantity": 2, "price": Decimal("1250.5000"), "currency": "BDT", "status": "paid",
    "shipping_city": "Dhaka", "customer_name": "Karim Uddin", "customer_phone": None, "customer_email": None,
    "note": None, "ordered_at": AT, "updated_at": AT, "collected_at": AT,
}  # fmt: skip
OLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "market_order": (
        ORDER,
        {"platform": "shopify", "product_name": "Cotton Saree", "order_status": "paid", "merchant_id": "unknown",
         "quantity_cancelled": 0, "quantity_net": None, "place_code": None},
    ),
    "order_row": (
        {"record_key": KEY, "version": 1, "customer_phone_hash": None, "customer_email_hash": None,
         **{name: value for name, value in ORDER.items() if not name.startswith(("customer", "note"))}},
        {"platform": "shopify", "product_name": "Cotton Saree", "order_status": "paid", "merchant_id": "unknown"},
    ),
    "price_observation": (
        {"record_key": KEY, "version": 1, "source": "daraz", "order_id": "O", "line_id": "L", "product_id": "P",
         "sku": None, "title": "Saree", "price": Decimal("9.0000"), "currency": "BDT", "observed_at": AT,
         "collected_at": AT},
        {"platform": "daraz", "product_name": "Saree", "recorded_at": AT, "merchant_id": "unknown"},
    ),
    "social_post": (
        {"post_id": "7", "platform": "tiktok", "content": "a bag of shoes", "author_username": None, "url": None,
         "hashtags": [], "product_mentions": [], "product_ids": [], "likes": 3, "comments": 2, "shares": 1,
         "engagement": 6, "posted_at": AT, "collected_at": AT},
        {"engagement_count": 6},
    ),
    "weather": (
        {"record_key": KEY, "version": 1, "city": "Dhaka", "latitude": 23.8, "longitude": 90.4, "temperature": 41.0,
         "feels_like": None, "humidity": 50, "pressure": None, "wind_speed": 1.0, "rain_1h": 0.0, "condition": "Haze",
         "extreme": True, "observed_at": AT, "collected_at": AT},
        {"is_extreme_weather": True, "rain_1h": 0.0, "provider": "openweather", "severity": None, "place_code": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OLD))
def test_what_was_written_before_is_read_under_the_present_names(name: str) -> None:
    before, now = load_schema(BEFORE / f"{name}.avsc"), load_schema(NOW / f"{name}.avsc")
    registered = {1: Schema(json.dumps(before), "AVRO"), 2: Schema(json.dumps(now), "AVRO")}
    registry: Any = SimpleNamespace(get_schema=lambda number, *_, **__: registered[number])
    written, wanted = OLD[name]
    value, schema = Decoder(registry)(Encoder(before, 1)(written), 2)
    assert schema == now
    assert {field: value[field] for field in wanted} == wanted
    lost = {field["name"] for field in before["fields"]} - {
        alias for field in now["fields"] for alias in (field["name"], *field.get("aliases", ()))
    }
    assert not lost, "a field that is gone without an alias loses what old records say"


def test_a_topic_is_read_as_its_latest_schema_in_any_order_and_damaged_ones_say_so() -> None:
    before, now = load_schema(BEFORE / "social_post.avsc"), load_schema(NOW / "social_post.avsc")
    registered = {1: Schema(json.dumps(before), "AVRO"), 2: Schema(json.dumps(now), "AVRO")}
    registry: Any = SimpleNamespace(
        get_schema=lambda number, *_, **__: registered[number],
        get_latest_version=lambda _subject: SimpleNamespace(schema_id=2),
    )
    read, old = TopicReader(registry), OLD["social_post"][0]
    new = {name: value for name, value in old.items() if name != "engagement"} | {"engagement_count": 6}
    written, late = Encoder(now, 2)(new), Encoder(before, 1)(old)
    for data in (written, late, written, written[:-1], written, late + b"x", late, written[:5], written):
        if data in (written, late):
            value, schema = read("source.social.tiktok", data)
            assert (value, schema["name"]) == (new, "SocialPost")
        else:
            with pytest.raises(DataError) as anew:
                TopicReader(registry)("source.social.tiktok", data)
            with pytest.raises(DataError, match=re.escape(str(anew.value))):
                read("source.social.tiktok", data)


@pytest.mark.parametrize(("chain", "field"), [("orders", "order_status"), ("prices", "recorded_at")])
def test_todays_chains_make_rows_of_old_orders(chain: str, field: str, tmp_path: Path) -> None:
    before, now = load_schema(BEFORE / "market_order.avsc"), load_schema(NOW / "market_order.avsc")
    registered = {1: Schema(json.dumps(before), "AVRO"), 2: Schema(json.dumps(now), "AVRO")}
    registry: Any = SimpleNamespace(get_schema=lambda number, *_, **__: registered[number])
    value, schema = Decoder(registry)(Encoder(before, 1)(ORDER), 2)
    with made_keys(tmp_path):
        document = json.loads((get_settings().config_dir / "transforms" / f"{chain}.json").read_text())
        made = Chain.from_config({name: str(one) for name, one in document["config"].items()})
        (row,) = made.run([Record("source.market.shopify", KEY, value, schema)])
    assert isinstance(row, Record) and row.value is not None, row
    assert (row.value["platform"], row.value["merchant_id"]) == ("shopify", "unknown")
    assert row.value[field] == {"order_status": "paid", "recorded_at": AT}[field]


@pytest.mark.stack
def test_the_registry_takes_the_present_schemas_after_those_before(play: Playground) -> None:
    """BACKWARD by the registry's own check, with every subject that there is."""
    for name in OLD:
        subject = f"{play.source}-{name}-value"
        play.registry.register_schema(subject, Schema((BEFORE / f"{name}.avsc").read_text(), "AVRO"))
        play.registry.set_compatibility(subject, "BACKWARD")
        play.registry.register_schema(subject, Schema((NOW / f"{name}.avsc").read_text(), "AVRO"))


@pytest.mark.stack
def test_old_orders_in_flight_become_rows_beside_new_ones(play: Playground) -> None:
    before, now = load_schema(BEFORE / "market_order.avsc"), load_schema(NOW / "market_order.avsc")
    play.registry.set_compatibility(f"{play.source}-value", "NONE")  # it begins as a topic of posts
    old = play.register(play.source, before)
    play.registry.set_compatibility(f"{play.source}-value", "BACKWARD")
    new = play.register(play.source, now)
    play.registry.set_compatibility(f"{play.output}-value", "NONE")
    play.register(play.output, load_schema(NOW / "order_row.avsc"))
    fresh = {
        **{name: value for name, value in ORDER.items() if name not in ("source", "title", "status")},
        "platform": "shopify", "product_name": "Cotton Saree", "order_status": "paid", "merchant_id": "a.example",
        "line_kind": "product", "is_test": False, "quantity_cancelled": 0, "quantity_returned": 0,
        "quantity_unclear": 0,
    }  # fmt: skip
    for number in range(10):
        play.send(number, value=new(fresh) if number % 2 else old(ORDER))
    play.flush()
    config = json.loads((project_root() / "connect-config" / "transforms" / "orders.json").read_text())["config"]
    with play.working(**{name: value for name, value in config.items() if name.startswith("transforms")}):
        output, dead = play.until(10)
    assert (len(output), dead) == (10, [])
    rows = [play.value(message) for message in play.read(play.output)]
    assert sorted(row["merchant_id"] for row in rows) == ["a.example"] * 5 + ["unknown"] * 5
    assert {(row["platform"], row["product_name"], row["order_status"]) for row in rows} == {
        ("shopify", "Cotton Saree", "paid")
    }
