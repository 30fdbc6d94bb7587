"""``mxctl local`` as it is typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from glue.cli.main import cli
from glue.local import process
from glue.local.stack import Stack

STATES = {"kafka": "stopped", "registry": "stopped", "connect": "stopped", "redis": "stopped"}


def mxctl(*arguments: str, state: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "glue", "local", *arguments],
        env={**os.environ, "MXCTL_STATE_DIR": str(state), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_of_a_stack_that_never_was(tmp_path: Path) -> None:
    done = mxctl("status", "-o", "json", state=tmp_path / "none")
    assert done.returncode == 1
    found = {part["name"]: part["state"] for part in json.loads(done.stdout)}
    assert found == {**STATES, "warehouse": "stopped", "weaviate": "stopped"}
    assert not (tmp_path / "none").exists()


def test_status_reports_a_dead_part_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("it began\nthen it broke\n")
    part = {"pid": 2**22 + 1, "created": 1.0, "log": str(log), "ports": {"broker": 20001}}
    (tmp_path / "state.json").write_text(json.dumps({"settings": {}, "parts": {"kafka": part}}))
    done = mxctl("status", state=tmp_path)
    assert done.returncode == 1
    assert re.search(r"^kafka +dead ", done.stdout, re.M)
    assert "kafka: then it broke" in done.stdout
    assert "mxctl local up" in done.stdout


def test_down_of_a_stack_that_never_was_is_nothing(tmp_path: Path) -> None:
    assert mxctl("down", state=tmp_path / "none").returncode == 0


@pytest.mark.parametrize("command", ["local up", "demo"])
def test_an_interruption_says_what_is_left(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(Stack, "_start", interrupted)
    monkeypatch.setattr("glue.demo.run.check_sources", lambda settings: None)
    done = CliRunner().invoke(cli, command.split())
    assert done.exit_code == 1
    assert ("mxctl local down" in done.stderr) == (command == "local up"), "the demo stops what it started"


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["logs"], {}, 2, "mxctl local up"),
        (["up"], {"MXCTL_WEAVIATE_BINARY": "/nowhere/server"}, 2, "MXCTL_WEAVIATE_BINARY"),
        (["up"], {"MXCTL_WEAVIATE_PLUGIN": "/nowhere"}, 2, "MXCTL_WEAVIATE_PLUGIN"),
        (["up"], {"MXCTL_CACHE_DIR": "/dev/null/cache"}, 1, "MXCTL_CACHE_DIR the downloads"),
        (["sideways"], {}, 2, "No such command"),
    ],
)
def test_mistakes_are_explained(
    tmp_path: Path, arguments: list[str], env: dict[str, str], code: int, said: str
) -> None:
    done = mxctl(*arguments, state=tmp_path, **env)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    assert not list(process.marked(tmp_path))
