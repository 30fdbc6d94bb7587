"""What public shops and Daraz' pages show, against the sandbox, without Kafka."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import BlockedError, ChangedError, EmptyListingError, ThrottledError
from connectors.models_market import MarketListing
from connectors.shopify_listings import ShopifyListings
from glue.errors import DataError, ServiceError
from tests.connectors.conftest import Offline, Sandbox

Make = Callable[..., Any]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = {"id": "shop.example", "name": "A Shop", "currency": "BDT", "url": "https://shop.example"}
browser = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    and not any(Path.home().glob(".cache/ms-playwright/chromium*")),
    reason="no Chromium on this machine",
)


def shown(**more: Any) -> MarketListing:
    """A listing of a shop's product with one variant, of which ``more`` is known."""
    variant = {"id": 11, "title": "Default Title", "sku": "S-1", "price": "1,250.00", "available": True, **more}
    product = {"id": 1, "title": "Saree", "handle": "saree", "vendor": "Brand", "variants": [variant]}
    (fields,) = ShopifyListings.parse(parser(), {"product": product, "shop": SHOP}, NOON)
    return MarketListing.model_validate(fields)


def parser() -> ShopifyListings:
    made = ShopifyListings.__new__(ShopifyListings)
    made._began = {}
    return made


def test_each_variant_is_a_record_and_a_variant_of_one_has_no_name_of_its_own() -> None:
    variants = [{"id": 11, "title": "Red / M", "price": "10"}, {"id": 12, "title": "Blue / L", "price": 12.5}]
    raw = {"product": {"id": 1, "title": "Saree", "variants": variants}, "shop": SHOP}
    first, second = (MarketListing.model_validate(one) for one in ShopifyListings.parse(parser(), raw, NOON))
    assert (first.product_name, second.product_name) == ("Saree - Red / M", "Saree - Blue / L")
    assert (first.sale_price, second.sale_price) == (Decimal(10), Decimal("12.5"))
    assert first.key != second.key and first.subject != second.subject
    assert first.in_stock is None and first.stock is None, "what is not said is not known"
    assert shown().product_name == "Saree"


@pytest.mark.parametrize(
    ("before", "want"),
    [("2500.00", Decimal(2500)), (None, None), ("", None), ("0.00", None), ("1250.00", None), ("900", None)],
)
def test_a_price_before_counts_only_where_it_is_above_the_price_now(before: Any, want: Any) -> None:
    assert shown(compare_at_price=before).list_price == want


@pytest.mark.parametrize(
    ("change", "field"),
    [({"price": "ask us"}, "sale_price"), ({"price": "0.00"}, "sale_price"), ({"price": None}, "sale_price"),
     ({"compare_at_price": "was 5"}, "list_price"), ({"available": "maybe"}, "in_stock")],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        shown(**change)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


def test_a_product_without_variants_is_refused() -> None:
    with pytest.raises(DataError, match="variants: is empty"):
        list(ShopifyListings.parse(parser(), {"product": {"id": 1, "title": "t", "variants": []}, "shop": SHOP}, NOON))


@pytest.fixture
def shops(make_sandbox: Make, local_config: Make, offline: Make) -> Make:
    """A sandbox with faults, and the source that reads these shops of it."""

    def make(*names: str, fault: list[str] | None = None, **options: Any) -> tuple[Sandbox, Offline]:
        sandbox = make_sandbox("--posts", "0", "--orders", "0", fault=fault)
        one = [{"url": f"{sandbox.address}/shopify-listings/{name}", "seller_id": name} for name in names or ["open"]]
        return sandbox, offline(local_config("shopify-listings", sandbox, {"shops": one, **options}))

    return make


def read(source: Offline, cursor: dict[str, Any] | None = None) -> list[MarketListing]:
    return [MarketListing.model_validate(fields) for fields in source.read(cursor=cursor)]


def test_a_shop_is_read_whole_in_the_currency_that_it_names(shops: Make) -> None:
    _, source = shops(page_size=7)
    found = read(source)
    assert len({one.product_id for one in found}) == 60
    assert len({one.key for one in found}) == len(found) > 100
    assert {(one.seller_id, one.seller_name, one.currency) for one in found} == {("open", "Open Shop", "BDT")}
    assert len({one.observed_at for one in found}) == 1, "one reading has one time"
    assert {one.in_stock for one in found} == {True, False}
    assert any(one.list_price for one in found) and not all(one.list_price for one in found)


def test_what_did_not_change_is_not_sent_again_and_a_new_price_is(shops: Make) -> None:
    sandbox, source = shops(page_size=25)
    before = read(source)
    cursor = source.cursors[-1]
    assert read(source, cursor) == []
    assert source.cursors[-1] == cursor
    sandbox.faults("shopify-listings:new-prices")
    dearer = read(source, cursor)
    sandbox.faults()
    again = read(source, source.cursors[-1])
    assert len(before) == len(dearer) == len(again)
    assert before[0].sale_price < dearer[0].sale_price and before[0].sale_price == again[0].sale_price
    assert len({before[0].key, dearer[0].key, again[0].key}) == 3, "up and back again are three observations"


def test_a_shop_that_was_left_half_read_is_read_whole_the_next_time(shops: Make) -> None:
    _, source = shops(page_size=25)
    pages = source.source.pages(None, {})
    assert next(pages).cursor is None
    pages.close()
    assert len({one.product_id for one in read(source, {})}) == 60


def test_a_closed_or_missing_shop_is_named_and_the_others_are_read(shops: Make) -> None:
    for name, words in (("closed", "password"), ("nowhere", "404")):
        _, source = shops(name, "open")
        found = []
        with pytest.raises(ServiceError) as caught:
            for page in source.source.pages(None, {}):
                found += page.records
        assert words in caught.value.why and name in caught.value.what
        assert len(found) == 60


def test_a_shop_that_takes_us_for_a_robot_ends_the_run(shops: Make) -> None:
    _, source = shops(fault=["shopify-listings:block-page"])
    with pytest.raises(BlockedError, match="robot"):
        read(source)


def test_a_shop_behind_a_login_wall_is_named(shops: Make) -> None:
    _, source = shops(fault=["shopify-listings:login-wall"])
    with pytest.raises(EmptyListingError, match="password"):
        read(source)


def test_a_shop_that_asks_to_wait_is_waited_for(shops: Make) -> None:
    _, source = shops(fault=["shopify-listings:throttle@2x"])
    assert read(source)
    assert source.stats.attempts["throttled"] == 2
    _, source = shops(fault=["shopify-listings:throttle"])
    with pytest.raises(ThrottledError):
        read(source)


def test_robots_txt_is_obeyed_by_shops_too(shops: Make) -> None:
    sandbox, source = shops()
    forbidden = source.source.options.shops[0].model_copy(update={"url": f"{sandbox.address}/private"})
    source.source.options = source.source.options.model_copy(update={"shops": [forbidden]})
    with pytest.raises(ServiceError, match="robots"):
        read(source)


def test_a_currency_that_nobody_names_is_not_assumed(shops: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    _, source = shops()
    real = source.source.context.http.send

    def silent(what: str, url: str, *given: Any, **more: Any) -> Any:
        return real(what, url.replace("/open/meta.json", "/nowhere/meta.json"), *given, **more)

    monkeypatch.setattr(source.source.context.http, "send", silent)
    with pytest.raises(ServiceError, match="currency"):
        read(source)
    shop = source.source.options.shops[0].model_copy(update={"currency": "USD"})
    source.source.options = source.source.options.model_copy(update={"shops": [shop]})
    assert {one.currency for one in read(source)} == {"USD"}


# --- Daraz ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def daraz(make_sandbox: Make, local_config: Make, offline: Make) -> Make:
    """A sandbox with faults, and the source that reads one search of it."""

    def make(*fault: str, **options: Any) -> tuple[Sandbox, Offline]:
        sandbox = make_sandbox("--posts", "0", "--orders", "0", fault=[f"daraz-listings:{one}" for one in fault])
        quick = {"keywords": ["saree"], "browser": {"page_timeout": 5, "sessions": 2}}
        return sandbox, offline(local_config("daraz-listings", sandbox, quick | options))

    return make


@browser
@pytest.mark.browser
def test_a_search_is_read_from_the_pages_data_with_places_sellers_and_counts(daraz: Make) -> None:
    _, source = daraz()
    found = read(source)
    assert [one.position for one in found] == [1, 2, 3, 4, 5, 6]
    first, second = found[:2]
    assert (first.product_id, first.variant_id, first.seller_id) == ("300000", "1500000", "900000")
    assert (first.seller_name, first.keyword, first.found_by) == ("Gadget Bazar", "saree", "search")
    assert first.list_price == first.sale_price * 2 and second.list_price is None
    assert (first.rating, first.review_count, first.sold_count) == (None, 0, 12), "nobody has rated it"
    assert (second.rating, second.review_count, second.sold_count) == (3.1, 7, 2100), "(৭), 2.1K sold"
    assert (first.in_stock, second.in_stock) == (False, True)


@browser
@pytest.mark.browser
def test_each_reading_of_a_search_is_an_observation(daraz: Make) -> None:
    sandbox, source = daraz()
    before = read(source)
    sandbox.faults("daraz-listings:new-prices")
    dearer = read(source)
    assert [one.subject for one in before] == [one.subject for one in dearer]
    assert all(one.sale_price < two.sale_price and one.key != two.key for one, two in zip(before, dearer, strict=True))


@browser
@pytest.mark.browser
def test_without_data_the_markup_is_read_and_what_it_does_not_say_is_unknown(daraz: Make) -> None:
    _, from_data = daraz()
    same = ("product_id", "variant_id", "product_name", "sale_price", "list_price", "review_count", "position")
    want = [[getattr(one, name) for name in same] for one in read(from_data)]
    from_data.source.close()
    _, from_markup = daraz("old-selectors")
    found = read(from_markup)
    assert [[getattr(one, name) for name in same] for one in found] == want
    assert {one.seller_id for one in found} == {"unknown"}
    assert {one.in_stock for one in found} == {None}


@browser
@pytest.mark.browser
def test_a_watched_product_has_all_its_variants_and_one_that_is_gone_is_named(daraz: Make) -> None:
    _, source = daraz(keywords=[], watched=["300001", "1"])
    found: list[MarketListing] = []
    with pytest.raises(EmptyListingError) as caught:
        for page in source.source.pages(None, {}):
            for raw in page.records:
                found += map(MarketListing.model_validate, source.source.parse(raw, datetime.now(UTC)))
    assert caught.value.what == "Daraz product 1"
    assert {(one.variant_id, one.stock, one.in_stock) for one in found} == {("1500001", 12, True), ("2000001", 3, True)}
    assert {one.found_by for one in found} == {"watched"} and {one.position for one in found} == {None}
    assert {(one.seller_name, one.rating, one.review_count) for one in found} == {("Sharee House", 3.1, 21)}


@browser
@pytest.mark.browser
@pytest.mark.parametrize(
    ("fault", "kind"),
    [("block-page", BlockedError), ("login-wall", BlockedError), ("empty-200", BlockedError),
     ("changed-selectors", ChangedError)],
)  # fmt: skip
def test_a_page_that_is_none_is_told_by_name(fault: str, kind: type[Exception], daraz: Make) -> None:
    _, source = daraz(fault)
    with pytest.raises(kind):
        read(source)


@browser
@pytest.mark.browser
def test_a_search_without_results_is_an_honest_nothing_of_daraz(daraz: Make) -> None:
    _, source = daraz(keywords=["nobody sells this"])
    assert read(source) == []


@browser
@pytest.mark.browser
def test_what_a_card_says_wrongly_is_refused_by_its_field(daraz: Make) -> None:
    _, source = daraz("malformed-records", keywords=["e"])
    refused = set()
    good = 0
    for page in source.source.pages(None, {}):
        for raw in page.records:
            try:
                for fields in source.source.parse(raw, datetime.now(UTC)):
                    MarketListing.model_validate(fields)
                    good += 1
            except ValidationError as error:
                refused |= {str(one["loc"][0]) for one in error.errors()}
            except DataError as error:
                refused.add(error.why.partition(":")[0])
    assert refused == {"sale_price", "product_name", "link", "rating"}
    assert good > 30
