"""Load on a stack of several brokers, and the check by key of what came out of it.

Records go as declared from a source topic through the chain ``orders`` and the Snowflake connector into ORDERS.
Afterwards each is there by its key: once on the sink topic, in the order of its key, and once in the table.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from confluent_kafka import TopicPartition

from glue.avro import Decoder, Encoder, encoder_for_subject
from glue.errors import MillionXError
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import partitions_of
from glue.registry import registry_client
from glue.settings import Settings
from tests.stores import snowflake
from tests.waiting import wait_for

SOURCE, SINK = "source.market.shopify", "sink.snowflake.orders"
KEYS, RATE = 200, 100  # records a second
START = datetime(2026, 1, 5, 10, tzinfo=UTC)


def an_order(number: int) -> dict[str, Any]:
    """The n-th state of what there is; the number is in its version."""
    moment = START + timedelta(seconds=number)
    return {
        **{"platform": "shopify", "merchant_id": "made-shop.myshopify.com", "order_id": f"O-{number % KEYS}"},
        **{"line_id": "1", "product_id": "p1", "product_name": "Saree", "quantity": 1, "price": Decimal("1250.5000")},
        **{"currency": "BDT", "order_status": "paid", "shipping_city": "Dhaka", "ordered_at": START},
        **{"updated_at": moment, "collected_at": moment},
    }


def version(number: int) -> int:
    return int((START + timedelta(seconds=number)).timestamp() * 1000)


class Flow:
    """Sends orders in the background and sees them come out; ``gap`` is the longest pause of any partition."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.run = settings, record_key("run", time.time_ns())
        self._kafka, self._stop = KafkaConfig.of(settings), threading.Event()
        with registry_client(settings) as registry:
            self._encode: Encoder = encoder_for_subject(registry, f"{SOURCE}-value")
        self._decode = Decoder(registry_client(settings))
        self.sent: list[tuple[str, int]] = []  # key and version of what the brokers acknowledged
        self.failed: list[str] = []
        self.seen: dict[str, list[int]] = defaultdict(list)
        self.count = 0
        self.stored: list[tuple[float, int]] = []  # when, and how many rows
        self.arrived: dict[int, list[float]] = defaultdict(list)
        self._threads = [threading.Thread(target=work) for work in (self._send, self._watch, self._count)]

    def _send(self) -> None:
        producer, number = self._kafka.producer(), 0
        while not self._stop.wait(0.1):
            for _ in range(RATE // 10):
                key, now = record_key(self.run, number % KEYS), version(number)

                def landed(error: object, _: object, key: str = key, now: int = now) -> None:
                    self.failed.append(str(error)) if error else self.sent.append((key, now))

                producer.produce(SOURCE, self._encode(an_order(number)), key, on_delivery=landed)
                number += 1
            producer.poll(0)
        producer.flush(300)

    def _watch(self) -> None:
        consumer = self._kafka.consumer("unused", {"auto.offset.reset": "latest"})
        there = partitions_of(self._kafka.admin(), [SINK])
        consumer.assign([TopicPartition(*one, 0) for one in there])
        while not (self._stop.is_set() and self.count >= len(self.sent)):
            message = consumer.poll(0.2)
            if message is None or message.error():
                continue
            key, value, partition = message.key(), message.value(), message.partition()
            assert key is not None and value is not None and partition is not None
            moment = self._decode(value)[0]["updated_at"]
            self.seen[key.decode()].append(round(moment.timestamp() * 1000))
            self.arrived[partition].append(time.monotonic())
            self.count += 1
        consumer.close()

    def _count(self) -> None:
        while not self._stop.wait(1):
            try:
                with snowflake(self.settings) as warehouse:
                    ((rows,),) = warehouse.query("select count(*) from ORDERS").rows
                self.stored.append((time.monotonic(), int(rows)))
            except MillionXError:
                continue

    def __enter__(self) -> Flow:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(600)

    def settle(self) -> None:
        """Wait until everything sent so far has come out and been stored."""
        sent = len(self.sent) + RATE

        def at_work(now: bool) -> bool:
            assert all(thread.is_alive() for thread in self._threads)
            return now

        wait_for(lambda: self.count >= sent, at_work, seconds=400, what=f"{sent} on {SINK}")
        wait_for(
            lambda: bool(self.stored) and self.stored[-1][1] >= sent, at_work, seconds=400, what=f"{sent} in ORDERS"
        )

    def gaps(self, since: float) -> tuple[float, float]:
        """The longest pause since then: of a partition of the sink topic, and of the table."""
        topic = 0.0
        for times in self.arrived.values():
            mine = [since, *(moment for moment in times if moment >= since)]
            topic = max([topic, *(b - a for a, b in pairwise(mine))])
        table, last, rows = 0.0, since, 0
        for moment, now in [one for one in self.stored if one[0] >= since]:
            if now > rows:
                table, last, rows = max(table, moment - last), moment, now
        return topic, table

    def check(self) -> None:
        """By key: nothing lost, doubled or out of order."""
        assert self.failed == []
        sent: dict[str, list[int]] = defaultdict(list)
        for key, one in self.sent:
            sent[key].append(one)
        assert {key for key in sent if sorted(sent[key]) != sorted(self.seen[key])} == set(), "lost or doubled"
        assert {key for key, one in self.seen.items() if one != sorted(one)} == set(), "out of order"

        def table() -> Counter[tuple[str, int]]:
            with snowflake(self.settings) as warehouse:
                rows = warehouse.query("select RECORD_KEY, VERSION from ORDERS").rows
            return Counter((str(key), int(one)) for key, one in rows)

        found = wait_for(table, lambda rows: set(self.sent) <= set(rows), what="all rows in ORDERS")
        assert [one for one, times in found.items() if times > 1] == [], "doubled rows"
