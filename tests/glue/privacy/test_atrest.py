"""Personal data at rest: unreadable without the keys, bound to its place, and gone with its key."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.avro import load_schema
from glue.errors import ConfigError, DataError, UsageError
from glue.privacy import keyfile
from glue.privacy.atrest import AtRest, is_encrypted
from glue.privacy.keyring import Keyring, load_keyring
from glue.privacy.tags import SAFE, tag_of
from glue.settings import project_root

RING = Keyring("k1", {"k1": b"1" * 32, "m1": b"m" * 32}, merchants={"dhaka.example": "m1"})
ORDERS, KEY = "source.market.shopify", "7c0ffee0-0000-5000-8000-000000000001"
SCHEMA = load_schema(project_root() / "schemas" / "market_order.avsc")
ORDER = {
    "merchant_id": "other.example", "order_id": "1", "product_name": "Saree for Rahim", "quantity": 2,
    "shipping_city": None, "customer_name": "Rahim Uddin", "customer_phone": "01712345678", "customer_email": "",
    "note": "ring ☎ ০১৭১২৩৪৫৬৭৮",
}  # fmt: skip
NESTED: dict[str, Any] = {
    "type": "record", "name": "Nested", "fields": [
        {"name": "tags", "type": {"type": "array", "items": "string"}, "confluent:tags": ["PII_TEXT"]},
        {"name": "buyer", "confluent:tags": ["PUBLIC"], "type": ["null", {"type": "record", "name": "Buyer", "fields": [
            {"name": "phone", "type": "string", "confluent:tags": ["PII_ID"]}, {"name": "age", "type": "int"},
        ]}]},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["new", "old"]}},
        {"name": "free", "type": "string"},
    ],
}  # fmt: skip


def _ring(file: Path, **more: Any) -> Path:
    key = base64.b64encode(b"1" * 32).decode()
    file.write_text(json.dumps({"active": "k1", "keys": {"k1": key}, **more}))
    return file


def test_every_personal_text_is_unreadable_and_comes_back() -> None:
    made = AtRest(RING).encrypt(ORDERS, KEY, ORDER, SCHEMA)
    personal = {field["name"] for field in SCHEMA["fields"] if tag_of(field) not in SAFE}
    assert {name for name, one in made.items() if is_encrypted(one)} == {n for n in personal if ORDER.get(n)}
    assert "01712345678" not in str(made) and "Rahim" not in str(made)
    assert AtRest(RING).decrypt(ORDERS, KEY, made, SCHEMA) == ORDER
    assert AtRest(RING).decrypt(ORDERS, KEY, ORDER, SCHEMA) == ORDER  # from before anything was encrypted


def test_a_public_text_without_its_closed_form_is_unreadable_too() -> None:
    value = {**ORDER, "sku": "01712345678", "order_id": "O-17", "category": "call 01712345678", "currency": "BDT"}
    made = AtRest(RING).encrypt(ORDERS, KEY, value, SCHEMA)
    assert "01712345678" not in str(made)
    assert (made["order_id"], made["currency"]) == ("O-17", "BDT")
    assert AtRest(RING).decrypt(ORDERS, KEY, made, SCHEMA) == value


def test_a_schema_without_personal_fields_stays_readable_for_the_sinks_that_read_it() -> None:
    weather = load_schema(project_root() / "schemas" / "weather.avsc")
    assert AtRest(RING).encrypt("context.weather", KEY, {"city": "Dhaka"}, weather) == {"city": "Dhaka"}


def test_lists_and_nested_records_and_texts_without_a_tag() -> None:
    value = {"tags": ["a", "01712345678"], "buyer": {"phone": "01712345678", "age": 3}, "state": "new", "free": "Rahim"}
    made = AtRest(RING).encrypt("t", KEY, value, NESTED)
    assert made["state"] == "new" and made["buyer"]["age"] == 3
    assert all(map(is_encrypted, [*made["tags"], made["buyer"]["phone"], made["free"]]))
    assert AtRest(RING).decrypt("t", KEY, made, NESTED) == value


@given(
    text=st.text(st.characters(exclude_categories=["Cs"])) | st.builds(lambda c: c * 5000, st.characters(codec="utf-8"))
)
def test_any_text_comes_back(text: str) -> None:
    rest = AtRest(RING)
    assert rest.decrypt(ORDERS, KEY, rest.encrypt(ORDERS, KEY, {"note": text}, SCHEMA), SCHEMA) == {"note": text}


def test_equal_values_are_not_equal_at_rest() -> None:
    rest = AtRest(RING)
    assert len({rest.encrypt(ORDERS, KEY, ORDER, SCHEMA)["customer_phone"] for _ in range(9)}) == 9


def test_a_value_opens_only_where_it_was_written() -> None:
    rest = AtRest(RING)
    made = rest.encrypt(ORDERS, KEY, ORDER, SCHEMA)
    moved = {**made, "note": made["customer_phone"]}
    for topic, key, value in ((ORDERS, "other", made), ("source.market.daraz", KEY, made), (ORDERS, KEY, moved)):
        with pytest.raises(DataError, match="another record"):
            rest.decrypt(topic, key, value, SCHEMA)


def test_any_damage_is_refused_and_names_the_field_only() -> None:
    rest = AtRest(RING)
    sound = rest.encrypt(ORDERS, KEY, {"note": "01712345678"}, SCHEMA)["note"]
    refused = 0
    for at in range(len("enc:v1:"), len(sound)):
        damaged = sound[:at] + ("A" if sound[at] != "A" else "B") + sound[at + 1 :]
        for text in (damaged, sound[:at]):
            try:
                opened = rest.decrypt(ORDERS, KEY, {"note": text}, SCHEMA)["note"]
            except DataError as error:
                refused += 1
                assert "note" in error.why and text not in str(error)
            else:  # the last character of base64 has bits that mean nothing
                assert opened == "01712345678"
    assert refused > 2 * len(sound) - 40


def test_what_cannot_be_encrypted_in_its_place_is_refused() -> None:
    for kind in ("long", "bytes", {"type": "map", "values": "string"}, {"type": "string", "logicalType": "uuid"}):
        schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": kind, "confluent:tags": ["PII_ID"]}]}
        with pytest.raises(ConfigError, match="x is tagged PII_ID"):
            AtRest(RING).encrypt("t", KEY, {"x": 1}, schema)


def test_a_field_that_was_renamed_since_opens_under_its_alias() -> None:
    def schema(name: str, **more: Any) -> dict[str, Any]:
        return {"type": "record", "name": "R", "fields": [{"name": name, "type": "string", **more}]}

    made = AtRest(RING).encrypt("t", KEY, {"title": "Saree for Rahim"}, schema("title"))
    now = {"product_name": made["title"]}
    opened = AtRest(RING).decrypt("t", KEY, now, schema("product_name", aliases=["name", "title"]))
    assert opened == {"product_name": "Saree for Rahim"}
    with pytest.raises(DataError, match="another record"):
        AtRest(RING).decrypt("t", KEY, now, schema("product_name", aliases=["name"]))


def test_a_new_key_leaves_the_old_values_readable(tmp_path: Path) -> None:
    file = _ring(tmp_path / "keys.json")
    old = AtRest(load_keyring(file)).encrypt(ORDERS, KEY, ORDER, SCHEMA)
    keyfile.activate(file, keyfile.add_key(file))
    ring = load_keyring(file)
    new = AtRest(ring).encrypt(ORDERS, KEY, ORDER, SCHEMA)
    assert old["note"].startswith("enc:v1:k1:") and new["note"].startswith("enc:v1:k2:")
    assert AtRest(ring).decrypt(ORDERS, KEY, old, SCHEMA) == AtRest(ring).decrypt(ORDERS, KEY, new, SCHEMA) == ORDER


def test_a_merchants_data_goes_with_its_key(tmp_path: Path) -> None:
    file = _ring(tmp_path / "keys.json")
    own = keyfile.add_merchant(file, "dhaka.example")
    theirs = {**ORDER, "merchant_id": "dhaka.example"}
    before = load_keyring(file)
    made, others = (AtRest(before).encrypt(ORDERS, KEY, one, SCHEMA) for one in (theirs, ORDER))
    assert made["note"].startswith(f"enc:v1:{own}:") and others["note"].startswith("enc:v1:k1:")
    assert keyfile.destroy_merchant(file, "dhaka.example") == own
    assert keyfile.destroy_merchant(file, "dhaka.example") == own  # again
    assert keyfile.destroy_merchant(file, "other.example") is None
    after = AtRest(load_keyring(file))
    with pytest.raises(DataError, match="does not hold"):
        after.decrypt(ORDERS, KEY, made, SCHEMA)
    with pytest.raises(DataError, match="destroyed"):
        after.encrypt(ORDERS, KEY, theirs, SCHEMA)
    with pytest.raises(DataError, match="destroyed"):
        load_keyring(file).pseudonym(b"phone:1712345678", merchant="dhaka.example")
    with pytest.raises(UsageError, match="destroyed"):
        keyfile.add_merchant(file, "dhaka.example")
    assert keyfile.add_merchant(file, "new.example") != own
    assert after.decrypt(ORDERS, KEY, others, SCHEMA) == ORDER


def test_a_pseudonym_survives_a_rotation(tmp_path: Path) -> None:
    file, person = _ring(tmp_path / "keys.json"), b"phone:1712345678"
    first = load_keyring(file).pseudonym(person)
    keyfile.activate(file, keyfile.add_key(file))
    assert load_keyring(file).pseudonym(person) == first
    keyfile.activate(file, keyfile.add_key(file), pseudonyms=True)
    keyfile.activate(file, "k2", pseudonyms=True)
    ring = load_keyring(file)
    assert ring.chain == ("k1", "k3", "k2")
    now = ring.pseudonym(person)
    assert now.startswith("k2:") and now != first
    assert ring.present(first) == ring.present(ring.pseudonym(person, "k3")) == ring.present(now) == now
    assert ring.pseudonym(person, "k1") == first
    assert ring.fingerprint_key == Keyring("k1", ring.keys).fingerprint_key
    with pytest.raises(UsageError, match="before"):
        keyfile.activate(file, "k3", pseudonyms=True)


def test_a_merchants_customers_have_pseudonyms_of_its_own() -> None:
    person = b"phone:1712345678"
    assert RING.pseudonym(person, merchant="dhaka.example").startswith("m1:")
    assert RING.pseudonym(person, merchant="other.example") == RING.pseudonym(person)


@pytest.mark.parametrize(
    "more, why",
    [
        ({"pseudonyms": ["k9"]}, "k9"),
        ({"merchants": {"a": "k1"}}, "another use"),
        ({"merchants": []}, "malformed"),
    ],
)
def test_a_key_file_that_does_not_fit_is_refused(tmp_path: Path, more: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load_keyring(_ring(tmp_path / "keys.json", **more))


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ('"k1": "' + "MTEx" * 12 + '"', 0o666, "anybody may write"),
        ('"k1": "' + "AAAA" * 12 + '"', 0o600, "zeros"),
        ('"k1": "' + "MTEx" * 12 + '", "k1": "' + "MTIz" * 12 + '"', 0o600, "malformed"),
    ],
    ids=["of anybody", "zeros", "twice"],
)
def test_a_key_file_that_protects_nobody_is_refused(tmp_path: Path, text: str, mode: int, why: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text('{"active": "k1", "keys": {' + text + "}}", encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=why):
        load_keyring(file)


def test_a_key_file_that_cannot_be_written_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _ring(tmp_path / "keys.json")
    before = file.read_text()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("glue.privacy.keyfile.os.fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        keyfile.add_key(file)
    assert file.read_text() == before and [one.name for one in tmp_path.iterdir()] == ["keys.json"]


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = _ring(tmp_path / "keys.json")
    keyfile.add_key(file)
    assert file.stat().st_mode & 0o077 == 0
