"""Each fault of the vendors with an API, on real Kafka: what arrives, what is said, what is never sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.errors import CredentialError, EmptyListingError, ThrottledError
from connectors.models import MarketOrder, millis
from connectors.runner import RunResult
from glue.errors import ServiceUnavailableError
from tests.connectors.conftest import OnKafka, Sandbox, everything

pytestmark = pytest.mark.stack
Make = Callable[..., Any]
SIZE = ("--posts", "40", "--orders", "40", "--bucket-leak", "1000")
PAGES: dict[str, dict[str, Any]] = {
    "facebook": {"page_size": 5}, "shopify": {"page_size": 10}, "daraz": {"page_size": 10}, "weather": {},
    "shopify-listings": {"page_size": 10},
}  # fmt: skip
API = list(PAGES)
PRODUCTS = 60  # of the made catalogue
IMPATIENT = {"connect": 5.0, "read": 0.5, "total": 0.5}  # for faults that take long; others need no haste


def wanted(name: str, sandbox: Sandbox, found: OnKafka) -> None:
    """Everything that the vendor has is in Kafka, each key once."""
    stored = found.stored()
    assert len(stored.keys) == len(set(stored.keys)), "a key twice"
    if name == "weather":
        assert len(stored.keys) == 5
    elif name == "shopify-listings":
        assert len({value["product_id"] for _, value in stored.records}) == PRODUCTS
    elif name == "facebook":
        assert len(stored.keys) == sandbox.state()["posts"]["facebook"]
    else:
        assert len({value["order_id"] for _, value in stored.records}) == sandbox.state()["orders"][name]
    assert not stored.dead


@pytest.mark.parametrize("name", API)
@pytest.mark.parametrize("fault", ["server-error@0.3", "cut@3x", "drip@1x", "slow@2x", "throttle@2x",
                                   "html-instead-of-json@2x"])  # fmt: skip
def test_a_passing_fault_loses_nothing(name: str, fault: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, "--slow-seconds", "1.5", fault=[f"{name}:{fault}"])
    haste = {"timeouts": IMPATIENT} if fault.startswith(("slow", "drip")) else {}
    source = on_kafka(name, sandbox, PAGES[name], **haste)
    result: RunResult = source.run().check()
    wanted(name, sandbox, source)
    kind = "throttled" if fault.startswith("throttle") else "transient"
    assert result.attempts[kind] > 0
    assert sandbox.state()["fired"], "the fault did not happen"


@pytest.mark.parametrize("name", API)
def test_a_lasting_server_error_fails_and_the_next_run_gets_all(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=[f"{name}:server-error"])
    source = on_kafka(name, sandbox, PAGES[name])
    with pytest.raises(ServiceUnavailableError):
        source.run().check()
    assert not source.stored().keys
    sandbox.faults()
    source.run().check()
    wanted(name, sandbox, source)


@pytest.mark.parametrize("name", API)
def test_lasting_throttling_is_obeyed_and_named(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=[f"{name}:throttle"])
    retry = {"base_seconds": 0.02, "cap_seconds": 0.1, "throttled_attempts": 3, "throttled_cap_seconds": 0.5}
    result = on_kafka(name, sandbox, PAGES[name], retry=retry).run()
    assert isinstance(result.error, ThrottledError)
    assert result.attempts["ok"] == (1 if name == "shopify-listings" else 0), "robots.txt, which is not throttled"
    assert result.attempts["throttled"] <= 3


@pytest.mark.parametrize("name", ["facebook", "shopify", "weather"])
def test_a_dead_token_ends_the_run_at_once(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=[f"{name}:expired-token"])
    result = on_kafka(name, sandbox, PAGES[name]).run()
    assert isinstance(result.error, CredentialError)
    assert result.error.fix
    assert result.attempts == {"ok": 0, "transient": 0, "throttled": 0, "blocked": 0, "refused": 1}
    assert "sandbox-token" not in repr(result.error)


def test_daraz_expired_token_is_renewed(make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=["daraz:expired-token"])
    source = on_kafka("daraz", sandbox, PAGES["daraz"])
    source.run().check()
    wanted("daraz", sandbox, source)


@pytest.mark.parametrize("name", ["facebook", "shopify", "daraz", "shopify-listings"])
def test_duplicate_records_are_sent_once(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=[f"{name}:duplicate-records"])
    source = on_kafka(name, sandbox, PAGES[name])
    result = source.run().check()
    wanted(name, sandbox, source)
    assert result.repeated > 0
    again = source.run().check()
    assert not again.records
    wanted(name, sandbox, source)


@pytest.mark.parametrize("name", API)
def test_malformed_records_go_to_dead_letters_alone(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=[f"{name}:malformed-records"])
    source = on_kafka(name, sandbox, PAGES[name])
    result = source.run().check()
    stored = source.stored()
    state = sandbox.state()
    total = {"weather": 5, "shopify-listings": PRODUCTS}.get(name) or state["orders"].get(name) or state["posts"][name]
    native = ("order_id", "post_id", "city", "product_id")
    good = {next(value[name] for name in native if value.get(name)) for _, value in stored.records}
    bad = len(stored.dead)
    assert bad == result.dead_letters > 0
    # Of an order that is bad as a whole, each line is set aside.
    assert len(good) == total * 9 // 10 if name in ("shopify", "daraz") else len(good) + bad == total
    for letter in stored.dead:
        headers = dict(letter.headers())
        assert headers["__connect.errors.topic"].decode() == source.config.topic
        assert headers["__connect.errors.exception.message"]
        assert "mail.example" not in everything(letter)
        assert "0000" not in headers["__connect.errors.exception.message"].decode(), "a phone in a header"
    before = len(stored.dead)
    source.run().check()
    assert len(source.stored().dead) == before, "a bad record that comes again is not set aside again"


def test_dead_letters_open_with_the_key_file_only(make_sandbox: Make, on_kafka: Make) -> None:
    from glue.privacy.keyring import load_keyring
    from glue.privacy.seal import unseal

    sandbox = make_sandbox(*SIZE, fault=["shopify:malformed-records"])
    source = on_kafka("shopify", sandbox)
    source.run().check()
    letter = source.stored().dead[0]
    sealed_with = dict(letter.headers())["millionx.sealed"].decode()
    ring, topic = (
        load_keyring(source.settings.hash_keys_file),
        dict(letter.headers())["__connect.errors.topic"].decode(),
    )
    _, value, _ = unseal(ring, sealed_with, letter.value(), topic)
    assert b"mail.example" in (value or b"") or b"line_items" in (value or b"") or b"title" in (value or b"")
    assert b"line_items" not in letter.value()


@pytest.mark.parametrize("name", ["facebook", "shopify", "daraz"])
def test_late_records_are_found_by_the_overlap(name: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox("--posts", "400", "--orders", "400", fault=[f"{name}:late-records"])
    source = on_kafka(name, sandbox, overlap="25h")
    first = source.run().check()
    assert sandbox.state()["fired"]
    assert len(first.keys[source.config.topic]) > 0
    source.run().check()
    source.run().check()
    wanted(name, sandbox, source)


@pytest.mark.parametrize("shop", ["shopify", "daraz"])
def test_updates_while_paging_are_all_seen(shop: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=[f"{shop}:updates-while-paging"])
    source = on_kafka(shop, sandbox, PAGES[shop])
    source.run().check()
    sandbox.faults()
    source.run().check()
    stored = source.stored()
    assert len(stored.keys) == len(set(stored.keys))
    latest = newest_versions(stored.records)
    assert latest == final_versions(shop, sandbox, on_kafka)


def newest_versions(records: list[tuple[str, dict[str, Any]]]) -> dict[tuple[str, str], int]:
    """(order, line) -> newest update time in milliseconds."""
    found: dict[tuple[str, str], int] = {}
    for _, value in records:
        line = (value["order_id"], value["line_id"])
        found[line] = max(found.get(line, 0), millis(value["updated_at"]))
    return found


def final_versions(shop: str, sandbox: Sandbox, on_kafka: Make) -> dict[tuple[str, str], int]:
    """What the vendor says in the end, read anew by a source of its own."""
    fresh = on_kafka(shop, sandbox)
    fresh.run().check()
    return newest_versions(fresh.stored().records)


def test_facebook_asks_for_less_when_told(make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=["facebook:reduce-data"])
    source = on_kafka("facebook", sandbox, {"page_size": 100})
    source.run().check()
    wanted("facebook", sandbox, source)


def test_facebook_without_posts_is_no_success(make_sandbox: Make, on_kafka: Make) -> None:
    result = on_kafka("facebook", make_sandbox(fault=["facebook:empty-200"])).run()
    assert isinstance(result.error, EmptyListingError)
    assert result.outcome == "failed"


def test_weather_that_repeats_is_no_new_record(make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(fault=["weather:stale-weather"])
    source = on_kafka("weather", sandbox)
    first = set(source.run().check().keys[source.config.topic])
    again = source.run().check()
    assert again.repeated + len(again.keys.get(source.config.topic, [])) == 5
    stored = source.stored().keys
    assert first <= set(stored)
    assert len(stored) == len(set(stored))


def test_extreme_weather_is_flagged(make_sandbox: Make, on_kafka: Make) -> None:
    source = on_kafka("weather", make_sandbox(fault=["weather:extreme-weather"]))
    source.run().check()
    assert [value["is_extreme_weather"] for _, value in source.stored().records] == [True] * 5


def test_shopify_that_shows_sixty_days_is_read_to_its_end(make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox(*SIZE, fault=["shopify:read-60-days"])
    source = on_kafka("shopify", sandbox, PAGES["shopify"])
    source.run().check()
    wanted("shopify", sandbox, source)


def test_no_personal_data_outside_the_tagged_fields(make_sandbox: Make, on_kafka: Make) -> None:
    tagged = {"customer_name", "customer_phone", "customer_email", "note"}
    for shop in ("shopify", "daraz"):
        source = on_kafka(shop, make_sandbox(*SIZE))
        source.run().check()
        for _, value in source.stored().records:
            MarketOrder.model_validate(value)
            rest = everything({name: one for name, one in value.items() if name not in tagged})
            assert "mail.example" not in rest
            assert value["customer_phone"][-11:] not in rest
            assert value["customer_name"] not in rest
