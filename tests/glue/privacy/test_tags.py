from __future__ import annotations

import copy
import random
from decimal import Decimal
from typing import Any

import pytest

from glue.avro import load_schema
from glue.errors import DataError
from glue.privacy import scrub
from glue.privacy.scrub import Scrubber
from glue.privacy.tags import personal_fields, tag_of
from glue.settings import project_root


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields)}


@pytest.mark.parametrize(
    ("avro_type", "expected"),
    [
        ("string", "PII_TEXT"),
        (["null", "string"], "PII_TEXT"),
        ("bytes", "PII_TEXT"),
        ({"type": "array", "items": "string"}, "PII_TEXT"),
        ({"type": "map", "values": "long"}, "PII_TEXT"),
        ("bd.millionx.Named", "PII_TEXT"),
        ("long", "PUBLIC"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "PUBLIC"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "PUBLIC"),
        ({"type": "array", "items": "float"}, "PUBLIC"),
    ],
)
def test_a_field_without_a_tag_is_personal_when_text_may_lie_in_it(avro_type: Any, expected: str) -> None:
    assert tag_of({"name": "f", "type": avro_type}) == expected


def test_the_strictest_tag_holds_and_an_unknown_one_is_personal() -> None:
    assert tag_of({"name": "f", "type": "string", "confluent:tags": ["PUBLIC", "PII_ID"]}) == "PII_ID"
    assert tag_of({"name": "f", "type": "string", "confluent:tags": ["HARMLESS"]}) == "PII_TEXT"


def test_personal_fields_are_found_inside_records_and_lists() -> None:
    inner = record({"name": "a", "type": "string"}, {"name": "b", "type": "string", "confluent:tags": ["PUBLIC"]})
    outer = record(
        {"name": "safe", "type": "long"},
        {"name": "one", "type": ["null", inner]},
        {"name": "many", "type": {"type": "array", "items": inner}},
        {"name": "open", "type": inner, "confluent:tags": ["PUBLIC"]},
    )
    assert personal_fields(outer) == ["one.a", "many.a"]


def test_an_unknown_schema_is_personal() -> None:
    assert personal_fields(None) == ["*"]


PERSON = {
    "type": "record",
    "name": "Person",
    "namespace": "bd.millionx",
    "fields": [
        {"name": "phone", "type": "string", "confluent:tags": ["PII_ID"]},
        {"name": "city", "type": "string", "confluent:tags": ["PUBLIC"]},
    ],
}


def test_named_types_maps_and_unions_are_followed() -> None:
    outer = record(
        {"name": "buyer", "type": PERSON, "confluent:tags": ["PUBLIC"]},
        {"name": "receiver", "type": "bd.millionx.Person", "confluent:tags": ["PUBLIC"]},
        {"name": "by_role", "type": {"type": "map", "values": "bd.millionx.Person"}},
        {"name": "either", "type": ["null", "string", "bd.millionx.Person"]},
        {"name": "wrapped", "type": {"type": "bd.millionx.Person"}, "confluent:tags": ["PUBLIC"]},
    )
    assert personal_fields(outer) == [
        "buyer.phone", "receiver.phone", "by_role.phone", "by_role", "either.phone", "either", "wrapped.phone",
    ]  # fmt: skip


def test_the_scrubber_follows_them_too() -> None:
    note = {"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}]}
    other = {"type": "record", "name": "Other", "fields": [{"name": "body", "type": "string"}]}
    schema = record(
        {"name": "first", "type": note},
        {"name": "second", "type": "Note"},
        {"name": "many", "type": {"type": "map", "values": "Note"}},
        {"name": "either", "type": ["null", "Note", other]},
    )
    call = "call 01712345678"
    value = {
        "first": {"text": call}, "second": {"text": call}, "many": {call: {"text": call}}, "either": {"body": call},
    }  # fmt: skip
    Scrubber().value(value, schema)
    assert "345678" not in repr(value)
    assert repr(value).count("[PHONE]") == 5


def test_a_type_that_holds_itself_is_refused() -> None:
    fields = [{"name": "text", "type": "string"}, {"name": "next", "type": ["null", "Node"]}]
    schema = record({"name": "node", "type": {"type": "record", "name": "Node", "fields": fields}})
    Scrubber().value({"node": {"text": "x", "next": None}}, schema)
    with pytest.raises(DataError, match="holds itself"):
        Scrubber().value({"node": {"text": "x", "next": {"text": "y", "next": None}}}, schema)


@pytest.mark.parametrize(
    ("sku", "left"),
    [
        ("8801382123453", "8801382123453"),  # an EAN of Korea: begins as a mobile, with a right check digit
        ("8801382123455", "[PHONE]"),
        ("+8801382123453", "[PHONE]"),
        ("880 1382123453", "[PHONE]"),
        ("01382123453", "[PHONE]"),
        ("8801043150132", "8801043150132"),
    ],
)
def test_a_trade_number_in_a_sku_is_no_phone(sku: str, left: str) -> None:
    for file in ("market_order.avsc", "order_row.avsc", "price_observation.avsc", "market_listing.avsc"):
        value = {"sku": sku}
        Scrubber(again=True).value(value, load_schema(project_root() / "schemas" / file))
        assert value["sku"] == left


_IDS = [
    (file, name)
    for file, names in {
        "order_row.avsc": ("order_id", "line_id", "product_id", "sku"),
        "market_order.avsc": ("order_id", "sku"),
        "price_observation.avsc": ("order_id", "variant_id", "sku"),
        "market_listing.avsc": ("seller_id", "product_id"),
        "market_product.avsc": ("product_id",),
        "social_post.avsc": ("post_id",),
        "vector_post.avsc": ("post_id",),
    }.items()
    for name in names
]


@pytest.mark.parametrize(("file", "name"), _IDS)
def test_a_vendors_id_that_names_somebody_is_scrubbed_and_any_other_stays(file: str, name: str) -> None:
    def left(text: str) -> str:
        value = {name: text}
        Scrubber(again=True).value(value, load_schema(project_root() / "schemas" / file))
        return value[name]

    for text, inside in (
        ("CUSTOM-01712345678", "01712345678"), ("01712345678-0", "01712345678"), ("x01712345678", "01712345678"),
        ("SKU8801712345678A", "01712345678"), ("0171-2345678_2", "2345678"), ("017.123.456.78", "456"),
        ("০১৭১২৩৪৫৬৭৮", "০১৭"), ("0(1712)345678", "345678"), ("01712345678,01812345678", "345678"),
        ("facebook.com/rahim.uddin", "rahim"), ("wa.me/8801712345678", "1712345678"), ("Rahim Uddin", "Rahim"),
        ("rahim(at)gmail.com", "rahim"), ("NID:1990123456789", "1990123456789"), ("House-7,Road-3", "Road-3"),
    ):  # fmt: skip
        assert inside not in left(text), text
    for text in (
        "1712345678", "7301234567890123456", "354001174_BD-1712345678", "122093_1712345678", "#1001", "MX-1001",
        "gid-0171234567890123456", "INV 1001/26", "4111111111111111", "panjabi-40.white+red", "01712-345",
    ):  # fmt: skip
        assert left(text) == text


def _made(chance: random.Random) -> dict[str, Any]:
    def text() -> str:
        return chance.choice(("winter", "0", "1", "7", "call 01712345678", "রহিম ভাই", "k1", f"t{chance.randrange(9)}"))

    return {
        "free": chance.choice((None, text(), text() * 9)),
        "closed": chance.choice((text(), "ab1", "ab2", f"ab{chance.randrange(2000)}")),
        "kind": chance.choice(("tiktok", text())),
        "list": chance.choice(([], [text(), text()], text())),  # the last is no list: whoever sent it has erred
        "union": chance.choice(([text()], text())),
        "map": {text(): [0.5] for _ in range(2)},
        "texts": {text(): text()},
        "raw": {text(): chance.choice((b"raw", Decimal(1)))},
    }


def test_what_is_remembered_to_hold_nothing_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """One scrubber over many values, compiled, answers each as one that has seen nothing before and is not."""
    monkeypatch.setattr("glue.privacy.scrub._CLOSED", 5)
    monkeypatch.setattr("glue.privacy.scrub._REMEMBERED", 12)
    texts = {"type": "array", "items": "string"}
    money = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    schema = record(
        {"name": "free", "type": ["null", "string"]},
        {"name": "closed", "type": "string", "confluent:tags": ["PUBLIC"], "closed": "^ab[0-9]+$"},
        {"name": "kind", "type": "string", "confluent:tags": ["PUBLIC"], "constraints": {"enum": ["tiktok"]}},
        {"name": "list", "type": texts},
        {"name": "union", "type": [texts, "string"]},
        {"name": "map", "type": {"type": "map", "values": {"type": "array", "items": "float"}}},
        {"name": "texts", "type": {"type": "map", "values": "string"}},
        {"name": "raw", "type": {"type": "map", "values": money}},
    )
    chance, scrubber, replaced = random.Random(9), Scrubber(again=True), 0
    for _ in range(3000):
        value = _made(chance)
        expected = copy.deepcopy(value)
        fresh = Scrubber(again=True)
        with monkeypatch.context() as plain:
            plain.setattr(scrub, "visit_fields", scrub._visit_fields)
            fresh.value(expected, schema)
        scrubber.found.clear()
        scrubber.value(value, schema)
        assert value == expected and scrubber.found == fresh.found
        replaced += bool(fresh.found)
    assert 1000 < replaced < 3000
