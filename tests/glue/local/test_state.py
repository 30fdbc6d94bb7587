"""The state file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.local.state import PartState, State
from glue.settings import Settings
from glue.topology import installation
from glue.topology.services import Services


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


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a secured stack wrote; nothing is set otherwise."""
    monkeypatch.chdir(tmp_path)  # of no .env file
    for name in [name for name in os.environ if name.startswith("MXCTL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    state = State(tmp_path / "state.json")
    state.settings = {
        "kafka": "127.0.0.1:20001", "kafka_properties_file": "/stack/client.properties", "profile": "secure",
        "connect": "https://127.0.0.1:20002", "connect_user": "mxctl", "connect_password_file": "/stack/password",
        "registry": "https://127.0.0.1:20003", "registry_user": "mxctl", "registry_password_file": "/stack/password",
        "weaviate": "https://127.0.0.1:20004", "weaviate_grpc": "127.0.0.1:20005", "weaviate_api_key_file": "/stack/k",
        "hash_keys_file": "/stack/keys.json",
    }  # fmt: skip
    state.save()
    return state.settings


def seen(settings: Settings) -> dict[str, str]:
    return {key: str(value) for key, value in settings.model_dump().items()}


def test_every_setting_of_the_stack_holds_where_nothing_else_is_said(stack: dict[str, str]) -> None:
    assert seen(Settings()).items() >= stack.items()
    (found,) = installation.cluster(Services(Settings()))
    assert found.state == "ok" and "20001: the local stack in " in found.detail


@pytest.mark.parametrize("name", ["profile", "connect_user", "hash_keys_file", "kafka_properties_file", "connect"])
@pytest.mark.parametrize("place", ["environment", ".env", "argument"])
def test_no_setting_is_overridden_by_a_stack(
    stack: dict[str, str], name: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {}
    if place == "environment":
        monkeypatch.setenv(f"MXCTL_{name.upper()}", "mine")
    elif place == ".env":
        Path(".env").write_text(f"MXCTL_{name.upper()}=mine\n")
    else:
        given = {name: "mine"}
    found = seen(Settings(**given))  # type: ignore[arg-type]
    assert found[name] == "mine"
    assert found.items() >= {key: one for key, one in stack.items() if not key.startswith(name)}.items()


def test_beside_another_kafka_nothing_of_the_stack_is_used(
    stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MXCTL_KAFKA", "broker.example.com:9093")
    settings = Settings()
    assert not {*seen(settings).values()} & {*stack.values()}
    (found,) = installation.cluster(Services(settings))
    assert found.state == "ok" and "broker.example.com:9093: MXCTL_KAFKA names it; nothing of" in found.detail
    (Path(os.environ["MXCTL_STATE_DIR"]) / "state.json").unlink()
    assert "stack" not in next(installation.cluster(Services(Settings()))).detail
    monkeypatch.delenv("MXCTL_KAFKA")
    assert "the default" in next(installation.cluster(Services(Settings()))).detail


def test_an_address_that_is_set_gets_no_login_of_the_stack(
    stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MXCTL_CONNECT", "https://connect.example.com")
    settings = Settings()
    assert (settings.connect_user, settings.connect_password_file) == ("", None)
    assert (settings.registry, settings.registry_user) == (stack["registry"], "mxctl")
    (found,) = installation.cluster(Services(settings))
    assert found.state == "warn" and "but for MXCTL_CONNECT" in found.detail and "MXCTL_KAFKA" in found.fix


@pytest.mark.parametrize(
    ("given", "login"),
    [("weaviate_grpc", "weaviate_api_key_file"), ("registry_token_url", "registry_password_file")],
)
def test_nor_does_another_address_that_the_same_login_is_sent_to(
    stack: dict[str, str], given: str, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MXCTL_{given.upper()}", stack.get(given, ""))
    assert str(getattr(Settings(), login)) == stack[login]
    monkeypatch.setenv(f"MXCTL_{given.upper()}", "other.example.com:443")
    assert getattr(Settings(), login) is None


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
