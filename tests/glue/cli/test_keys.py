"""``mxctl keys``: from a new key to the end of a merchant's, and no key on the screen."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from glue.cli.keys import keys
from glue.errors import ConfigError
from glue.privacy.keyring import load_keyring

SECRET = base64.b64encode(b"1" * 32).decode()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "keys.json"
    made.write_text(json.dumps({"active": "k1", "keys": {"k1": SECRET}}))
    monkeypatch.setenv("MXCTL_HASH_KEYS_FILE", str(made))
    return made


def run(*arguments: str, given: str = "") -> str:
    result = CliRunner().invoke(keys, arguments, input=given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_rotation_and_the_way_from_an_old_pseudonym_to_the_present_one(file: Path) -> None:
    old = load_keyring(file).pseudonym(b"phone:1712345678")
    assert run("add") == "k2"
    assert run("use", "k2") == ""
    assert run("present", given=f"{old}\n\n") == f"{old}\t{old}"
    run("use", "k2", "--pseudonyms")
    now = load_keyring(file).pseudonym(b"phone:1712345678")
    assert run("present", given=f"{old}\n{now}\n") == f"{old}\t{now}\n{now}\t{now}"
    rows = {row["name"]: row["use"] for row in json.loads(run("list", "-o", "json"))}
    assert rows == {"k1": "made pseudonyms", "k2": "encrypts, seals, makes pseudonyms"}
    assert SECRET not in run("list") + run("list", "-o", "json")


def test_a_merchants_key_from_its_first_to_its_last_day(file: Path) -> None:
    assert run("merchant", "add", "dhaka.example") == "m1"
    assert run("merchant", "destroy", "dhaka.example", "--yes") == "m1"
    assert run("merchant", "destroy", "other.example", "--yes") == "it never had a key of its own"
    assert {"name": "m1", "use": "destroyed", "merchant": "dhaka.example"} in json.loads(run("list", "-o", "json"))
    assert CliRunner().invoke(keys, ["merchant", "destroy", "x"], input="n\n").exit_code == 1


def test_without_a_key_file_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MXCTL_HASH_KEYS_FILE", raising=False)
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match="no key file"):
        CliRunner().invoke(keys, ["list"], catch_exceptions=False)
