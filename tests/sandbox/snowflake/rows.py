"""Made-up warehouse rows for tests: what the glue puts on the sink topics, with keys that can be counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from confluent_kafka import Producer

from glue.avro import Encoder, encoder_for_subject
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import Settings

Row = dict[str, Any]
START = dt.datetime(2026, 1, 5, 18, 30, 0, 123000, tzinfo=dt.UTC)
CITIES = ("Dhaka", "Chittagong", "Sylhet", "Khulna", "Rajshahi")
CODES = ("BD-13", "BD-10", "BD-60", "BD-27", "BD-54")


def order(n: int, run: str, version: int = 1) -> Row:
    """The n-th order of a run; the same (n, run, version) always gives the same row."""
    at = START + dt.timedelta(seconds=n % 3600)
    return {
        "record_key": record_key("shopify", run, n, version),
        "version": version,
        "platform": "shopify",
        "merchant_id": "made-shop.myshopify.com",
        "order_id": f"{run}-{n}",
        "line_id": "1",
        "product_id": f"p{n % 50}",
        "sku": None if n % 7 == 0 else f"SKU-{n % 50}",
        "product_name": "শাড়ি",
        "category": "fashion",
        "quantity": 1 + n % 3,
        "price": Decimal(n % 100_000).scaleb(-2) + Decimal("100.1234"),
        "currency": "BDT",
        "order_status": "paid",
        "shipping_city": CITIES[n % 5],
        "place_code": CODES[n % 5],
        "customer_phone_hash": None,
        "customer_email_hash": None,
        "ordered_at": at,
        "updated_at": at + dt.timedelta(minutes=version),
        "collected_at": at + dt.timedelta(hours=1),
    }


def weather(n: int, run: str) -> Row:
    """The n-th observation of a run."""
    at = START + dt.timedelta(hours=n)
    return {
        "record_key": record_key("weather", run, n),
        "version": 1,
        "city": CITIES[n % 5],
        "place_code": CODES[n % 5],
        "latitude": 23.8,
        "longitude": 90.4,
        "temperature": 28.5,
        "feels_like": None,
        "humidity": 70,
        "pressure": 1010.0,
        "wind_speed": 2.5,
        "rain_1h": 0.0,
        "condition": "Haze",
        "is_extreme_weather": False,
        "observed_at": at,
        "collected_at": at,
    }


class Topic:
    """Writes rows to one topic under its registered schema, or under another encoder."""

    def __init__(self, settings: Settings, topic: str, encoder: Encoder | None = None) -> None:
        self.topic = topic
        self.encoder = encoder or encoder_for_subject(registry_client(settings), f"{topic}-value")
        self._producer: Producer = KafkaConfig.of(settings).producer()

    def send(self, rows: Iterable[Row]) -> set[str]:
        """Produce rows and wait until the broker has them; returns their keys."""
        keys = set()
        for row in rows:
            keys.add(row["record_key"])
            while True:
                try:
                    self._producer.produce(self.topic, key=row["record_key"], value=self.encoder(row))
                    break
                except BufferError:
                    self._producer.poll(0.1)
            self._producer.poll(0)
        assert self._producer.flush(60) == 0
        return keys
