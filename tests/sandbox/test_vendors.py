"""The sandbox: made data that follows from a seed, vendors that refuse what the real ones refuse, faults by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from sandbox import control
from sandbox.faults import FAULTS, VENDORS, Faults, UnknownFaultError, parse
from sandbox.made_data import products
from sandbox.made_orders import made_orders
from sandbox.made_posts import made_posts

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_made_data_follows_from_the_seed() -> None:
    assert made_posts("tiktok", 1, 50, AT) == made_posts("tiktok", 1, 50, AT)
    assert made_posts("tiktok", 1, 50, AT) != made_posts("tiktok", 2, 50, AT)
    assert made_orders("daraz", 3, 50, AT) == made_orders("daraz", 3, 50, AT)
    assert len({post.post_id for post in made_posts("facebook", 1, 5000, AT)}) == 5000
    assert products() == products()
    assert len({product["id"] for product in products()}) == len(products()) >= 50


def test_texts_are_in_three_languages_and_people_are_nobody() -> None:
    posts = made_posts("tiktok", 1, 400, AT)
    texts = [post.text for post in posts]
    assert sum(bool(re.search("[ঀ-৿]", text)) for text in texts) > 100
    assert any("dam koto" in text for text in texts)
    assert any(text.startswith("Unboxing") for text in texts)
    for order in made_orders("shopify", 1, 200, AT):
        assert re.fullmatch(r"01[3-9]0000\d{4}", order.buyer.phone)
        assert order.buyer.mail.endswith("@mail.example")


def test_faults_are_parsed_and_strike_as_often_as_told() -> None:
    faults = Faults(["shopify:server-error@2x", "cut@0.5"], seed=1)
    assert [faults.has("shopify", "server-error") for _ in range(4)] == [True, True, False, False]
    assert not faults.has("daraz", "server-error")
    struck = sum(faults.has("weather", "cut") for _ in range(1000))
    assert 400 < struck < 600
    assert faults.fired["weather:cut"] == struck


@pytest.mark.parametrize("text", ["nonsense", "etsy:cut", "cut@2", "cut@", "weather:block-page", "cut@x3", ""])
def test_unknown_faults_are_refused(text: str) -> None:
    with pytest.raises(UnknownFaultError):
        parse(text)


def test_every_fault_is_known_to_vendors_that_exist() -> None:
    for name, (does, vendors) in FAULTS.items():
        assert does
        assert set(vendors) <= set(VENDORS), name
        for vendor in vendors or VENDORS:
            parse(f"{vendor}:{name}@0.1")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sandbox")
    yield control.up(folder, ["--posts", "20", "--orders", "20"]).address  # type: ignore[misc]
    control.down(folder)


def shopify(address: str, token: str = "sandbox-token", **query: str) -> requests.Response:
    url = f"{address}/shopify/admin/api/2026-10/orders.json"
    return requests.get(url, query, headers={"X-Shopify-Access-Token": token}, timeout=10)


def test_shopify_refuses_what_the_real_one_refuses(address: str) -> None:
    assert shopify(address, token="wrong").status_code == 401
    assert shopify(address, limit="251").status_code == 400
    first = shopify(address, limit="5", status="any", order="updated_at asc")
    following = re.search(r"<([^>]+)>; rel=\"next\"", first.headers["Link"])
    assert following
    headers = {"X-Shopify-Access-Token": "sandbox-token"}
    assert requests.get(following.group(1), headers=headers, timeout=10).status_code == 200
    assert requests.get(following.group(1) + "&status=any", headers=headers, timeout=10).status_code == 400
    assert re.fullmatch(r"\d+/40", first.headers["X-Shopify-Shop-Api-Call-Limit"])
    assert len(shopify(address).json()["orders"]) < 20, "open orders are the default"


def test_daraz_answers_errors_with_200(address: str) -> None:
    answer = requests.get(f"{address}/daraz/rest/orders/get", {"app_key": "x"}, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["code"] == "InvalidAppKey"


def test_weather_speaks_kelvin_unless_told(address: str) -> None:
    query = {"lat": "23.8", "lon": "90.4", "appid": "sandbox-token"}
    kelvin = requests.get(f"{address}/weather/data/2.5/weather", query, timeout=10).json()
    metric = requests.get(f"{address}/weather/data/2.5/weather", {**query, "units": "metric"}, timeout=10).json()
    if kelvin["dt"] == metric["dt"]:
        assert kelvin["main"]["temp"] == pytest.approx(metric["main"]["temp"] + 273.15)
    assert kelvin["main"]["temp"] > 200
    assert requests.get(f"{address}/weather/data/2.5/weather", {"appid": "no"}, timeout=10).json()["cod"] == 401


def test_facebook_refuses_a_dead_token(address: str) -> None:
    answer = requests.get(f"{address}/facebook/v25.0/dhaka.deals.example/posts", {"access_token": "x"}, timeout=10)
    assert answer.json()["error"]["code"] == 190


def test_up_is_idempotent_and_down_leaves_nothing(tmp_path: Path) -> None:
    first = control.up(tmp_path)
    assert control.up(tmp_path) == first
    assert control.find(tmp_path) == first
    assert control.down(tmp_path)
    assert control.find(tmp_path) is None
    assert not control.down(tmp_path)


def test_a_busy_port_is_reported(address: str, tmp_path: Path) -> None:
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(control.SandboxError, match=str(port)):
        control.up(tmp_path, port=port)


def test_a_port_that_is_taken_meanwhile_is_exchanged(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, taken = control._free_port, [int(address.rsplit(":", 1)[1])]
    monkeypatch.setattr(control, "_free_port", lambda: taken.pop() if taken else free())
    running = control.up(tmp_path)
    assert running.address != address
    assert control.down(tmp_path)
