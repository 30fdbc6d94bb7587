"""What the proof of the container deployment promises where it cannot run: a reason, and nothing left behind."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.proof import compose_proof, engine, installation, standins
from tests.deploy.compose_file import ROOT, compose, undigested


def test_every_image_of_others_has_a_stand_in() -> None:
    """An image that the project's files begin to use must not be pulled by the proof."""
    own = {"docker/dockerfile", "python", "apache/kafka"}
    profiled = {undigested(service["image"]).rsplit(":", 1)[0] for service in compose()["services"].values()
                if service.get("profiles") == ["control-center"]}  # fmt: skip
    assert standins.named().keys() - profiled == own | set(standins.PARTS.values()) | standins.PLACEHOLDERS.keys()


def test_where_no_engine_can_be_had_it_says_why_and_counts_as_skipped() -> None:
    environment = {**os.environ, "PATH": "/nowhere"}
    done = subprocess.run([sys.executable, "-m", "deploy.proof.compose_proof"], cwd=ROOT, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("skipped: no container engine: ")


def test_without_root_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(engine.UnavailableError, match="needs root"):
        engine.require()


def test_two_proofs_do_not_share_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "require", lambda: None)
    monkeypatch.setattr(engine, "CACHE", tmp_path)
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(engine.UnavailableError, match="another proof"), engine.engine():
            raise AssertionError("an engine was started")


def test_the_second_file_adds_only_the_world_outside() -> None:
    """The file under proof is the committed one: no image, user, limit or check of it is replaced."""
    added = yaml.safe_load(installation.OVERRIDE.format(python="p", host="h", site="/s", root="/r", work="/w"))
    theirs = added["services"].keys() & compose()["services"].keys()
    assert {name: set(added["services"][name]) for name in theirs} == {"connect": {"volumes"}}
    assert set(added["services"]) - theirs == {"warehouse", "vendors"}


def test_a_pull_brings_the_files_of_now_and_keeps_what_is_the_operators(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installation, "WORK", tmp_path)
    folder = installation.copy(tmp_path / "project", "HEAD")
    engine.call(folder / "deploy" / "compose" / "make-secrets")
    secret = folder / "deploy" / "secrets" / "redis_password"
    (folder / ".env").write_text("OWN=1\n")
    (folder / "README.md").write_text("older")
    (folder / "schemas" / "gone.avsc").write_text("{}")
    before = secret.read_text()
    (folder / "deploy" / "secrets" / "connect_password").unlink()  # which an older release did not have
    installation.Installation(engine.Engine(None, tmp_path), folder).pull()  # type: ignore[arg-type]
    assert (secret.read_text(), (folder / ".env").read_text()) == (before, "OWN=1\n")
    assert (folder / "README.md").read_text() == (ROOT / "README.md").read_text()
    assert not (folder / "schemas" / "gone.avsc").exists()
    assert (folder / "deploy" / "secrets" / "connect_password").exists()
    assert "http://vendors:9000" in (folder / "connect-config" / "profiles" / "compose.json").read_text()


def test_keys_of_the_sandbox_fill_every_file_that_make_secrets_leaves_empty() -> None:
    text = (ROOT / "deploy" / "compose" / "make-secrets").read_text()
    assert set(installation.SECRETS) == {
        line.split()[-1] for line in text.splitlines() if line.startswith("printf") and "=\\n" in line
    }


def test_documents_are_found_among_the_lines_of_a_log() -> None:
    text = 'Creating\n{\n "records": {"a": 1}\n}\nwarn\n{"b": 2}\n{broken\n'
    assert compose_proof.documents(text) == [{"records": {"a": 1}}, {"b": 2}]


def test_the_docs_show_stages_and_containers_that_there_are() -> None:
    page = (ROOT / "docs" / "deploy-compose.md").read_text(encoding="utf-8").partition("## Proven")[2]
    stages, _, parts = page.partition("| container |")
    rows = {line.split("|")[1].strip().replace(" ", "_") for line in stages.splitlines() if line.startswith("| ")}
    assert rows - {"stage"} <= {*compose_proof.STAGES, "upgrade"} and len(rows) > 5
    shown = {line.split("|")[1].strip() for line in parts.splitlines() if line.startswith("| ")}
    assert shown <= compose()["services"].keys() and len(shown) > 10
