"""Compose's own loader takes ``docker-compose.yml``: our reading of the YAML cannot see what Compose refuses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from glue.local.go import go_program
from glue.local.report import Reporter
from tests.deploy.compose_file import FILE, SIZES, compose, mounted

ROOT = FILE.parent
LOADER = Path(__file__).parent / "compose_loader"


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("loader") / "compose-loader"
    env = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go_program(Reporter(quiet=True)), "build", "-o", program, "."],
        cwd=LOADER,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return program


def load(loader: Path, file: Path, *env_files: str) -> subprocess.CompletedProcess[str]:
    environment = [str(ROOT / "deploy" / "compose" / name) for name in env_files]
    return subprocess.run([loader, file, *environment], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("size", SIZES)
def test_compose_takes_the_file(loader: Path, size: str) -> None:
    done = load(loader, FILE, "env.example", f"{size}.env")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == sorted(compose(size)["services"])


def test_it_refuses_what_compose_refuses(loader: Path, tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(FILE.read_text().replace("  init: true\n", "  init: true\n  pids_limit: 511\n", 1))
    done = load(loader, file, "env.example", "small.env")
    assert done.returncode == 1 and "pids" in done.stderr


def test_no_image_of_ours_is_pulled() -> None:
    """A name that is ours alone on this host belongs to whoever takes it in a registry."""
    services = compose()["services"].values()
    assert [one["image"] for one in services if one["image"].startswith("millionx/") and "build" not in one] == []


def test_files_that_the_environment_names_are_mounted() -> None:
    for name, service in compose()["services"].items():
        values = [one for value in (service.get("environment") or {}).values() for one in str(value).split(",")]
        named = {value.split(":")[0] for value in values}
        wanted = {value.removeprefix("/run/secrets/") for value in named if value.startswith("/run/secrets/")}
        assert wanted <= set(mounted(service)), name


def test_ownership_of_the_volume_is_given_to_the_folder_alone() -> None:
    """Weaviate's own folders are closed to root without DAC_OVERRIDE: with -R each start but the first would fail."""
    service = compose()["services"]["volumes"]
    assert "-R" not in service["command"] and service["cap_add"] == ["CHOWN"]
