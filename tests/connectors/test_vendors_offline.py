"""Sources against the sandbox's vendors without Kafka: wire, signatures, folding, identity, windows."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.browser import Browser
from connectors.config import SourceConfig
from connectors.daraz_client import sign
from connectors.daraz_orders import order_lines
from connectors.errors import ChangedError, CredentialError, EmptyListingError
from connectors.facebook_graph import GraphApi
from connectors.http import Answer
from connectors.models import MarketOrder, SocialPost, WeatherData
from connectors.source import Window, newest
from glue.errors import MillionXError, ServiceError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_daraz_signature_vector() -> None:
    params = {"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"}
    assert sign("1234", "/test/api", params) == "988085883BF9D32D251478D23122C7ECC91518CDF63BA22F792000A378F52409"
    assert sign("1234", "/test/api", params | {"sign": "x"}) == sign("1234", "/test/api", params)


def unit(sku: str, price: float, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "product_id": f"p-{sku}", "name": "Bag", "item_price": price, "currency": "BDT", **more}


def test_units_fold_to_quantities_and_prices_of_one_sku_stay_apart() -> None:
    lines = daraz_lines([unit("a", 10), unit("b", 5.5), unit("a", 10.0), unit("a", 8)])
    assert {(line["line_id"], line["quantity"], line["price"]) for line in lines} == {
        ("a@10", 2, Decimal("10")), ("a@8", 1, Decimal("8")), ("b@5.5", 1, Decimal("5.5")),
    }  # fmt: skip


def daraz_lines(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = {"order_id": 7, "created_at": "2026-01-05 10:00:00 +0600", "updated_at": "2026-01-06 10:00:00 +0600"}
    return list(order_lines({"order": order, "items": items}, NOON, "S-1"))


def test_a_line_is_the_same_whatever_else_is_in_the_order() -> None:
    (alone,) = daraz_lines([unit("a", 10, status="delivered")])
    beside = daraz_lines([unit("a", 8), unit("b", 1), unit("a", 10, status="delivered")])
    same = [line for line in beside if line["price"] == 10]
    assert MarketOrder.model_validate(alone).key == MarketOrder.model_validate(same[0]).key


def test_a_word_that_is_not_known_counts_as_unclear_and_is_said(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = daraz_lines([unit("a", 10, status="delivered"), unit("a", 10, status="beamed_up")])
    assert (line["quantity"], line["quantity_net"], line["quantity_unclear"]) == (2, 1, 1)
    assert (line["order_status"], line["fulfillment_status"]) == ("unknown", "delivered,unknown")
    assert "order_states.json" in caplog.text


@pytest.mark.parametrize("shop", ["shopify", "daraz"])
def test_two_merchants_of_a_platform_stay_apart(
    shop: str, make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    sandbox = make_sandbox("--orders", "5")
    both = [
        [MarketOrder.model_validate(one) for one in offline(local_config(shop, sandbox, {"merchant_id": name})).read()]
        for name in ("one", "two")
    ]
    assert [{record.merchant_id for record in records} for records in both] == [{"one"}, {"two"}]
    keys = [{record.key for record in records} for records in both]
    assert len(keys[0]) == len(keys[1])
    assert not keys[0] & keys[1], "orders of the same numbers are still two shops' orders"


@pytest.mark.parametrize(
    ("seen", "started", "before", "expected"),
    [
        ([NOON], NOON + timedelta(hours=1), None, NOON),
        # a record from the future, or a clock that is behind: never past the start of the run
        ([NOON + timedelta(hours=2)], NOON, None, NOON),
        # a clock that jumped back behind the cursor moves nothing back
        ([NOON + timedelta(hours=2)], NOON - timedelta(days=9), NOON, NOON),
        ([], NOON, NOON, NOON),
        ([NOON - timedelta(days=1)], NOON, NOON, NOON),
    ],
)
def test_cursors_never_run_ahead_or_back(
    seen: list[datetime], started: datetime, before: datetime | None, expected: datetime
) -> None:
    assert newest(seen, started, before.isoformat() if before else None) == expected.isoformat()


def test_newest_of_nothing_is_nothing() -> None:
    assert newest([], NOON, None) is None


Make = Callable[..., Any]


def test_orders_of_both_shops_are_valid_and_complete(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox("--orders", "35")
    for shop, size in (("shopify", 10), ("daraz", 10)):
        source = offline(local_config(shop, sandbox, {"page_size": size}))
        fields = source.read()
        records = [MarketOrder.model_validate(one) for one in fields]
        assert len({record.order_id for record in records}) == 35
        assert {record.currency for record in records} == {"BDT"}
        assert all(record.customer_phone and record.customer_name for record in records)
        assert len({record.key for record in records}) == len({(r.order_id, r.line_id) for r in records})
        times = [datetime.fromisoformat(cursor["time"]) for cursor in source.cursors]
        assert times == sorted(times)
        assert len(times) >= 4


def test_shopify_windows_are_inclusive(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox("--orders", "20")
    everything = offline(local_config("shopify", sandbox)).read()
    times = sorted({one["updated_at"] for one in everything})
    since, until = datetime.fromisoformat(times[4]), datetime.fromisoformat(times[9])
    found = offline(local_config("shopify", sandbox)).read(Window(since, until))
    assert sorted({one["updated_at"] for one in found}) == times[4:10]


def test_daraz_pages_do_not_skip_when_a_page_shares_one_second(
    make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    sandbox = make_sandbox("--orders", "5")
    added = sandbox.orders("daraz", add=47)["added"]
    found = offline(local_config("daraz", sandbox, {"page_size": 10})).read()
    assert {str(number) for number in added} <= {one["order_id"] for one in found}


def test_daraz_refuses_a_wrong_signature(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    config = local_config("daraz", make_sandbox(), {"app_secret": "not-it"})
    with pytest.raises(CredentialError, match="IncompleteSignature") as caught:
        offline(config).read()
    assert "sandbox-access" not in repr(caught.value)


def test_daraz_renews_its_tokens_and_keeps_them(
    make_sandbox: Make, local_config: Make, offline: Make, tmp_path: Path
) -> None:
    sandbox = make_sandbox("--orders", "5", fault=["daraz:expired-token"])
    config: SourceConfig = local_config("daraz", sandbox)
    assert offline(config).read()
    (kept,) = (tmp_path / "state" / "secrets").glob("daraz-*.json")
    assert kept.stat().st_mode & 0o077 == 0
    assert json.loads(kept.read_text())["access"] != "sandbox-access"
    again = offline(config)
    assert again.read()
    assert again.stats.attempts["refused"] == 0, "the kept token was good"
    other = offline(local_config("daraz", sandbox, {"refresh_token": "old"}))
    with pytest.raises(CredentialError, match="IllegalRefreshToken"):
        other.read()


def test_daraz_signs_by_the_vendors_clock(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("daraz", make_sandbox("--orders", "5")))
    jumped = source.source._client._clock
    source.source._client._clock = lambda: jumped() + 86_400.0
    assert source.read()
    assert source.stats.attempts["refused"] == 1


def test_weather_is_metric_and_known_by_city_and_time(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox()
    records = [WeatherData.model_validate(one) for one in offline(local_config("weather", sandbox)).read()]
    assert [record.city for record in records] == ["Dhaka", "Chittagong", "Sylhet", "Khulna", "Rajshahi"]
    assert all(10 < record.temperature < 45 for record in records), "degrees Celsius, not Kelvin"
    again = [WeatherData.model_validate(one) for one in offline(local_config("weather", sandbox)).read()]
    assert {r.key for r in again if (r.city, r.observed_at) in {(o.city, o.observed_at) for o in records}} <= {
        record.key for record in records
    }


@pytest.mark.parametrize(
    ("body", "extreme"),
    [
        ({"main": {"temp": 40.1}}, True), ({"main": {"temp": 40.0}}, False), ({"main": {"temp": 4.9}}, True),
        ({"main": {"temp": 5.0}}, False), ({"wind": {"speed": 15.1}}, True), ({"wind": {"speed": 15.0}}, False),
        ({"rain": {"1h": 0.1}}, True), ({"rain": {}}, False), ({}, False),
    ],
)  # fmt: skip
def test_the_extreme_rule(
    body: dict[str, Any], extreme: bool, make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    source = offline(local_config("weather", make_sandbox())).source
    whole = {"main": {"temp": 20.0, "humidity": 50} | body.pop("main", {}), "dt": 1_700_000_000, **body}
    city = {"name": "Dhaka", "latitude": 23.8, "longitude": 90.4}
    (fields,) = source.parse({"city": city, "body": whole}, NOON)
    assert WeatherData.model_validate(fields).is_extreme_weather is extreme


def test_a_city_that_fails_does_not_hold_back_the_others(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    cities = [
        {"name": "Nowhere", "latitude": 91.0, "longitude": 0.0},
        {"name": "Dhaka", "latitude": 23.8, "longitude": 90.4},
    ]
    sandbox = make_sandbox()
    source = offline(local_config("weather", sandbox, {"cities": cities, "base_url": f"{sandbox.address}/weather"}))
    pages = source.source.pages(Window(), {})
    first = next(pages)
    assert first.records[0]["city"]["name"] == "Dhaka"
    with pytest.raises(ServiceError, match="Nowhere"):
        next(pages)


def test_facebook_posts_from_the_graph(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("facebook", make_sandbox("--posts", "60"), {"page_size": 7}))
    records = [SocialPost.model_validate(one) for one in source.read()]
    assert len({record.key for record in records}) == 60
    assert all(record.engagement_count == record.likes + record.comments + record.shares for record in records)
    assert any(record.shares == 0 for record in records), "an absent count is zero"
    assert len(source.cursors) == 3, "one cursor a page, at the end of its listing"
    assert set(source.cursors[-1]["pages"]) == {"dhaka.deals.example", "sharee.house.example", "gadget.bazar.example"}


def test_facebook_prefers_the_graph_where_a_token_is_given(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_browser(self: Browser) -> Any:
        raise ChangedError("the browser was asked for")

    monkeypatch.setattr(Browser, "page", no_browser)
    sandbox = make_sandbox("--posts", "30")
    assert offline(local_config("facebook", sandbox)).read()
    for nothing in (None, ""):
        with pytest.raises(ChangedError, match="the browser was asked for"):
            offline(local_config("facebook", sandbox, {"token": nothing})).read()


def test_facebook_near_its_quota_pauses(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    http = offline(local_config("facebook", make_sandbox())).source.context.http
    graph = GraphApi(http, "http://x.example", "t", 10)
    for usage in ('{"call_count": 28, "total_time": 25}', "no json", "[]", '{"call_count": "x"}'):
        graph._listen(Answer(200, {"x-app-usage": usage}, b""))
    assert http.bucket.take() == 0
    graph._listen(Answer(200, {"x-app-usage": '{"call_count": 28, "total_time": 97}'}, b""))
    assert http.bucket.take() > 1


def test_shopify_tells_its_bucket_and_is_heard(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = offline(local_config("shopify", make_sandbox("--orders", "9"), {"page_size": 3, "api": "rest"}))
    told: list[tuple[float, float]] = []
    monkeypatch.setattr(source.source.context.http.bucket, "used", lambda used, size: told.append((used, size)))
    source.read()
    assert [size for _, size in told] == [40.0] * 3
    assert all(0 < used <= 3 for used, _ in told)


def test_shopify_follows_the_query_of_a_link_and_sends_its_token_nowhere_else(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = offline(local_config("shopify", make_sandbox(), {"api": "rest"}))
    links = [{"link": '<https://elsewhere.example/orders.json?page_info=abc>; rel="next"'}, {}]
    asked: list[str] = []

    def send(what: str, url: str, **_: Any) -> Answer:
        asked.append(url)
        return Answer(200, links[len(asked) - 1], b'{"orders": []}')

    monkeypatch.setattr(source.source.context.http, "send", send)
    source.read()
    first, second = asked
    assert second == f"{first.partition('?')[0]}?page_info=abc"
    assert first.startswith(source.source.options.base_url)


SECRETS = ("sandbox-token", "sandbox-app-secret", "sandbox-access", "sandbox-refresh", "sandbox-webhook-secret")


@pytest.mark.parametrize("name", ["facebook", "shopify", "daraz", "weather"])
@pytest.mark.parametrize("fault", ["server-error@2x", "cut@2x", "throttle@1x", "expired-token", "html-instead-of-json"])
def test_no_credential_in_logs_or_errors(
    name: str, fault: str, make_sandbox: Make, local_config: Make, offline: Make, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = make_sandbox("--posts", "20", "--orders", "20", fault=[f"{name}:{fault}"])
    told = ""
    with caplog.at_level(logging.DEBUG):
        try:
            offline(local_config(name, sandbox)).read()
        except MillionXError as error:
            told = "".join(traceback.format_exception(error))
    assert sandbox.state()["fired"], "the fault did not happen"
    assert not [secret for secret in SECRETS if secret in caplog.text + told]


def test_facebook_a_page_that_is_gone_does_not_hold_back_the_others(
    make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    pages = ["gone.example", "dhaka.deals.example"]
    source = offline(local_config("facebook", make_sandbox("--posts", "30"), {"pages": pages}))
    found = []
    with pytest.raises(ServiceError, match=r"gone\.example"):
        for page in source.source.pages(Window(), {}):
            found += page.records
    assert found


def test_facebook_no_post_at_all_is_an_error(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox(fault=["facebook:empty-200"])
    with pytest.raises(EmptyListingError, match="without a single post"):
        offline(local_config("facebook", sandbox)).read()


def test_posts_without_text_are_skipped_and_counted(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = offline(local_config("facebook", make_sandbox("--posts", "10"))).source
    made = [{"id": "1_2", "created_time": "2026-01-01T00:00:00+0000"} | more for more in ({}, {"message": "so good"})]
    graph = GraphApi(source.context.http, "http://x.example", "t", 10)
    monkeypatch.setattr(graph, "posts", lambda *_: iter([made]))
    page = next(source._listed(graph, Window(), {}, "p"))
    assert ([record["post"].get("message") for record in page.records], page.without_text) == (["so good"], 1)
