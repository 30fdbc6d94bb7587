"""Small things the stack writes: keys, plugin folders, logs that are followed."""

from __future__ import annotations

import base64
import json
import threading
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from glue.errors import UsageError
from glue.local import follow, keys, plugins
from glue.local.java import properties_file


def test_the_key_pair_fits_together_and_is_made_once(tmp_path: Path) -> None:
    private, public = keys.warehouse_key(tmp_path / "secrets")
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    assert key.public_key().public_bytes(serialization.Encoding.PEM, spki) == public.read_bytes()
    line = (tmp_path / "secrets" / "snowflake.properties").read_text()
    der = base64.b64decode(line.removeprefix("private.key=").strip())
    assert serialization.load_der_private_key(der, None).private_numbers() == key.private_numbers()  # type: ignore[union-attr]
    before = private.read_bytes()
    keys.warehouse_key(tmp_path / "secrets")
    assert private.read_bytes() == before


def test_hash_keys_are_strong_and_made_once(tmp_path: Path) -> None:
    file = keys.hash_keys(tmp_path / "secrets" / "hash-keys.json")
    found = json.loads(file.read_text())
    assert len(base64.b64decode(found["keys"][found["active"]])) == 32
    assert keys.hash_keys(file).read_text() == file.read_text()
    assert keys.hash_keys(tmp_path / "other.json").read_text() != file.read_text()


def test_a_properties_file_holds_letters_as_java_reads_them() -> None:
    assert properties_file("log.dirs=/দোকান/é\n") == b"log.dirs=/\\u09a6\\u09cb\\u0995\\u09be\\u09a8/\xe9\n"


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    keys.warehouse_key(tmp_path / "secrets")
    keys.hash_keys(tmp_path / "secrets" / "hash-keys.json")
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()} == {0o600}


def jar(file: Path, *entries: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for entry in entries:
            archive.writestr(entry, "x")
    return file


def test_a_plugin_without_manifest_is_looked_for_class_by_class(tmp_path: Path) -> None:
    sink = plugins.SERVICES + plugins.CONNECTORS[0]
    bare, described = jar(tmp_path / "bare.jar", "a/B.class"), jar(tmp_path / "described.jar", sink)
    path = tmp_path / "plugins"
    plugins.link([described], path / "one")
    plugins.link([bare], path / "two", plugins.SNOWFLAKE)
    assert plugins.discovery(path) == "service_load"
    plugins.link([bare], path / "three")
    assert plugins.discovery(path) == "hybrid_warn"


def test_a_plugin_folder_holds_what_is_wanted_and_no_more(tmp_path: Path) -> None:
    old, new = jar(tmp_path / "p-1.jar"), jar(tmp_path / "p-2.jar")
    folder = tmp_path / "plugin"
    plugins.link([old], folder)
    plugins.link([new], folder)
    assert [file.name for file in folder.iterdir()] == ["p-2.jar"]
    inode = (folder / "p-2.jar").lstat().st_ino
    plugins.link([new], folder)
    assert (folder / "p-2.jar").lstat().st_ino == inode  # a running worker reads from here


def test_logs_are_followed_into_the_next_life_of_a_part(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "kafka.log"
    log.write_text("old\n")
    files = follow.logs(tmp_path, "kafka")
    assert list(follow.last_lines(files, 5)) == ["old"]
    reader = follow._Follower("", log)
    assert reader.lines() == []
    with log.open("a") as opened:
        opened.write("one\ntw")
        opened.flush()
        assert reader.lines() == ["one"]
        opened.write("o\n")
    assert reader.lines() == ["two"]
    log.rename(tmp_path / "logs" / "kafka.log.1")
    assert reader.lines() == ()
    log.write_text("three\n")
    assert reader.lines() == ["three"]


def test_logs_of_several_parts_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("kafka", "redis"):
        (tmp_path / "logs" / f"{name}.log").write_text(f"hello from {name}\n")
    files = follow.logs(tmp_path, None)
    shown = list(follow.last_lines(files, 5))
    assert shown == ["==> kafka <==", "hello from kafka", "==> redis <==", "hello from redis"]
    timer = threading.Timer(0.5, lambda: (tmp_path / "logs" / "redis.log").write_text("hello from redis\nmore\n"))
    timer.start()
    assert next(follow.new_lines(files)) == "redis        more"


def test_a_log_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are none"):
        follow.logs(tmp_path, None)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kafka.log").touch()
    with pytest.raises(UsageError, match="kafka"):
        follow.logs(tmp_path, "nix")
