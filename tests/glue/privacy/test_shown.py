"""What the page may show, and what it must not."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from glue.avro import load_schema
from glue.privacy.atrest import AtRest
from glue.privacy.keyring import Keyring
from glue.privacy.shown import HIDDEN, cause, clean, visible_key, visible_value
from glue.settings import Settings

ORDER: dict[str, Any] = {
    "order_id": "O-1",
    "product_name": "Saree, call 01711222333",
    "quantity": 2,
    "customer_name": "Karim Uddin",
    "customer_phone": "+880 1712-345678",
    "customer_email": "karim@example.com",
    "note": "leave with guard Jamal",
}


def test_a_raw_order_shows_the_goods_and_not_the_customer() -> None:
    schema = load_schema(Settings().schemas_dir / "market_order.avsc")
    shown = visible_value(dict(ORDER), schema)
    assert shown["order_id"] == "O-1" and shown["quantity"] == 2
    assert shown["product_name"] == "Saree, call [PHONE]"
    assert {shown[name] for name in ("customer_name", "customer_phone", "customer_email", "note")} == {HIDDEN}
    assert not any(part in json.dumps(shown) for part in ("Karim", "345678", "Jamal", "01711"))


def test_what_is_encrypted_at_rest_is_hidden() -> None:
    schema = load_schema(Settings().schemas_dir / "market_order.avsc")
    made = AtRest(Keyring("k1", {"k1": b"1" * 32})).encrypt("t", "k", ORDER, schema)
    assert visible_value(made, schema)["product_name"] == HIDDEN


def test_a_field_that_nobody_tagged_counts_as_personal_text() -> None:
    schema = {"type": "record", "name": "New", "fields": [{"name": "remark", "type": ["null", "string"]}]}
    assert visible_value({"remark": "to me@example.com"}, schema) == {"remark": "to [EMAIL]"}


def test_a_vector_is_named_by_its_size() -> None:
    schema = load_schema(Settings().schemas_dir / "vector_post.avsc")
    shown = visible_value({"content": "winter shoes " * 100, "vector": [0.5] * 384}, schema)
    assert "384 numbers" in shown["vector"] and len(shown["content"]) < 420


def test_only_keys_that_say_nothing_are_shown() -> None:
    key = str(uuid4())
    assert visible_key(key.encode()) == key
    assert visible_key(b"+8801712345678") == HIDDEN
    assert visible_key(b"\xff\x00") == HIDDEN
    assert visible_key(None) is None


def test_texts_lose_secrets_and_persons() -> None:
    text = clean("login failed: password=hunter2 for karim@example.com, call 01711-222333")
    assert not any(part in text for part in ("hunter2", "karim", "222333"))


@pytest.mark.parametrize(
    ("by", "error", "shown"),
    [
        ("glue.transforms.validate:Validate", "glue.errors.DataError", True),
        ("connectors.facebook:Facebook", "ValidationError", True),
        ("org.apache.kafka.connect.json.JsonConverter", "org.apache.kafka.connect.errors.DataException", False),
        ("", "", False),
    ],
)
def test_a_foreign_programs_words_about_a_record_are_not_repeated(by: str, error: str, shown: bool) -> None:
    assert ("price of Karim" in cause(by, error, "price of Karim")) == shown
