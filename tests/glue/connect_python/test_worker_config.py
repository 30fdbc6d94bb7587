"""What is wrong with a configuration is said through Connect's REST, field by field, and no secret with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from glue.settings import Settings
from tests.glue.connect_python.worker import PYTHON_PATH, Bench, hosts

pytestmark = pytest.mark.stack
_SINK = "bd.millionx.connect.PythonSinkConnector"


@pytest.fixture
def bench(stack: Settings, tmp_path: Path) -> Bench:
    return Bench(stack, tmp_path)


def _validate(bench: Bench, config: dict[str, str]) -> dict[str, Any]:
    url = f"{bench.settings.connect}/connector-plugins/{_SINK}/config/validate"
    answer = requests.put(url, json=config, timeout=90)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _errors(answer: dict[str, Any]) -> dict[str, list[str]]:
    return {one["value"]["name"]: one["value"]["errors"] for one in answer["configs"] if one["value"]["errors"]}


def test_a_sound_configuration_has_no_errors_and_shows_the_options_of_the_class(bench: Bench) -> None:
    answer = _validate(bench, bench.config())
    assert answer["error_count"] == 0
    options = {one["definition"]["name"]: one["definition"] for one in answer["configs"] if one["definition"]}
    assert options["level"]["type"] == "LONG"
    assert options["level"]["default_value"] == "3"
    assert options["level"]["documentation"] == "A number."
    assert options["secret.key"]["type"] == "PASSWORD"
    assert options["file"]["required"]


def test_each_wrong_option_is_named(bench: Bench) -> None:
    config = bench.config(level=12)
    del config["file"]
    errors = _errors(_validate(bench, config))
    assert set(errors) == {"file", "level"}
    assert "less than or equal to 9" in errors["level"][0]


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("python.class", "plugins", "write it as package.module:Class"),
        ("python.class", "plugins:NoSuch", "AttributeError"),
        ("python.class", "no_such_module:Sink", "ModuleNotFoundError"),
        ("python.class", "plugins:Identity", "is not a subclass of"),
        ("python.executable", "/bin/sh", "this worker runs only the interpreter of its variable MILLIONX_PYTHON"),
        ("python.path", "/tmp", "only below those of its variable MILLIONX_PYTHON_PATHS"),
        (
            "python.path",
            f"{PYTHON_PATH}:{PYTHON_PATH.partition(':')[0]}/../../../..",
            "only below those of its variable",
        ),
        ("python.call.timeout.ms", "0", "must be at least 1"),
    ],
)
def test_what_is_wrong_with_the_class_or_the_interpreter_is_said(
    bench: Bench, option: str, value: str, why: str
) -> None:
    errors = _errors(_validate(bench, bench.config() | {option: value}))
    assert len(errors) == 1
    assert why in next(iter(errors.values()))[0]


def test_a_secret_does_not_come_back(bench: Bench) -> None:
    answer = requests.put(
        f"{bench.settings.connect}/connector-plugins/{_SINK}/config/validate",
        json=bench.config(secret__key="s3cr3t-of-the-test", level=99),
        timeout=90,
    )
    assert "s3cr3t-of-the-test" not in answer.text


def test_the_plugins_are_listed_with_their_version(bench: Bench) -> None:
    listed = {one["class"]: one for one in bench.connect.plugins()}
    for name in ("PythonSinkConnector", "PythonTransform$Value", "PythonTransform$Key", "PythonPredicate"):
        assert listed[f"bd.millionx.connect.{name}"]["version"]


def test_a_predicate_decides_which_records_a_transform_sees(bench: Bench) -> None:
    predicate = {
        "predicates": "p",
        "predicates__p__type": "bd.millionx.connect.PythonPredicate",
        "predicates__p__class": "plugins:Holds",
        "predicates__p__python__executable": bench.config()["python.executable"],
        "predicates__p__python__path": bench.config()["python.path"],
        "predicates__p__word": "spoil",
        "transforms__f__predicate": "p",
    }
    with bench.running(bench.faulty(**predicate)):
        bench.produce([{"text": "keep", "do": "drop"}, {"text": "spoil", "do": "drop"}, {"text": "keep"}])
        bench.wait_for_keys({"0", "2"})


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "evil.example:8083"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
    ids=str,
)
def test_a_web_page_is_not_answered(bench: Bench, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/"), ("GET", "/connectors"), ("PUT", f"/connector-plugins/{_SINK}/config/validate")):
        answer = requests.request(
            method, bench.settings.connect + path, json=bench.config(), headers=headers, timeout=90
        )
        assert answer.status_code == 403, (path, answer.text)


def test_what_a_reference_comes_to_is_not_answered(bench: Bench) -> None:
    reference, again = "${file:secrets/snowflake.properties:private.key}", "${env:SNOWFLAKE_USER}"
    key = dict(line.split("=", 1) for line in _secrets(bench).read_text(encoding="utf-8").splitlines())["private.key"]
    given = bench.config(topics=reference, python__class=again, level=reference, file=reference)
    url = f"{bench.settings.connect}/connector-plugins/{_SINK}/config/validate"
    for answer in (
        requests.put(url, json=given, timeout=90),
        requests.put(url + "/", json=given, timeout=90),
        requests.post(f"{bench.settings.connect}/connectors", json={"name": bench.name, "config": given}, timeout=90),
        requests.put(f"{bench.settings.connect}/connectors/{bench.name}/config", json=given, timeout=90),
    ):
        assert "MIIE" not in answer.text
        assert not any(key[i : i + 12] in answer.text for i in range(0, len(key) - 12, 4))
        assert bench.settings.warehouse_user not in answer.text
    found = {
        one["value"]["name"]: one["value"]["value"]
        for one in requests.put(url, json=given, timeout=90).json()["configs"]
    }
    assert found["topics"] == "[resolved]"


def test_no_file_but_those_of_secrets_can_be_referred_to(bench: Bench) -> None:
    inside, outside = (
        folder / f"{bench.name}.properties" for folder in (_secrets(bench).parent, _secrets(bench).parents[1])
    )
    places = {f"secrets/{inside.name}": True, str(inside): True, outside.name: False, str(outside): False,
              f"secrets/../{outside.name}": False, f"{inside.parent}/../{outside.name}": False}  # fmt: skip
    try:
        for file in (inside, outside):
            file.write_text("level=5\n", encoding="utf-8")
        errors = {path: _errors(_validate(bench, bench.config(level=f"${{file:{path}:level}}"))) for path in places}
    finally:
        for file in (inside, outside):
            file.unlink(missing_ok=True)
    assert {path: not found for path, found in errors.items()} == places


def test_a_plugin_does_not_inherit_the_workers_secrets(bench: Bench) -> None:
    with bench.running(bench.config()):
        environments = [one.environ() for one in hosts()]
    assert environments
    for one in environments:
        assert "PATH" in one and not [
            name for name in one if name.startswith(("SNOWFLAKE", "POSTGRES", "WEAVIATE", "CLASSPATH"))
        ]


def _secrets(bench: Bench) -> Path:
    return next(Path(bench.settings.warehouse_private_key_file or "").parent.glob("snowflake.properties"))
