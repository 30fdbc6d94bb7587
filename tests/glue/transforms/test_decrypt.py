"""The first transform of a chain on a raw topic: readable is what the producers made unreadable, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glue.errors import ConfigError, DataError
from glue.privacy.atrest import AtRest, at_rest_of
from glue.privacy.keyring import load_keyring
from glue.settings import Settings
from glue.transforms.chain import Chain, Failure
from glue.transforms.contract import Record
from glue.transforms.declared import load_chain
from glue.transforms.decrypt import Decrypt
from glue.transforms.identity import HashIdentity

Make = Callable[..., Record]


def encrypted(record: Record, keys_file: Path) -> Record:
    assert record.value is not None and record.schema is not None
    at_rest = AtRest(load_keyring(keys_file))
    record.value = at_rest.encrypt(record.topic, record.key or "", record.value, record.schema)
    return record


def decrypt(keys_file: Path) -> Decrypt:
    made = Decrypt()
    made.configure({"keys.file": str(keys_file)})
    return made


def test_it_gives_back_what_was_encrypted(keys_file: Path, order: Make, post: Make) -> None:
    for make in (order, post):
        found = decrypt(keys_file).apply(encrypted(make(), keys_file))
        assert found.value == make().value


def test_a_record_that_was_never_encrypted_and_a_tombstone_pass(keys_file: Path, order: Make) -> None:
    assert decrypt(keys_file).apply(order()).value == order().value
    assert decrypt(keys_file).apply(Record("t", "k", None)).value is None


def test_without_a_schema_nothing_passes(keys_file: Path) -> None:
    with pytest.raises(DataError, match="no schema"):
        decrypt(keys_file).apply(Record("t", "k", {"a": "b"}))


def test_without_a_key_file_neither_side_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        decrypt(tmp_path / "none.json")
    settings = Settings(hash_keys_file=None)
    with pytest.raises(ConfigError):
        at_rest_of(settings.model_copy(update={"hash_keys_file": None}))
    assert at_rest_of(settings.model_copy(update={"at_rest": "clear"})) is None


@pytest.mark.parametrize("name", ["orders", "prices", "posts"])
def test_a_declared_chain_makes_of_an_encrypted_record_what_it_makes_of_a_clear_one(
    name: str, keys_file: Path, order: Make, post: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MXCTL_HASH_KEYS_FILE", str(keys_file))
    make = post if name == "posts" else order
    chain = Chain.from_config(load_chain(name).config)
    for step in chain.steps:
        step.transform.offline({"products": {}})
    clear, hidden, damaged = make(), encrypted(make(), keys_file), encrypted(make(), keys_file)
    damaged.key = "another"
    one, other, refused = chain.run([clear, hidden, damaged])
    assert isinstance(one, Record) and isinstance(other, Record)
    assert one.value == other.value
    assert isinstance(refused, Failure) and refused.class_name.endswith("Decrypt")
    assert "is damaged" in str(refused.error)


def test_a_chain_that_forgot_to_decrypt_hashes_no_ciphertext(keys_file: Path, order: Make) -> None:
    hash_identity = HashIdentity()
    hash_identity.configure({"keys.file": str(keys_file)})
    with pytest.raises(DataError, match="begin with Decrypt"):
        hash_identity.apply(encrypted(order(), keys_file))
