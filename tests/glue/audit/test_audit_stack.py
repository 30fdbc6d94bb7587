"""The audit on the real parts: a loss made on purpose is named, repaired, and gone."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import httpx
import pytest

from glue.audit.repair import HEADER
from glue.audit.sinks import committed
from glue.avro import encoder_for_subject
from glue.embedding.declared import load_model
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import watermarks
from glue.kafka.tail import TopicTail
from glue.registry import registry_client
from glue.stores.weaviate.client import WeaviateStoreClient, document_id
from tests.stores import ask, target
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
ORDERS, VECTORS = "sink.snowflake.orders", "sink.weaviate.vectors"
MANY = 12
MODELS = [load_model(name).identity for name in ("e5", "minilm")]


@pytest.fixture(scope="module")
def sinks(stack):
    """Settings of a stack whose sink connectors run."""
    running = httpx.get(f"{stack.connect}/connectors", timeout=30).json()
    if not {"snowflake-sink", "weaviate-sink"} <= set(running):
        from glue.topology.apply import apply_all

        apply_all(stack)
    return stack


def audit(*arguments: str) -> tuple[int, dict]:
    done = subprocess.run(
        [sys.executable, "-m", "glue", "audit", "-o", "json", *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    return done.returncode, {store["store"]: store for store in answer["stores"]}


def settled(*arguments: str) -> tuple[int, dict]:
    """The first audit with nothing pending; a sink commits its offsets now and then."""

    def nothing_pending(answer: tuple[int, dict]) -> bool:
        return not any(store["pending"] for store in answer[1].values())

    return wait_for(lambda: audit(*arguments), nothing_pending, seconds=900, what="sinks that have committed all")


def order(key: str, now: datetime, number: int) -> dict:
    text = {"platform": "shopify", "order_id": key[:8], "line_id": str(number), "product_id": "p", "product_name": "জুতা"}
    rest = {"sku": None, "category": None, "shipping_city": "Dhaka", "currency": "BDT", "order_status": "paid"}
    hashes = {"customer_phone_hash": None, "customer_email_hash": None}
    times = {"ordered_at": now, "updated_at": now, "collected_at": now}
    numbers = {"version": int(now.timestamp() * 1000), "quantity": 1 + number, "price": Decimal("10.5000")}
    return {"record_key": key, **text, **rest, **hashes, **times, **numbers}


def post(key: str, now: datetime, number: int, length: int = 384) -> dict:
    text = {"post_id": key, "platform": "tiktok", "content": "জুতা কিনলাম", "language": "bn"}
    counts = {"likes": number, "comments": 0, "shares": 0, "engagement": number}
    moment = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    model = {"embedding_models": MODELS, "embedding_variant": "test", "author_username_hash": None}
    vector = [1.0 if at == number else 0.0 for at in range(length)]
    vectors = {"e5": vector, "minilm": vector}
    lists = {"hashtags": ["shoes"], "product_mentions": []}
    return {
        **text,
        **counts,
        **model,
        **lists,
        "timestamp": moment,
        "collected_at": moment,
        "vectors": vectors,
    }


@pytest.fixture(scope="module")
def produced(sinks):
    """(since, order keys, post keys, key of the post with a short vector), all of them gone to the sinks."""
    now = datetime.now(UTC)
    mark = uuid4().hex
    orders, posts = ([record_key(f"test-{kind}", mark, n) for n in range(MANY)] for kind in ("order", "post"))
    bad = record_key("test-post", mark, "bad")
    with registry_client(sinks) as registry:
        encode_order, encode_post = (encoder_for_subject(registry, f"{topic}-value") for topic in (ORDERS, VECTORS))
    sender = KafkaConfig.of(sinks).producer()
    stamp = {"timestamp": int(now.timestamp() * 1000)}
    for number, (order_key, post_key) in enumerate(zip(orders, posts, strict=True)):
        sender.produce(ORDERS, encode_order(order(order_key, now, number)), order_key, **stamp)
        sender.produce(VECTORS, encode_post(post(post_key, now, number)), post_key, headers=[("own", b"1")], **stamp)
    sender.produce(VECTORS, encode_post(post(bad, now, 1, length=3)), bad, **stamp)
    assert sender.flush(60) == 0
    for connector, topic in (("snowflake-sink", ORDERS), ("weaviate-sink", VECTORS)):
        _first_commit(KafkaConfig.of(sinks), connector, topic)
    return now.isoformat(timespec="milliseconds"), orders, posts, bad


def _first_commit(kafka: KafkaConfig, connector: str, topic: str) -> None:
    """What a sink that never committed has not stored is missing, not on its way: a new one has to commit first."""
    partitions = {number for (_, number), (_, end) in watermarks(kafka, [topic]).items() if end}
    wait_for(lambda: committed(kafka, connector, topic).keys(), partitions.issubset, what=f"commits of {connector}")


def change_post(sinks, key: str, change: dict) -> None:
    """Change an object behind the sink's back."""
    path = f"{sinks.weaviate}/v1/objects/SocialPost/{document_id(key)}"
    httpx.patch(path, json={"class": "SocialPost", **change}, timeout=30).raise_for_status()


def only(stores: dict, name: str, kind: str) -> list[str]:
    """Keys of one kind of difference."""
    return [one["key"] for one in stores[name]["differences"] if one["kind"] == kind and not one["repaired"]]


def test_a_loss_made_on_purpose_is_named_repaired_and_gone(sinks, produced):
    since, orders, posts, _ = produced
    window = ("--since", since, "--store", "orders", "--store", "socialpost")

    code, stores = settled(*window, "--deep")
    assert (code, stores["orders"]["differences"], stores["socialpost"]["differences"]) == (0, [], [])
    assert stores["orders"]["on_topic"] == stores["orders"]["stored"] == MANY
    assert stores["socialpost"]["on_topic"] == stores["socialpost"]["stored"] == MANY
    assert stores["socialpost"]["dead"] == 1, "the short vector lies in dead letters"

    ask("delete from ORDERS where RECORD_KEY = %s", [orders[3]], sinks)
    with WeaviateStoreClient(sinks) as weaviate:
        assert weaviate.delete(target("socialpost"), [posts[5]]) == 1

    code, stores = audit(*window)
    assert code == 1
    assert only(stores, "orders", "missing") == [orders[3]]
    assert only(stores, "socialpost", "missing") == [posts[5]]
    assert stores["orders"]["counts"] == stores["socialpost"]["counts"] == {"missing": 1}
    assert stores["orders"]["windows"][0]["keys"] == 1

    with TopicTail(KafkaConfig.of(sinks), (ORDERS, VECTORS)) as tail:
        code, stores = audit(*window, "--repair", "--yes")
        sent = {}
        ends = tail.ends()
        while not tail.reached(ends):
            sent |= {(m.key() or b"").decode(): dict(m.headers() or []) for m in tail.new()}
    assert code == 0
    assert sent.keys() == {orders[3], posts[5]}, "nothing else was sent"
    assert HEADER in sent[orders[3]] and sent[posts[5]]["own"] == b"1"

    code, stores = audit(*window, "--deep")
    assert (code, stores["orders"]["counts"], stores["socialpost"]["counts"]) == (0, {}, {})
    rows = ask("select count(*), count(distinct RECORD_KEY) from ORDERS where RECORD_KEY = %s", [orders[3]])
    assert rows.rows == [(1, 1)]
    with TopicTail(KafkaConfig.of(sinks), (ORDERS, VECTORS)) as tail:
        assert audit(*window, "--repair", "--yes")[0] == 0
        assert not list(tail.new(1.0)), "a second repair sends nothing"


def test_doubled_extra_and_silently_changed_are_named_and_only_what_can_be_replaced_is_repaired(sinks, produced):
    since, orders, posts, _ = produced
    window = ("--since", since, "--store", "orders", "--store", "socialpost")
    stranger = str(uuid4())
    settled(*window)
    ask("insert into ORDERS select * from ORDERS where RECORD_KEY = %s", [orders[7]], sinks)
    ask("insert into ORDERS (RECORD_KEY, VERSION) values (%s, 1)", [stranger], sinks)
    change_post(sinks, posts[2], {"properties": {"hashtags": []}})
    change_post(sinks, posts[4], {"properties": {"engagement": 5}})
    change_post(sinks, posts[6], {"properties": {}, "vectors": {"e5": [1.0 if at == 9 else 0.0 for at in range(384)]}})
    try:
        code, stores = audit(*window)
        assert code == 1
        assert stores["orders"]["counts"] == {"doubled": 1, "extra": 1}
        assert (only(stores, "orders", "doubled"), only(stores, "orders", "extra")) == ([orders[7]], [stranger])
        assert only(stores, "socialpost", "different") == [posts[4]], "an array is compared by --deep only"

        code, stores = audit(*window, "--deep", "--repair", "--yes")
        assert code == 1, "rows that are too many stay"
        assert stores["orders"]["counts"] == {"doubled": 1, "extra": 1}
        repaired = {one["key"]: one["why"] for one in stores["socialpost"]["differences"] if one["repaired"]}
        assert repaired.keys() == {posts[2], posts[4], posts[6]}
        assert (repaired[posts[2]], repaired[posts[6]]) == ("hashtags is gone", "vectors.e5 differs")
    finally:
        ask("delete from ORDERS where RECORD_KEY in (%s, %s)", [orders[7], stranger], sinks)

    code, stores = audit(*window, "--deep", "--repair", "--yes")
    assert code == 0, "the row that was deleted above is put back"
    assert [one["key"] for one in stores["orders"]["differences"]] == [orders[7]]
