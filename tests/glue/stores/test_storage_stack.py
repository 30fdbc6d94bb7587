"""Both declared sinks on the real parts: volume, SIGKILLs under load, updates, tombstones and refusals.

``MXCTL_VOLUME_ORDERS`` sets the number of orders (default 100,000; there is a post to every five of them).
"""

from __future__ import annotations

import os
import threading
import time

import pytest

from glue.settings import Settings
from glue.stores.weaviate.client import WeaviateStoreClient
from tests.glue.stores.storage import ORDERS, VECTORS, Outcome, Records, patiently, post
from tests.sandbox.snowflake.connector import kill, start_again
from tests.stores import target

ORDER_COUNT = int(os.environ.get("MXCTL_VOLUME_ORDERS", "100000"))
POST_COUNT = ORDER_COUNT // 5
pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.mark.soak
def test_a_hundred_thousand_orders_and_twenty_thousand_posts_are_there_once(sinks: Settings) -> None:
    records = Records(sinks)
    parts = [
        threading.Thread(target=records.orders, args=[range(ORDER_COUNT)]),
        threading.Thread(target=records.posts, args=[range(POST_COUNT)]),
    ]
    began = time.monotonic()
    for part in parts:
        part.start()
    for part in parts:
        part.join()
    records.flush()
    outcome = records.settled()
    print(f"volume, in {time.monotonic() - began:.0f} s: {outcome}")
    assert outcome == {
        ORDERS: Outcome(ORDER_COUNT, ORDER_COUNT, dead=0, lost=0, doubled=0),
        VECTORS: Outcome(POST_COUNT, POST_COUNT, dead=0, lost=0, doubled=0),
    }


def test_worker_endpoint_and_weaviate_are_killed_in_turn_under_load(sinks: Settings) -> None:
    records, stop = Records(sinks), threading.Event()

    def load() -> None:
        number = 0
        while not stop.wait(0.1):
            records.orders(range(number * 40, number * 40 + 40))
            records.posts(range(number * 10, number * 10 + 10))
            number += 1

    sender = threading.Thread(target=load)
    sender.start()
    try:
        for part in ("connect", "warehouse", "weaviate"):
            time.sleep(5)
            kill(part)
            time.sleep(2)
            records.settings = start_again()
        time.sleep(5)
    finally:
        stop.set()
        sender.join()
    records.flush()
    outcome = records.settled()
    print(f"killed in turn: {outcome}")
    for one in outcome.values():
        assert (one.stored, one.dead, one.lost, one.doubled) == (one.sent, 0, 0, 0)
        assert one.sent > 1000, "there was a load"


def test_updates_tombstones_and_refusals_of_posts(sinks: Settings) -> None:
    """An update replaces, a tombstone deletes, and what cannot be stored is in dead letters with the reason."""
    records = Records(sinks)
    records.posts(range(20))
    updated, deleted, came_back, short, undated = (records.post_key(n) for n in (1, 2, 3, 100, 101))
    records.send(VECTORS, updated, post(1, records.run, likes=77))
    records.send(VECTORS, deleted, None)
    records.send(VECTORS, came_back, None)
    records.send(VECTORS, came_back, post(3, records.run, likes=78))
    records.send(VECTORS, short, post(100, records.run, length=3))
    records.send(VECTORS, undated, post(101, records.run, timestamp="the day before"))
    records.flush()

    expected = {records.post_key(n) for n in range(20)} - {deleted}
    patiently(lambda: len(records.objects() ^ expected) + 2 - len(records.letters()))
    assert records.objects() == expected
    letters = records.letters()
    assert letters.keys() == {short, undated}
    reasons = {key: one["__connect.errors.exception.message"] for key, one in letters.items()}
    assert "3 dimensions where 384 are needed" in reasons[short]
    assert "timestamp" in reasons[undated] and "the day before" not in reasons[undated]
    with WeaviateStoreClient(sinks) as weaviate:
        rows = weaviate.rows(target("socialpost"), [updated, came_back])
    likes = {key: row["likes"] for key, row in rows.items()}
    assert likes == {updated: 77, came_back: 78}
