"""Each fault of the scraped sites: a real Chromium, real Kafka."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.errors import BlockedError, ChangedError
from glue.errors import ServiceUnavailableError
from glue.identity import record_key
from sandbox.made_data import products
from tests.connectors.conftest import OnKafka, Sandbox, Stored, everything

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.skipif(
        not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
        and not any(Path.home().glob(".cache/ms-playwright/chromium*")),
        reason="no Chromium on this machine",
    ),
]
Make = Callable[..., Any]
SIZE = ("--posts", "60")
# One keyword and one page: every fault is about one listing.
ONE: dict[str, dict[str, Any]] = {
    "tiktok": {"keywords": ["daraz deal"], "browser": {"page_timeout": 5, "sessions": 2}},
    "facebook": {"token": None, "pages": ["dhaka.deals.example"], "browser": {"page_timeout": 5, "sessions": 2}},
    "daraz-listings": {"keywords": ["classic"], "browser": {"page_timeout": 5, "sessions": 2}},
}
SITES = list(ONE)
SHORT = {"base_seconds": 0.02, "cap_seconds": 0.1, "attempts": 4, "throttled_cap_seconds": 3}


@pytest.fixture
def site(make_sandbox: Make, on_kafka: Make) -> Make:
    """A site with its faults on, and the source that reads one listing of it."""

    def make(name: str, *faults: str, **options: Any) -> tuple[Sandbox, OnKafka]:
        sandbox = make_sandbox(*SIZE, "--slow-seconds", "6", fault=[f"{name}:{fault}" for fault in faults])
        return sandbox, on_kafka(name, sandbox, ONE[name] | options, retry=SHORT)

    return make


def natives(name: str, stored: Stored) -> set[str]:
    """What was stored, as :func:`whole_listing` names it: a listing's key is new in each reading."""
    if name == "daraz-listings":
        return {value["product_id"] for _, value in stored.records}
    return set(stored.keys)


def whole_listing(name: str, sandbox: Sandbox) -> set[str]:
    """Keys of everything in the listing, from the feed behind the page; of products their ids."""
    sandbox.faults()
    if name == "daraz-listings":
        return {str(300_000 + index) for index, one in enumerate(products()) if "Classic" in one["name"]}
    feed = "tiktok/api/search?q=daraz deal" if name == "tiktok" else "facebook/feed?page=dhaka.deals.example"
    keys, cursor, more = set(), 0, True
    while more:
        body = requests.get(f"{sandbox.address}/{feed}&cursor={cursor}", timeout=10).json()
        for card in body["posts"]:
            native = card["href"].rsplit("/", 1)[1] if name == "tiktok" else json.loads(card["ft"])["top_level_post_id"]
            keys.add(record_key(name, native))
        cursor, more = body["cursor"], body["has_more"]
    return keys


@pytest.mark.soak
@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("fault", ["server-error@2x", "cut@2x", "slow@1x", "throttle@1x", "block-page@1x",
                                   "login-wall@1x", "empty-200@1x", "old-selectors", "duplicate-records",
                                   "drip@1x"])  # fmt: skip
def test_a_fault_that_passes_or_is_foreseen_loses_nothing(name: str, fault: str, site: Make) -> None:
    sandbox, source = site(name, fault)
    result = source.run().check()
    fired = sandbox.state()["fired"]
    stored = source.stored()
    assert fired, "the fault did not happen"
    assert len(stored.keys) == len(set(stored.keys))
    assert natives(name, stored) == whole_listing(name, sandbox)
    assert len(stored.keys) > 3
    if fault.startswith(("block-page", "login-wall", "empty-200")):
        assert result.attempts["blocked"] == 1, "a fresh session was needed"


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize(
    ("fault", "kind", "evidence"),
    [
        ("block-page", BlockedError, "captcha"),
        ("login-wall", BlockedError, "login"),
        ("empty-200", BlockedError, "empty"),
        ("changed-selectors", ChangedError, "changed"),
    ],
)
def test_blocked_and_changed_pages_are_told_apart_and_loud(
    name: str, fault: str, kind: type[Exception], evidence: str, site: Make, evidence_dir: Path
) -> None:
    _, source = site(name, fault)
    result = source.run()
    assert type(result.error) is kind
    assert result.outcome == "failed"
    assert not source.stored().keys
    kept = list((evidence_dir / source.config.name).glob(f"*-{evidence}.*"))
    assert {path.suffix for path in kept} == {".html", ".png"}
    assert all(path.stat().st_size > 0 and path.stat().st_mode & 0o077 == 0 for path in kept)
    assert any(str(path.with_suffix("")) in result.error.fix for path in kept)


@pytest.mark.parametrize("name", SITES)
def test_a_site_that_stays_down_is_not_called_blocked(name: str, site: Make) -> None:
    _, source = site(name, "server-error")
    result = source.run()
    assert isinstance(result.error, ServiceUnavailableError)
    assert result.attempts["blocked"] == 0


@pytest.mark.parametrize("name", SITES)
def test_malformed_cards_go_to_dead_letters_alone(name: str, site: Make) -> None:
    sandbox, source = site(name, "malformed-records")
    result = source.run().check()
    stored = source.stored()
    assert result.dead_letters == len(stored.dead) > 0
    assert all("mail.example" not in everything(letter) for letter in stored.dead)
    assert len(stored.keys) + len(stored.dead) == len(whole_listing(name, sandbox))


def test_tiktok_counts_read_as_the_page_shows_them(site: Make) -> None:
    _, source = site("tiktok")
    source.run().check()
    records = [value for _, value in source.stored().records]
    assert all(value["engagement_count"] == value["likes"] + value["comments"] + value["shares"] for value in records)
    assert sum(value["likes"] for value in records) > 0
    assert all(value["posted_at"] <= value["collected_at"] for value in records)
    assert any(value["product_mentions"] for value in records)


def test_both_ways_to_facebook_give_the_same_keys(site: Make, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox, scraped = site("facebook")
    scraped.run().check()
    api: OnKafka = on_kafka("facebook", sandbox, {"pages": ["dhaka.deals.example"]})
    api.run().check()
    assert set(scraped.stored().keys) == set(api.stored().keys)


def test_a_keyword_without_results_is_an_honest_nothing(site: Make) -> None:
    _, source = site("tiktok", keywords=["nobody writes this"])
    result = source.run().check()
    assert result.records == {}


def test_a_cap_is_kept(site: Make) -> None:
    _, source = site("tiktok", posts_per_keyword=2)
    assert sum(source.run().check().records.values()) == 2


@pytest.mark.parametrize("name", SITES)
def test_a_listing_that_answers_slowly_is_read_to_its_end(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox("--posts", "90", "--latency", "0.6")
    source: OnKafka = on_kafka(name, sandbox, ONE[name])
    source.run().check()
    assert natives(name, source.stored()) == whole_listing(name, sandbox)


def test_robots_txt_is_obeyed(site: Make) -> None:
    _, source = site("tiktok", search_path="/private/search?q={keyword}")
    options = source.config.options
    address = options["base_url"].removesuffix("/tiktok")
    source.config = source.config.model_copy(update={"options": options | {"base_url": address}})
    result = source.run()
    assert result.error is not None
    assert "robots.txt" in result.error.why
    assert result.attempts["ok"] == 1, "only robots.txt was asked for"


def test_sessions_retire_by_use(site: Make) -> None:
    browser = {"page_timeout": 5, "session_pages": 1}
    keywords = ["daraz deal", "facebook shop", "delivery dhaka"]
    _, source = site("tiktok", keywords=keywords, browser=browser)
    assert sum(source.run().check().records.values()) > 5
