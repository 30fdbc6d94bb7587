"""Webhooks: signatures, rotation, dedupe, limits, nothing acknowledged before Kafka has it."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from connectors import webhook
from connectors.compliance import COMPLIANCE
from connectors.compliance import Desk as Counter
from connectors.shopify import ShopifyOptions
from connectors.webhook import MAX_BODY, Receiver, is_signed, load_webhook, make_app, receiver, signature
from glue.errors import ConfigError, ServiceUnavailableError, UsageError
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import FencedError
from glue.kafka.topic_log import Entry, TopicLog
from glue.privacy.keyring import load_keyring
from glue.rights.person import Person
from glue.rights.requests import DAY_MS, Requests
from glue.settings import Settings, get_settings
from tests.connectors.conftest import OnKafka, Sandbox

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor that waits: on a busy machine Kafka may take longer than Shopify's five seconds."""
    monkeypatch.setattr("connectors.webhook.ANSWER_WITHIN", 60.0)


OPTIONS: dict[str, Any] = {"base_url": "http://x.example", "token": "t", "webhook_secrets": ["old", "new"]}
BODY = b'{"id": 1}'


@pytest.fixture
def requests_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes | None]:
    """The topic of the requests as a dict, and a key file."""
    kept: dict[str, bytes | None] = {}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"active": "k1", "keys": {"k1": base64.b64encode(bytes(range(32))).decode()}}))
    monkeypatch.setenv("MXCTL_HASH_KEYS_FILE", str(file))
    get_settings.cache_clear()
    monkeypatch.setattr(TopicLog, "append", lambda _, key, value: kept.update({key: value}))
    monkeypatch.setattr(TopicLog, "read", lambda _: [Entry(0, 0, key, value) for key, value in kept.items()])
    return kept


class Desk:
    """Stands for the receiver: remembers what was handed over, fails when told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[tuple[Any, str]] = []
        self.error = error
        self.alive = True

    def knows(self, webhook_id: str) -> bool:
        return any(webhook_id == one for _, one in self.taken)

    def submit(self, raw: Any, webhook_id: str) -> Future[None]:
        done: Future[None] = Future()
        if self.error is not None:
            done.set_exception(self.error)
        else:
            self.taken.append((raw, webhook_id))
            done.set_result(None)
        return done


def client(desk: Desk | Receiver, **options: Any) -> TestClient:
    return TestClient(make_app(desk, "shopify", ShopifyOptions(**{**OPTIONS, **options})))  # type: ignore[arg-type]


def post(to: TestClient, body: bytes = BODY, secret: str = "new", **headers: str) -> int:
    sent = {
        "X-Shopify-Hmac-Sha256": signature(secret, body), "X-Shopify-Topic": "orders/create",
        "X-Shopify-Webhook-Id": "w1", "X-Shopify-Shop-Domain": "shop.example",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    return int(to.post("/webhooks/shopify", content=body, headers=sent).status_code)


def test_signature_vector() -> None:
    assert signature("hush", BODY.replace(b" ", b"")) == "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="
    assert is_signed(b"x", signature("b", b"x"), ["a", "b"])
    assert not is_signed(b"x", signature("b", b"y"), ["a", "b"])
    assert not is_signed(b"x", "ü", ["a"])


def test_both_secrets_hold_while_one_rotates_and_no_other() -> None:
    desk = Desk()
    assert [post(client(desk), secret=secret, X_Shopify_Webhook_Id=secret) for secret in ("old", "new", "bad")] == [
        200, 200, 401,
    ]  # fmt: skip
    assert len(desk.taken) == 2


def test_the_raw_body_is_signed_not_its_meaning() -> None:
    assert post(client(Desk()), b'{"id":1}', X_Shopify_Hmac_Sha256=signature("new", b'{"id": 1}')) == 401


def test_a_known_webhook_is_answered_and_left() -> None:
    desk = Desk()
    assert [post(client(desk)), post(client(desk))] == [200, 200]
    assert len(desk.taken) == 1


def test_a_large_body_is_refused_with_or_without_its_length() -> None:
    desk = Desk()
    large = b"x" * (MAX_BODY + 1)
    assert post(client(desk), large) == 413
    chunks = (large[at : at + 100_000] for at in range(0, len(large), 100_000))
    answer = client(desk).post("/webhooks/shopify", content=chunks)
    assert answer.status_code == 413
    assert not desk.taken


def test_a_caller_who_never_ends_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unsigned body that stops arriving holds its connection for a bounded time."""
    monkeypatch.setattr(webhook, "BODY_WITHIN", 0.05)

    async def slow() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhooks/shopify", "headers": [], "query_string": b""}
    app = make_app(Desk(), "shopify", ShopifyOptions(**OPTIONS))  # type: ignore[arg-type]
    asyncio.run(asyncio.wait_for(app(scope, slow, send), 30))
    assert sent[0]["status"] == 408


def test_what_kafka_has_not_is_not_acknowledged() -> None:
    assert post(client(Desk(ServiceUnavailableError("Kafka", "down")))) == 503


def test_who_waits_too_long_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Desk):
        def submit(self, raw: Any, webhook_id: str) -> Future[None]:
            return Future()  # never done

    monkeypatch.setattr("connectors.webhook.ANSWER_WITHIN", 0.05)
    assert post(client(Slow())) == 503


class Log:
    """Stands for the publisher: what Kafka does with each batch is told, one after the other."""

    def __init__(self, *ways: Callable[[], None]) -> None:
        self.ways = list(ways)
        self.stored: list[Any] = []

    def knows(self, _fingerprint: str) -> bool:
        return False

    def deliver(self, records: list[Any], _cursor: None, _remember: list[str]) -> None:
        if self.ways:
            self.ways.pop(0)()
        self.stored += records


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def writing() -> Any:
    """Makes receivers that write, and ends them."""
    made: list[Receiver] = []

    def start(log: Log) -> Receiver:
        made.append(Receiver(log))  # type: ignore[arg-type]
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.parametrize("dies", [False, True])
def test_a_broker_slower_than_shopify_waits_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, writing: Callable[[Log], Receiver], dies: bool
) -> None:
    monkeypatch.setattr("connectors.webhook.ANSWER_WITHIN", 4.0)  # the product's own
    answered = threading.Event()

    def slow() -> None:
        assert answered.wait(60)
        if dies:
            raise ServiceUnavailableError("Kafka", "it does not answer")

    log = Log(slow)
    desk = writing(log)
    assert post(client(desk), X_Shopify_Webhook_Id="w1") == 503
    waits = desk.submit({"id": 2}, "w2")  # comes while the first is still under way, and is given up too
    assert waits.cancel()
    answered.set()
    assert post(client(desk), X_Shopify_Webhook_Id="w3") == 200
    assert desk.alive
    assert [raw["id"] for raw in log.stored] == ([1] if dies else [1, 1])  # the one given up in time was not sent


@pytest.mark.parametrize("error", [ServiceUnavailableError("Kafka", "down"), RuntimeError("what nobody foresaw")])
def test_a_batch_that_fails_ends_with_its_answer(writing: Callable[[Log], Receiver], error: Exception) -> None:
    desk = writing(Log(failing(error)))
    with pytest.raises(type(error)):
        desk.submit({"id": 1}, "w1").result(60)
    assert not desk.alive and not desk.fenced.is_set()
    desk.submit({"id": 1}, "w1").result(60)
    assert desk.alive


def test_a_producer_that_can_not_go_on_is_told_to_whoever_starts_it_anew(writing: Callable[[Log], Receiver]) -> None:
    desk = writing(Log(failing(FencedError("Kafka producer shopify.webhook", "another took over"))))
    with pytest.raises(FencedError):
        desk.submit({"id": 1}, "w1").result(60)
    assert desk.fenced.is_set()


def test_signed_json_that_is_nested_too_deeply_is_set_aside_like_any_other_that_is_none() -> None:
    desk = Desk()
    body = b"[" * 200_000
    assert post(client(desk), body) == 200
    assert desk.taken == [({"body": body.decode()}, "w1")]


def test_other_topics_and_shops() -> None:
    desk = Desk()
    assert post(client(desk), X_Shopify_Topic="products/create") == 404
    assert post(client(desk, shop_domain="mine.example")) == 401
    assert not desk.taken


REDACT = json.dumps(
    {"shop_domain": "x.example", "customer": {"phone": "01712345678"}, "orders_to_redact": [7]}
).encode()


@pytest.mark.parametrize(("topic", "kind"), COMPLIANCE.items())
def test_a_request_of_a_person_or_shop_is_kept_sealed_before_its_answer(
    requests_kept: dict[str, bytes | None], topic: str, kind: str
) -> None:
    settings, options = get_settings(), ShopifyOptions(**OPTIONS)
    shop = TestClient(make_app(Desk(), "shopify", options, Counter(settings, options, "shop-x")))  # type: ignore[arg-type]
    assert post(shop, REDACT, X_Shopify_Topic=topic, X_Shopify_Triggered_At="2026-01-05T10:00:00Z") == 200
    assert post(shop, REDACT, X_Shopify_Topic=topic, X_Shopify_Triggered_At="2026-01-05T10:00:00Z") == 200
    assert all(b"1712345678" not in (value or b"") for value in requests_kept.values())
    (request,) = Requests(KafkaConfig("nowhere:1"), load_keyring(settings.hash_keys_file)).open()
    assert (request.kind, request.origin, request.at) == (kind, topic, 1767607200000)
    assert request.due - request.at == 30 * DAY_MS
    assert request.person == Person(frozenset({"phone:1712345678", "order:7"}), "shop-x")


def test_a_request_that_cannot_be_kept_or_read_is_not_acknowledged(requests_kept: dict[str, bytes | None]) -> None:
    options = ShopifyOptions(**OPTIONS)
    for desk, body, status in (
        (None, REDACT, 503),
        (Counter(get_settings().model_copy(update={"hash_keys_file": None}), options, ""), REDACT, 503),
        (Counter(get_settings(), options, ""), b"{}", 422),
        (Counter(get_settings(), options, ""), b"no json", 422),
    ):
        shop = TestClient(make_app(Desk(), "shopify", options, desk))  # type: ignore[arg-type]
        assert post(shop, body, X_Shopify_Topic="customers/redact") == status
        assert post(shop, body, secret="bad", X_Shopify_Topic="customers/redact") == 401
    assert not requests_kept


def test_another_shop_s_request_is_about_that_shop(requests_kept: dict[str, bytes | None]) -> None:
    options = ShopifyOptions(**OPTIONS)
    shop = TestClient(make_app(Desk(), "shopify", options, Counter(get_settings(), options, "shop-x")))  # type: ignore[arg-type]
    assert post(shop, b'{"shop_domain": "other.example"}', X_Shopify_Topic="shop/redact") == 200
    (request,) = Requests(KafkaConfig("nowhere:1"), load_keyring(get_settings().hash_keys_file)).open()
    assert request.person == Person(frozenset({"shop:other.example"}), "other.example")


def test_no_secret_no_receiver() -> None:
    with pytest.raises(ConfigError):
        client(Desk(), webhook_secrets=[""])


def test_a_source_without_webhooks_is_named() -> None:
    with pytest.raises(UsageError):
        load_webhook("weather", Settings(profile="local", sandbox="http://127.0.0.1:1"))


def native(sandbox: Sandbox, count: int) -> list[dict[str, Any]]:
    import requests

    found: list[dict[str, Any]] = requests.get(
        f"{sandbox.address}/shopify/admin/api/2026-10/orders.json", {"status": "any", "limit": count},
        headers={"X-Shopify-Access-Token": "sandbox-token"}, timeout=10,
    ).json()["orders"]  # fmt: skip
    return found


@pytest.mark.stack
def test_webhooks_and_the_poll_send_each_order_once(make_sandbox: Make, on_kafka: Make, stack: Settings) -> None:
    sandbox = make_sandbox("--orders", "12")
    one: OnKafka = on_kafka("shopify", sandbox)
    options = one.config.parsed_options()
    assert isinstance(options, ShopifyOptions)
    orders = native(sandbox, 5)
    with receiver(one.config.name, stack, one.config, options) as taking:
        shop = client(taking, webhook_secrets=["new"])
        for number, order in enumerate(orders):
            body = json.dumps(order).encode()
            assert post(shop, body, X_Shopify_Webhook_Id=f"w{number}") == 200
            sent = {value["order_id"] for _, value in one.stored().records}
            assert str(order["id"]) in sent, "acknowledged, and not in Kafka"
        before = sorted(one.stored().keys)
        assert post(shop, json.dumps(orders[0]).encode(), X_Shopify_Webhook_Id="w0") == 200
        assert post(shop, json.dumps(orders[0]).encode(), X_Shopify_Webhook_Id="again") == 200
        assert sorted(one.stored().keys) == before
        assert post(shop, b"no json", X_Shopify_Webhook_Id="w9") == 200
        assert len(one.stored().dead) == 1
        # The poll finds what webhooks missed, and only that.
        one.run().check()
    stored = one.stored()
    assert len(stored.keys) == len(set(stored.keys))
    assert len({value["order_id"] for _, value in stored.records}) == 12


@pytest.mark.stack
def test_a_restarted_receiver_knows_its_webhooks(make_sandbox: Make, on_kafka: Make, stack: Settings) -> None:
    sandbox = make_sandbox("--orders", "3")
    one: OnKafka = on_kafka("shopify", sandbox)
    options = one.config.parsed_options()
    assert isinstance(options, ShopifyOptions)
    body = json.dumps(native(sandbox, 1)[0]).encode()
    for _ in range(2):
        with receiver(one.config.name, stack, one.config, options) as taking:
            assert post(client(taking, webhook_secrets=["new"]), body) == 200
    assert len(one.stored().keys) == len(set(one.stored().keys)) > 0
