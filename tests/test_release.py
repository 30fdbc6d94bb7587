"""What a release is: the same files from two folders, and an installation that works without this repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSION = version("millionx")


def _repository(folder: Path) -> Path:
    """A repository of its own, whose one commit has the files of this tree, changed ones too."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", "-c", "gc.auto=0"]
    which = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(which, cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    date = {"GIT_AUTHOR_DATE": "2026-11-29T00:00:00Z", "GIT_COMMITTER_DATE": "2026-11-29T00:00:00Z"}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], cwd=folder, check=True, env=os.environ | date)
    return folder


def _release(repository: Path, docker: str = "exit 1") -> subprocess.CompletedProcess[str]:
    """The release, where ``docker`` is a script; a real engine builds the images in ``make compose-proof``."""
    program = repository.parent / f"{repository.name}-bin/docker"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{docker}\n")
    program.chmod(0o755)
    # The release's own flags come after: -O0 is for the time that this takes.
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    given = {"PYTHON": sys.executable, "CFLAGS": "-O0", "PATH": path}
    return subprocess.run(
        [repository / "scripts/release"], capture_output=True, text=True, check=False, env=os.environ | given
    )


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose ``dist`` holds the release of this tree."""
    repository = _repository(tmp_path_factory.mktemp("released"))
    done = _release(repository)
    assert done.returncode == 0, done.stderr
    assert "images: skipped" in done.stderr and f"git tag --annotate v{VERSION}" in done.stderr
    return repository


def test_it_is_the_same_from_another_folder(released: Path, tmp_path: Path) -> None:
    again = _repository(tmp_path / "another folder")
    assert _release(again, docker=f'echo "$@" >>"{tmp_path}/asked"').returncode == 0
    asked = (tmp_path / "asked").read_text().splitlines()
    for image in ("glue", "sources", "connect", "kafka"):
        (build,) = (line for line in asked if f"--tag millionx/{image}:{VERSION} " in line)
        assert f"--target {image} " in build and f"--build-arg VERSION={VERSION} " in build
    sums = (released / "dist/SHA256SUMS").read_text()
    assert (again / "dist/SHA256SUMS").read_text() == sums
    listed = dict(reversed(line.split()) for line in sums.splitlines())
    assert {Path(name).suffix for name in listed} == {".whl", ".gz", ".lock"}
    for name, digest in listed.items():
        assert hashlib.sha256((released / "dist" / name).read_bytes()).hexdigest() == digest


def test_it_is_refused_where_it_would_not_be_what_it_says(released: Path, tmp_path: Path) -> None:
    repository = tmp_path / "changed"
    shutil.copytree(released, repository)
    (repository / "README.md").write_text("changed")
    assert "not committed" in _release(repository).stderr
    subprocess.run(["git", "checkout", "-q", "README.md"], cwd=repository, check=True)
    for file, before, after, said in (
        ("CHANGELOG.md", f"## {VERSION} (", f"## {VERSION} unreleased (", "with a date"),
        ("docker-compose.yml", f"millionx/glue:{VERSION}", "millionx/glue:0.0.9", "millionx/glue:0.0.9"),
    ):
        kept = (repository / file).read_text()
        (repository / file).write_text(kept.replace(before, after))
        commit = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "changed"]
        subprocess.run(commit, cwd=repository, check=True)
        refused = _release(repository)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
        (repository / file).write_text(kept)


def _installed(folder: Path, file: Path, **environment: str) -> Path:
    """``mxctl`` of an environment that holds ``file``, and of this one the packages of others, without our own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")  # .pth files in there are not read
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "--disable-pip-version-check", "install"]
    done = subprocess.run(
        [*pip, "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed", file],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "bin/mxctl"


@pytest.fixture(scope="module")
def mxctl(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (wheel,) = (released / "dist").glob("*.whl")
    return _installed(tmp_path_factory.mktemp("installed"), wheel)


def _run(mxctl: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    hidden = ("MXCTL_", "PYTHON", "LC_", "LANG")  # a locale of C is what cron, containers and new machines have
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return subprocess.run([mxctl, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(mxctl: Path, tmp_path: Path) -> Path:
    """What ``mxctl init`` makes, in a folder whose path has a blank and letters of Bengali."""
    above = tmp_path / "আমার দোকান"
    above.mkdir()
    done = _run(mxctl, "init", "shop one", cwd=above)
    assert done.returncode == 0, done.stderr
    return above / "shop one"


def test_a_wheel_works_far_from_the_repository(mxctl: Path, project: Path) -> None:
    done = _run(mxctl, "--version", cwd=project)
    assert done.stdout == f"mxctl, version {VERSION} (Avro: native)\n"
    assert _run(mxctl, "connectors", "--help", cwd=project).returncode == 0
    done = _run(mxctl, "validate", "--strict", cwd=project / "connect-config")
    assert done.returncode == 0, done.stdout + done.stderr
    where = "from glue.settings import project_root; from glue.local import jars; print(project_root(), jars.LOCK_FILE)"
    done = _run(mxctl.with_name("python"), "-c", where, cwd=project)
    assert done.stdout.startswith(f"{project} {mxctl.parents[1]}/lib/"), done.stdout + done.stderr


def test_what_is_declared_and_shipped_is_what_the_repository_has(mxctl: Path, project: Path) -> None:
    (shipped,) = mxctl.parents[1].glob("lib/python*/site-packages/glue/shipped")
    for here, there in ((project, ("connect-config", "schemas")), (shipped, ("deploy/locks", "deploy/jmx"))):
        for folder in there:
            own = {one.relative_to(ROOT) for one in (ROOT / folder).rglob("*") if one.is_file()}
            own = {one for one in own if one.name != "kustomization.yaml"}
            assert own and own == {one.relative_to(here) for one in (here / folder).rglob("*") if one.is_file()}
            assert all((here / one).read_bytes() == (ROOT / one).read_bytes() for one in own)
    assert len([*(shipped / "deploy").rglob("*.java")]) == len([*(ROOT / "deploy/connect-python/src").rglob("*.java")])


def test_init_leaves_what_is_there(mxctl: Path, project: Path, tmp_path: Path) -> None:
    done = _run(mxctl, "init", cwd=project)
    assert (done.returncode, "there is a connect-config already" in done.stderr) == (2, True)
    (tmp_path / "README.md").write_text("mine")
    assert _run(mxctl, "init", cwd=tmp_path).returncode == 0
    assert (tmp_path / "README.md").read_text() == "mine"
    assert {one.name for one in tmp_path.iterdir()} - {"README.md", "আমার দোকান"} == {
        one.name for one in project.iterdir()
    } - {"README.md"}


def test_without_a_project_the_way_to_one_is_told(mxctl: Path, tmp_path: Path) -> None:
    for words in (["validate"], ["local", "up"], ["plan"]):
        done = _run(mxctl, *words, cwd=tmp_path)
        assert (done.returncode, "mxctl init" in done.stderr) == (2, True), done.stderr
    assert not [*tmp_path.rglob("*.json")], "nothing was started"


def test_an_sdist_installs_without_a_compiler(released: Path, tmp_path: Path) -> None:
    mxctl = _installed(tmp_path / "env", released / f"dist/millionx-{VERSION}.tar.gz", CC="false")
    assert _run(mxctl, "--version", cwd=tmp_path).stdout == f"mxctl, version {VERSION} (Avro: fastavro)\n"
    assert _run(mxctl, "init", "a", cwd=tmp_path).returncode == 0
    assert _run(mxctl, "validate", cwd=tmp_path / "a").returncode == 0


@pytest.mark.stack
def test_an_installed_mxctl_runs_the_whole_pipeline_of_a_project(mxctl: Path, project: Path) -> None:
    (project / "posts.txt").write_text("নতুন জুতা কিনলাম, দারুণ!\nDelivery in Dhaka took two days\n", encoding="utf-8")
    try:
        for words in (
            ["local", "up"],
            ["ingest", "posts.txt", "--source", "facebook", "--wait"],
            ["plan", "--detailed-exitcode"],
        ):
            done = _run(mxctl, *words, cwd=project)
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        assert _run(mxctl, "local", "down", cwd=project).returncode == 0
    assert (project / ".millionx/state.json").exists()
