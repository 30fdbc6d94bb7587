"""Records of one merchant: what the server finds, and the choice in the real page."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page, Route, expect, sync_playwright

from glue.identity import MERCHANT_HEADER
from glue.kafka.config import KafkaConfig
from glue.overlay import declared_merchants
from glue.settings import Settings, project_root
from glue.ui import records
from glue.ui.collector import Collector
from glue.ui.server import make_app

NOWHERE = "127.0.0.1:9"
SHOPS = ["sandbox-seller", "sandbox-shop.myshopify.com"]
TOPIC = "sink.snowflake.orders"


class Message:
    """A committed order of a merchant."""

    def __init__(self, offset: int, merchant: str) -> None:
        self._offset, self._headers = offset, [(MERCHANT_HEADER, merchant.encode())]

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, self._offset

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return None

    def headers(self) -> list[tuple[str, bytes]]:
        return self._headers


def test_records_of_one_merchant_are_found_behind_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    written = [Message(at, "small.example" if at in (3, 700) else "busy.example") for at in range(1000)]
    began: list[int] = []

    def read(_: Any, wanted: dict[Any, int], take: Any, __: float) -> dict[Any, int]:
        (start,) = wanted.values()
        began.append(start)
        for message in written[start:]:
            take(message)
        return dict.fromkeys(wanted, 1000)

    monkeypatch.setattr(records, "read_to_end", read)
    latest = records.LatestRecords(KafkaConfig(NOWHERE), None)  # type: ignore[arg-type]
    ends = {(TOPIC, 0): (0, 1000)}
    of_small = latest(TOPIC, ends, "small.example")
    assert [(row["offset"], row["merchant"]) for row in of_small] == [(700, "small.example")]
    assert {row["merchant"] for row in latest(TOPIC, ends)} == {"busy.example"}
    assert began == [600, 988], "the last 400 for one of them, the last few for all"


def test_merchants_are_those_that_sources_declare_and_that_have_a_value_here() -> None:
    folder = project_root() / "connect-config"
    assert sorted(declared_merchants(Settings(profile="local", config_dir=folder))) == SHOPS
    assert not declared_merchants(Settings(profile="compose", config_dir=folder))


@pytest.fixture
def page() -> Iterator[Page]:
    """The page as it is served, in a browser; no service answers."""
    settings = Settings(profile="local", kafka=NOWHERE, connect=f"http://{NOWHERE}", registry=f"http://{NOWHERE}")
    collector = Collector(settings)
    server = uvicorn.Server(uvicorn.Config(make_app(collector), port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        while not server.started:
            page.wait_for_timeout(50)
        ((listener,),) = [one.sockets for one in server.servers]
        page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        yield page
        browser.close()
    server.should_exit = True
    thread.join(30)
    collector.close()


@pytest.mark.browser
def test_the_page_shows_the_orders_of_one_merchant(page: Page) -> None:
    expect.set_options(timeout=60_000)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        of = route.request.url.partition("?merchant=")[2]
        rows = [
            {"partition": 0, "offset": at, "at": 1_700_000_000_000, "bytes": 1, "key": None, "merchant": merchant,
             "schema": "OrderRow", "value": {"product_name": f"Saree of {merchant}"}}
            for at, merchant in enumerate(SHOPS) if of in ("", merchant)
        ]  # fmt: skip
        route.fulfill(body=json.dumps({"topic": TOPIC, "merchants": SHOPS, "records": rows}),
                      content_type="application/json")  # fmt: skip

    page.route("**/api/records/**", answer)
    page.locator(f'[data-id="topic/{TOPIC}"]').first.click()
    shown = page.locator("#panel section.records li")
    expect(shown).to_have_count(2)
    page.get_by_label("Merchant").select_option(SHOPS[1])
    expect(shown).to_have_count(1)
    expect(shown.first).to_contain_text(f"Saree of {SHOPS[1]}")
    assert asked[-1].endswith(f"?merchant={SHOPS[1]}")
    page.get_by_label("Merchant").select_option("all")
    expect(shown).to_have_count(2)
