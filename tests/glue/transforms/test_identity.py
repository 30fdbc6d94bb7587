from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glue.errors import ConfigError, DataError
from glue.privacy.identity import normalise, pseudonym
from glue.privacy.keyring import load_keyring
from glue.privacy.tags import personal_fields
from glue.transforms.contract import Record
from glue.transforms.identity import HashIdentity

Make = Callable[..., Record]


def make(keys_file: Path, **props: str) -> HashIdentity:
    made = HashIdentity()
    made.configure({"keys.file": str(keys_file), **props})
    return made


@pytest.mark.parametrize(
    "spelling",
    [
        "01712345678",
        "+880 1712-345678",
        "8801712345678",
        "008801712345678",
        "০১৭১২৩৪৫৬৭৮",
        "+৮৮০১৭১২৩৪৫৬৭৮",
        "1712345678",
        " (017) 1234.5678 ",
        "01712345678 (bKash)",
        "Tel: 01712-345678",
        "01712345678 / home",
        "1712345678.0",
        "+880 (0) 1712 345678",
        "phone 01712345678, 500 tk",
        "０１７１２３４５６７８",
    ],
)
def test_all_spellings_of_a_phone_are_one_person(spelling: str) -> None:
    assert normalise(spelling) == "phone:1712345678"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Karim@Example.COM ", "mail:karim@example.com"),
        ("@Rahim_BD", "name:rahim_bd"),
        ("Rahim   BD", "name:rahim bd"),
        ("shop24", "name:shop24"),
        ("12345", "name:12345"),
        ("09612345678", "phone:09612345678"),
        ("0l7l2345678", "phone:1712345678"),
        ("096lllllll2", "phone:09611111112"),
        ("zero17zero", "name:zero17zero"),
        ("max24", "name:max24"),
        ("+14155552671", "phone:14155552671"),
    ],
)
def test_other_identities(text: str, normal: str) -> None:
    assert normalise(text) == normal


@pytest.mark.parametrize(
    "text",
    ["66******78", "8801*******78", "01712XXXX78", "r***@gmail.com", "N/A", "null", "-", "00000000000",
     "01700000000", "01234567890", "1.71235E+09", "noreply@shop.example", "test@example.com", "unknown",
     "****", "•••", "…", "নাই", "  "],
)  # fmt: skip
def test_a_mask_or_a_placeholder_is_nobody(text: str) -> None:
    assert normalise(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Made.Up+shop@GMAIL.com", "madeup@googlemail.com"),
        ("Made Up <made.up@example.com>", "mailto:made.up@example.com"),
        ("made@bücher.example", "made@xn--bcher-kva.example"),
        ("@Made_Up", "made_up"),
    ],
)
def test_two_spellings_are_one_person(one: str, other: str) -> None:
    assert normalise(one) == normalise(other) is not None


def test_nobody_gets_no_pseudonym_and_is_counted(keys_file: Path, order: Make) -> None:
    record = make(keys_file).apply(order(customer_phone="66******78"))
    assert record.value is not None
    assert record.value["customer_phone_hash"] is None
    assert ("millionx.nobody", b"customer_phone") in record.headers


def test_the_pseudonym_is_hmac_sha256_under_the_active_key(keys_file: Path, order: Make) -> None:
    record = make(keys_file).apply(order(customer_phone="01712345678"))
    expected = hmac.new(b"k2" * 16, b"phone:1712345678", hashlib.sha256).hexdigest()
    assert record.value is not None
    assert record.value["customer_phone_hash"] == f"k2:{expected}"
    assert not {"customer_phone", "customer_email"} & set(record.value)
    assert record.schema is not None
    assert "customer_phone" not in personal_fields(record.schema)


def test_the_same_person_joins_across_sources_under_one_key(keys_file: Path, order: Make, post: Make) -> None:
    hash_identity = make(keys_file)
    a = hash_identity.apply(order(customer_phone="+880 1712 345678")).value
    b = hash_identity.apply(post(author_username="০১৭১২৩৪৫৬৭৮")).value
    assert a is not None
    assert b is not None
    assert a["customer_phone_hash"] == b["author_username_hash"]


def test_an_old_key_stays_readable_while_a_new_one_writes(keys_file: Path, order: Make) -> None:
    ring = load_keyring(keys_file)
    new = make(keys_file).apply(order()).value
    old = make(keys_file, **{"key.id": "k1"}).apply(order()).value
    assert new is not None
    assert old is not None
    assert new["customer_phone_hash"] == pseudonym(ring, "+8801712345678")
    assert old["customer_phone_hash"] == pseudonym(ring, "+8801712345678", "k1") != new["customer_phone_hash"]


def test_nobody_has_no_pseudonym(keys_file: Path, order: Make) -> None:
    value = make(keys_file).apply(order(customer_phone=None, customer_email="")).value
    assert value is not None
    assert value["customer_phone_hash"] is None
    assert value["customer_email_hash"] is None


def test_without_a_schema_nothing_passes(keys_file: Path) -> None:
    with pytest.raises(DataError):
        make(keys_file).apply(Record("t", "k", {"author_username": "x"}))


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"active": "k1", "keys": {"k1": "not base64!"}}',
        json.dumps({"active": "k9", "keys": {"k1": base64.b64encode(b"x" * 32).decode()}}),
        json.dumps({"active": "k1", "keys": {"k1": base64.b64encode(b"x" * 31).decode()}}),
        json.dumps({"active": "a:b", "keys": {"a:b": base64.b64encode(b"x" * 32).decode()}}),
    ],
)
def test_no_good_key_no_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError):
        make(path)


def test_no_setting_and_an_unknown_key_id_do_not_start(keys_file: Path) -> None:
    with pytest.raises(ConfigError):
        load_keyring(None)
    with pytest.raises(ConfigError):
        make(keys_file, **{"key.id": "k3"})


def test_a_key_is_never_shown(keys_file: Path) -> None:
    assert "k1k1" not in repr(load_keyring(keys_file))
