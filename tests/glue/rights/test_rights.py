"""Whom a request is about, what is about them, and who is refused once they are forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from glue.avro import load_schema
from glue.errors import UsageError
from glue.privacy.atrest import AtRest
from glue.privacy.identity import pseudonym
from glue.privacy.keyring import Keyring
from glue.rights.forgotten import Forgotten
from glue.rights.match import Matcher, earliest
from glue.rights.person import Person, from_payload, person

SCHEMAS = Path(__file__).parents[3] / "schemas"
ORDER, POST = load_schema(SCHEMAS / "market_order.avsc"), load_schema(SCHEMAS / "social_post.avsc")
ROW, ENRICHED = load_schema(SCHEMAS / "order_row.avsc"), load_schema(SCHEMAS / "enriched_post.avsc")
OLD, NEW = Keyring("k1", {"k1": b"1" * 32}), Keyring("k2", {"k1": b"1" * 32, "k2": b"2" * 32}, ("k1", "k2"))
DAY = datetime(2026, 3, 1, tzinfo=UTC)
AT = int(DAY.timestamp() * 1000)
RAHIM = person(["01712-345678"], ["Rahim.Uddin@gmail.com"], ["@rahim_bd"])


def order(**fields: Any) -> dict[str, Any]:
    before = datetime(2026, 2, 1, tzinfo=UTC)
    return {
        "merchant_id": "a.example", "order_id": "7", "product_name": "Saree", "shipping_city": "Dhaka",
        "customer_phone": None, "customer_email": None, "customer_name": None, "note": None,
        "ordered_at": before, "updated_at": before, "collected_at": before, **fields,
    }  # fmt: skip


def forgotten(who: Person, ring: Keyring = OLD, at: int = AT) -> Forgotten:
    """The list as a later keyring reads it."""
    known = Forgotten(NEW)
    for signed in who.signed(ring).values():
        for one in signed:
            known.take(one + (f"@{who.shop}" if who.shop else ""), json.dumps({"at": at}).encode())
    return known


@pytest.mark.parametrize("given", [{"phones": ["66******78"]}, {"mails": ["N/A"]}, {"phones": ["a@b.com"]}])
def test_what_names_nobody_is_refused_and_not_repeated(given: dict[str, list[str]]) -> None:
    with pytest.raises(UsageError) as error:
        person(**given)
    assert not any(text in str(error.value) for texts in given.values() for text in texts)


def test_every_pseudonym_under_every_key_is_looked_for() -> None:
    found = RAHIM.pseudonyms(NEW)
    assert {pseudonym(NEW, "01712345678", key) for key in NEW.keys} <= set(found)
    assert NEW.pseudonym(b"phone:1712345678") in found, "what the chain of both keys makes"
    assert OLD.sign(b"phone:1712345678") in found


def test_a_payload_is_about_its_shop_only() -> None:
    body = {
        "shop_domain": "a.example",
        "customer": {"id": 1, "email": "rahim.uddin@gmail.com", "phone": "N/A"},
        "orders_to_redact": [7, "gid://shopify/Order/8"],
    }
    who = from_payload(body)
    assert who == Person(frozenset({"mail:rahimuddin@gmail.com", "order:7", "order:8"}), "a.example")
    match = Matcher(who, OLD)
    assert match.in_value(order(), ORDER)
    assert match.in_value(order(order_id="9", customer_email="rahimuddin@gmail.com"), ORDER)
    assert not match.in_value(order(merchant_id="b.example"), ORDER), "another controller's"
    assert from_payload({"shop_domain": "a.example"}).of("shop") == ["a.example"]
    with pytest.raises(UsageError):
        from_payload({"customer": {}})


@pytest.mark.parametrize(
    "value",
    [
        {"customer_phone": "+৮৮০১৭১২৩৪৫৬৭৮"},
        {"customer_email": "RahimUddin+shop@googlemail.com"},
        {"note": "call 0171-2345 678 first"},
        {"product_name": "for rahim.uddin@gmail.com"},
        {"shipping_city": "House 7, 01712/345678"},
    ],
)
def test_an_order_of_theirs_is_found_however_written(value: dict[str, str]) -> None:
    assert Matcher(RAHIM, OLD).in_value(order(**value), ORDER)


@pytest.mark.parametrize(
    "value",
    [
        {"customer_phone": "01712345679"},
        {"note": "tracking 901712345678123"},
        {"product_name": "rahim_bd"},  # a product of that name is no person
        {"customer_email": "uddin@gmail.com"},
    ],
)
def test_what_is_another_s_is_left(value: dict[str, str]) -> None:
    assert not Matcher(RAHIM, OLD).in_value(order(**value), ORDER)


def test_mentions_and_pseudonyms_are_found_and_of_another_s_record_only_the_mention_is_theirs() -> None:
    match = Matcher(RAHIM, OLD)
    mention = {"content": "ask @Rahim_BD", "author_username": "@karim", "url": "https://x.example/@karim/1"}
    assert match.in_value(mention, POST)
    assert match.part_of(mention, POST) == {"content": "ask @Rahim_BD"}
    own = {"content": "nice shoes", "author_username": "Rahim_BD"}
    assert match.part_of(own, POST) == own
    row = {"order_id": "7", "customer_phone_hash": pseudonym(OLD, "01712345678")}
    assert match.in_value(row, ROW) and not match.in_value({**row, "customer_phone_hash": None}, ROW)


def test_native_json_of_a_letter_is_looked_through() -> None:
    match = Matcher(person(orders=["7"], handles=["rahim_bd"]), OLD)
    assert match.in_native({"id": 7, "line_items": []})
    assert match.in_native({"a": [{"author": {"uniqueId": "Rahim_BD"}}]})
    assert not match.in_native({"id": 8, "title": "rahim_bd"})


def test_the_forgotten_are_refused_up_to_their_day_and_their_new_orders_pass() -> None:
    known = forgotten(RAHIM)
    later = datetime(2026, 3, 2, tzinfo=UTC)
    assert known.refuses("raw", "k", order(customer_phone="01712345678"), ORDER)
    late = order(customer_phone="01712345678", updated_at=later, collected_at=later)
    assert known.refuses("raw", "k", late, ORDER), "a later state of an old order"
    new = order(customer_phone="01712345678", ordered_at=later, updated_at=later, collected_at=later)
    assert not known.refuses("raw", "k", new, ORDER), "a new order is new data"
    assert not known.refuses("raw", "k", order(customer_phone="01812345678"), ORDER)
    hashed = {"author_username_hash": pseudonym(OLD, "rahim_bd"), "timestamp": "2026-02-01T10:00:00.000Z"}
    assert known.refuses("raw", "k", hashed, ENRICHED), "one that is on its way already"
    assert not known.refuses("raw", "k", {**hashed, "timestamp": "2026-03-02T10:00:00.000Z"}, ENRICHED)


def test_an_erasure_for_a_shop_does_not_reach_another_shop() -> None:
    known = forgotten(Person(RAHIM.identities, "a.example"))
    assert known.refuses("raw", "k", order(customer_phone="01712345678"), ORDER)
    assert not known.refuses("raw", "k", order(customer_phone="01712345678", merchant_id="b.example"), ORDER)


def test_erased_records_orders_and_shops_are_refused_by_their_keys_alone() -> None:
    known = forgotten(person(orders=["7"]))
    assert known.refuses("raw", None, order(), ORDER) and not known.refuses("raw", None, order(order_id="8"), ORDER)
    known.take("record:" + OLD.sign(b"record:abc"), b'{"at": 1}')
    assert known.has_record("abc") and known.refuses("raw", "abc", None, None) and not known.has_record("abd")
    assert forgotten(from_payload({"shop_domain": "a.example"})).refuses("raw", None, order(order_id="9"), ORDER)


def test_an_encrypted_record_of_somebody_forgotten_is_refused_and_one_that_does_not_open_is_not_judged() -> None:
    record = AtRest(OLD).encrypt("raw", "k", order(customer_phone="01712345678"), ORDER)
    assert "1712345678" not in str(record)
    assert forgotten(RAHIM).refuses("raw", "k", record, ORDER)
    assert not forgotten(RAHIM).refuses("other", "k", record, ORDER)


def test_what_a_chain_has_made_is_refused_by_its_pseudonyms_also_under_a_key_that_came_later() -> None:
    known = forgotten(RAHIM, OLD)
    for ring in (OLD, NEW):
        row = {"customer_phone_hash": pseudonym(ring, "01712345678"), "ordered_at": datetime(2026, 2, 1, tzinfo=UTC)}
        assert known.refuses_made("k", row)
        assert not known.refuses_made("k", row | {"ordered_at": datetime(2026, 3, 2, tzinfo=UTC)})
    assert not known.refuses_made("k", {"customer_phone_hash": pseudonym(NEW, "01812345678")})
    assert not known.refuses_made("k", None)
    assert forgotten(person(orders=["7"])).refuses_made("k", {"order_id": "7"})


def test_an_empty_list_asks_nothing_of_a_record() -> None:
    assert not Forgotten(NEW).refuses("raw", "k", {"no": object()}, None)


def test_the_earliest_time_counts_and_a_record_without_one_is_not_new() -> None:
    assert earliest({"a": DAY, "b": "2026-02-01T10:00:00.000Z"}) == 1769940000000
    assert earliest({"a": "2026-02-01", "b": 3}) is None
    assert forgotten(RAHIM).refuses("raw", "k", {"customer_phone": "01712345678"}, ORDER)
