"""The lock of Java artifacts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.local.jars import LOCK_FILE, Artifact, JarLock
from glue.local.relock import WANTED


@pytest.mark.parametrize(
    ("coordinate", "path"),
    [
        ("org.apache.kafka:connect-json:4.2.2", "org/apache/kafka/connect-json/4.2.2/connect-json-4.2.2.jar"),
        ("io.a:app:3:tar.gz:all", "io/a/app/3/app-3-all.tar.gz"),
        ("io.a:app:3:zip", "io/a/app/3/app-3.zip"),
    ],
)
def test_a_coordinate_is_a_path_in_a_maven_repository(coordinate: str, path: str) -> None:
    assert str(Artifact(coordinate, "", 0).path) == path


def test_the_committed_lock_pins_all_that_is_wanted() -> None:
    lock = JarLock.load()
    assert lock.sets.keys() == WANTED.keys()
    for name, coordinates in WANTED.items():
        locked = {artifact.coordinate for artifact in lock[name]}
        assert {one.removesuffix("+") for one in coordinates} <= locked
        for artifact in lock[name]:
            assert re.fullmatch("[0-9a-f]{64}", artifact.sha256)
            assert artifact.size > 0


def test_no_artifact_is_there_in_two_versions() -> None:
    for artifacts in JarLock.load().sets.values():
        names = [artifact.coordinate.split(":")[:2] for artifact in artifacts]
        assert len(names) == len({tuple(name) for name in names})


def test_the_lock_holds_no_address() -> None:
    assert "//" not in LOCK_FILE.read_text()


@pytest.mark.parametrize("text", ["", "{}", '{"sets": {"a": ["x:y:1"]}, "artifacts": {}}', "[]"])
def test_a_spoilt_lock_says_how_to_mend_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "jars.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        JarLock.load(tmp_path / "jars.json")
    assert "relock" in caught.value.fix
