from __future__ import annotations

import json
from collections.abc import Callable

import redis

from glue.errors import ServiceUnavailableError, Transient
from glue.local.ports import choose
from glue.transforms.contract import Record
from glue.transforms.enrich import HEADER, EnrichProducts

Make = Callable[..., Record]


def make(url: str, **props: str) -> EnrichProducts:
    made = EnrichProducts()
    made.configure({"redis.url": url, "retry.seconds": "0", **props})
    return made


def content(record: object) -> str:
    assert isinstance(record, Record)
    assert record.value is not None
    return str(record.value["content"])


def test_names_come_from_json_and_from_hashes(redis_server: str, post: Make) -> None:
    client = redis.Redis.from_url(redis_server)
    client.set("product:a", json.dumps({"name": "Winter Shoes", "price": 5}))
    client.hset("product:b", mapping={"name": "Red [new] Bag"})
    client.set("product:c", "not json")
    client.lpush("product:d", "a list")
    enrich = make(redis_server)
    record = enrich.apply(post(content="text", product_ids=["a", "b", "c", "d", "missing", "a"]))
    assert content(record) == "text [Products: Winter Shoes, Red (new) Bag]"
    assert content(enrich.apply(post(content="text", product_ids=["missing"]))) == "text"
    assert content(enrich.apply(post(content="text"))) == "text"


def test_a_product_is_asked_for_once(redis_server: str, post: Make) -> None:
    client = redis.Redis.from_url(redis_server)
    client.set("product:once", json.dumps({"name": "First"}))
    enrich = make(redis_server)
    enrich.apply(post(product_ids=["once", "never"]))
    client.set("product:once", json.dumps({"name": "Second"}))
    before = client.info("commandstats").get("cmdstat_mget", {}).get("calls")
    assert content(enrich.apply(post(content="t", product_ids=["once", "never"]))) == "t [Products: First]"
    assert client.info("commandstats").get("cmdstat_mget", {}).get("calls") == before


def test_the_cache_is_bounded(redis_server: str, post: Make) -> None:
    enrich = make(redis_server, **{"cache.size": "3"})
    enrich.apply(post(product_ids=[str(n) for n in range(10)]))
    assert len(enrich._names) == 3


def test_an_outage_degrades_and_says_so(post: Make) -> None:
    enrich = make(f"redis://127.0.0.1:{choose(1)[0]}/0")
    with_ids, without = enrich.apply_batch([post(product_ids=["a"]), post()])
    assert isinstance(with_ids, Record)
    assert isinstance(without, Record)
    assert with_ids.headers == [(HEADER, b"EnrichProducts")]
    assert without.headers == []


def test_an_outage_holds_what_needs_it_and_nothing_else(post: Make) -> None:
    enrich = make(f"redis://127.0.0.1:{choose(1)[0]}/0", **{"on.outage": "hold"})
    with_ids, without = enrich.apply_batch([post(product_ids=["a"]), post()])
    assert isinstance(with_ids, ServiceUnavailableError)
    assert isinstance(with_ids, Transient)
    assert isinstance(without, Record)


def test_what_is_cached_needs_no_redis(redis_server: str, post: Make) -> None:
    redis.Redis.from_url(redis_server).set("product:kept", json.dumps({"name": "Kept"}))
    enrich = make(redis_server)
    enrich.apply(post(product_ids=["kept"]))
    enrich._redis = redis.Redis(host="127.0.0.1", port=choose(1)[0], socket_timeout=0.2)
    assert content(enrich.apply(post(content="t", product_ids=["kept"]))) == "t [Products: Kept]"
