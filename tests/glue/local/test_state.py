"""The state file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.local.state import PartState, State
from glue.settings import Settings


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    state = State(tmp_path / "deep" / "state.json")
    state.settings["kafka"] = "127.0.0.1:20001"
    state.part("kafka").ports = {"broker": 20001}
    state.part("kafka").pid, state.part("kafka").created = 42, 1.5
    state.save()
    again = State(tmp_path / "deep" / "state.json")
    assert again.settings == {"kafka": "127.0.0.1:20001"}
    assert again.parts == {"kafka": PartState({"broker": 20001}, 42, 1.5)}


def test_the_settings_of_every_program_come_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("MXCTL_KAFKA", raising=False)
    state = State(tmp_path / "state.json")
    state.settings["kafka"] = "127.0.0.1:20001"
    state.save()
    assert Settings().kafka == "127.0.0.1:20001"


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    State(tmp_path / "state.json").save()
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0


def test_fields_of_another_version_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"settings": {}, "parts": {"kafka": {"pid": 7, "new": True}}}))
    assert State(tmp_path / "state.json").part("kafka").pid == 7


@pytest.mark.parametrize("text", ["", "{", "[]", '{"settings": {}}', '{"settings": {}, "parts": {"kafka": 3}}'])
def test_a_spoilt_file_says_how_to_go_on(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        State(tmp_path / "state.json")
    assert "mxctl local down" in caught.value.fix
