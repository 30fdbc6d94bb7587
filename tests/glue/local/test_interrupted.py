"""What ``up`` and ``down`` do is killed at every step, and the next run ends well.

A forked process runs one stage and kills itself at its n-th step, for every n: before each call that changes a file, a
folder or a process, and after a file was opened for writing and before anything was written. What was left behind is
then what the same stage starts from.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import sys
import tarfile
import threading
import traceback
import zipfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from glue.local import cds, jars, kafka, keys, plugins, process, registry, weaviate_binary
from glue.local.downloads import Fetcher, Wanted
from glue.local.part import Site
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.local.state import State
from glue.settings import Settings
from tests.glue.local.test_stack import Small

STEPS = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "fcntl.flock", "subprocess.Popen")
QUIET = Reporter(quiet=True)


class _Suicide:
    """An audit hook that ends the process with SIGKILL at its n-th step."""

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if self._left <= 0:
            return
        if event in STEPS:
            self._step(None)
        elif event == "open" and isinstance(given[0], str) and given[2] & (os.O_WRONLY | os.O_RDWR):
            self._step(None)
            if given[2] & os.O_CREAT and not given[2] & os.O_APPEND:
                self._step(Path(given[0]))

    def _step(self, emptied: Path | None) -> None:
        self._left -= 1
        if self._left == 0:
            if emptied is not None:
                emptied.write_bytes(b"")
            os.kill(os.getpid(), signal.SIGKILL)


def killed(stage: Callable[[], Any], at: int) -> bool:
    """Run ``stage`` in a process that is killed at its step number ``at``; False when it came to its end."""
    pid = os.fork()
    if pid == 0:
        gc.disable()  # what other tests left, such as clients of Kafka, cannot be freed in a copy without their threads
        try:
            sys.addaudithook(_Suicide(at))
            stage()
        except BaseException:
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def interrupted_everywhere(
    folder: Path, stage: Callable[[Path], Any], check: Callable[[Path], None], least: int, every: int = 1
) -> None:
    """Kill ``stage`` at each of its steps, in a folder of its own each time, then run it again and ``check``."""
    at = 1
    while True:
        place = folder / f"at-{at}"
        place.mkdir()
        was_killed = killed(lambda place=place: stage(place), at)  # type: ignore[misc]
        stage(place)
        check(place)
        if not was_killed:
            break
        at += every
    assert at > least, "the steps were seen"


@pytest.fixture
def fake_java(tmp_path: Path) -> Path:
    """Plays the programs of a JVM: the formatter of a disk, the compiler, the maker of class archives."""
    program = tmp_path / "java"
    program.write_text(f"#!{sys.executable}\n" + '''
import pathlib, sys
given = sys.argv[1:]
archive = [text.partition("=")[2] for text in given if text.startswith("-XX:SharedArchiveFile=")]
if archive:
    pathlib.Path(archive[0]).write_text("archive")
elif "format" in given:
    config = pathlib.Path(given[given.index("-c") + 1]).read_text()
    (data,) = [line.partition("=")[2] for line in config.splitlines() if line.startswith("log.dirs=")]
    assert not list(pathlib.Path(data).iterdir()), "already formatted"
    (pathlib.Path(data) / "bootstrap.checkpoint").write_text("first")
    (pathlib.Path(data) / "meta.properties").write_text("cluster.id=" + given[given.index("-t") + 1])
else:
    out = pathlib.Path(given[given.index("-d") + 1])
    out.mkdir(parents=True)
    (out / "A.class").write_text("class")
''')  # fmt: skip
    program.chmod(0o755)
    return program


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a file of 200 kB that can be downloaded."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "file.jar").write_bytes(os.urandom(1000) * 200)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/file.jar"
    server.shutdown()
    server.server_close()


def test_a_download(tmp_path: Path, served: str) -> None:
    original = tmp_path / "served" / "file.jar"
    from glue.files import sha256_of

    digest, size = sha256_of(original), original.stat().st_size

    def fetch(place: Path) -> None:
        Fetcher(QUIET, workers=1).fetch_all([Wanted(lambda: [served], place / "sub" / "file.jar", digest, size)])

    def check(place: Path) -> None:
        assert (place / "sub" / "file.jar").read_bytes() == original.read_bytes()

    interrupted_everywhere(tmp_path, fetch, check, 5)


def test_an_archive_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "content").mkdir()
    for name in "abc":
        (tmp_path / "content" / name).write_text(name * 1000)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "content", "content")

    def unpack(place: Path) -> Path:
        monkeypatch.setenv("MXCTL_CACHE_DIR", str(place))
        return registry.unpacked(tmp_path / "a.tar.gz", "0123456789abcdef0123")

    def check(place: Path) -> None:
        assert [(unpack(place) / "content" / name).read_text() for name in "abc"] == [name * 1000 for name in "abc"]
        assert not list(place.rglob("*.tmp"))

    interrupted_everywhere(tmp_path, unpack, check, 8)


def test_an_archive_is_unpacked_by_a_python_without_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("content")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a", "a")
    unpack = tarfile.TarFile.extractall
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delattr(tarfile, "data_filter")
    monkeypatch.setattr(tarfile.TarFile, "extractall", lambda self, path: unpack(self, path, filter="fully_trusted"))
    assert (registry.unpacked(tmp_path / "a.tar.gz", "0123456789abcdef") / "a").read_text() == "content"


def test_plugin_folders_and_our_plugin(tmp_path: Path, fake_java: Path) -> None:
    jar = tmp_path / "p-1.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("a/B.class", "")

    def prepare(place: Path) -> None:
        path = place / "plugins"
        plugins.link([jar], path / "snowflake", plugins.SNOWFLAKE)
        plugins.build_plugin(fake_java, tmp_path / "ecj-1.jar", [], path / "ours")
        plugins.discovery(path)

    def check(place: Path) -> None:
        assert plugins.discovery(place / "plugins") == "service_load"
        names = sorted(file.name for file in (place / "plugins").rglob("*.jar"))
        assert [name.partition("-")[0] for name in names] == ["manifests.jar", "millionx", "p"]
        assert zipfile.ZipFile(next((place / "plugins").rglob("millionx*.jar"))).testzip() is None

    interrupted_everywhere(tmp_path, prepare, check, 12)


def test_keys(tmp_path: Path) -> None:
    def make(place: Path) -> None:
        keys.warehouse_key(place / "secrets")
        keys.hash_keys(place / "secrets" / "hash-keys.json")

    def check(place: Path) -> None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

        private, public = keys.warehouse_key(place / "secrets")
        pair = load_pem_private_key(private.read_bytes(), None).public_key(), load_pem_public_key(public.read_bytes())
        assert pair[0] == pair[1]
        assert (place / "secrets" / "snowflake.properties").read_text().startswith("private.key=MII")
        assert len(json.loads((place / "secrets" / "hash-keys.json").read_text())["keys"]) == 1
        assert all(file.stat().st_mode & 0o077 == 0 for file in (place / "secrets").iterdir())

    interrupted_everywhere(tmp_path, make, check, 10)


def site(place: Path) -> Site:
    state = State(place / "state.json")
    state.part("kafka").ports = {"broker": 1, "controller": 2, "metrics": 3, "oauth": 4, "mtls": 5}
    return Site(place, state, Settings(), Fetcher(QUIET), QUIET, threading.Event())


def test_the_storage_of_kafka_is_formatted(tmp_path: Path, fake_java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.local.java.JAVA", fake_java)
    monkeypatch.setattr(jars, "fetch", lambda artifacts, fetcher: [])
    monkeypatch.setattr(cds, "option", lambda *_: "-XX:None")

    def check(place: Path) -> None:
        assert sorted(file.name for file in (place / "kafka" / "data").iterdir()) == [
            "bootstrap.checkpoint",
            "meta.properties",
        ]
        assert f"log.dirs={place}/kafka/data\n" in (place / "kafka" / "server.properties").read_text()

    interrupted_everywhere(tmp_path, lambda place: kafka.Kafka().prepare(site(place)), check, 8)


def test_a_disk_that_an_older_version_left_half_formatted(
    tmp_path: Path, fake_java: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue.local.java.JAVA", fake_java)
    monkeypatch.setattr(jars, "fetch", lambda artifacts, fetcher: [])
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "bootstrap.checkpoint").write_text("half")
    kafka.Kafka().prepare(site(tmp_path))
    assert (data / "meta.properties").exists()
    (data / "meta.properties").unlink()
    (data / "orders-0").mkdir()  # with records in it, nothing is thrown away
    kafka.Kafka().prepare(site(tmp_path))
    assert (data / "orders-0").exists()


def test_class_archives(tmp_path: Path, fake_java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(place: Path) -> None:
        monkeypatch.setenv("MXCTL_CACHE_DIR", str(place))
        (place / "one.lst").write_text("java/lang/Object\nhalf a li")
        cds.make(place / "one.lst", "", [str(fake_java)])

    def check(place: Path) -> None:
        assert [file.name for file in (place / "cds").iterdir()] == ["one.jsa"]

    interrupted_everywhere(tmp_path, make, check, 5)


def test_class_archives_that_no_start_takes_any_more_are_removed(
    tmp_path: Path, fake_java: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path))
    listing = tmp_path / "new.lst"
    listing.write_text("java/lang/Object\n")
    taken = Path(cds.option(tmp_path, ["Main"], []).removeprefix(cds.LISTING)).stem  # its name, from the runtime
    archives = tmp_path / "cds"
    archives.mkdir()
    for name in (f"{taken}.jsa", "old.jsa", "old.4711"):
        (archives / name).write_text("archive")
        os.utime(archives / name, (0, 0))
    assert cds.option(tmp_path, ["Main"], []).endswith(f"{taken}.jsa")
    cds.make(listing, "", [str(fake_java)])
    assert sorted(file.name for file in archives.iterdir()) == sorted([f"{taken}.jsa", "new.jsa"])


def test_a_binary_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(place: Path) -> None:
        monkeypatch.setenv("MXCTL_CACHE_DIR", str(place / "cache"))
        if weaviate_binary.at_hand(None) is None:
            (place / "new").write_text("server")
            weaviate_binary.keep(place / "new", "a test")

    def check(place: Path) -> None:
        found = weaviate_binary.at_hand(None)
        assert found is not None and found.read_text() == "server"

    interrupted_everywhere(tmp_path, keep, check, 6)


def assert_up(place: Path, *parts: Small) -> None:
    """The stack is up: one process a part, on the ports that the state names."""
    local = Stack(place, QUIET, parts)
    assert {part.name: part.state for part in local.status()} == {part.name: "running" for part in parts}
    found = sorted(one.pid for one in process.marked(place))
    assert found == sorted(part.pid or 0 for part in local.status())


def test_the_stack_goes_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Small("one"), Small("two")

    def up(place: Path) -> None:
        monkeypatch.setenv("MXCTL_STATE_DIR", str(place))
        Stack(place, QUIET, parts).up(services=False)

    def check(place: Path) -> None:
        assert_up(place, *parts)
        Stack(place, QUIET, parts).down()
        assert not list(process.marked(place))

    interrupted_everywhere(tmp_path, up, check, 20, every=5)


def test_the_stack_goes_down_with_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Small("one")

    def down(place: Path) -> None:
        monkeypatch.setenv("MXCTL_STATE_DIR", str(place))
        if not (place / "lock").exists():
            Stack(place, QUIET, [part]).up(services=False)
            for name in "ab":
                (place / "one" / name).mkdir()
                (place / "one" / name / "data").write_text("data")
        Stack(place, QUIET, [part]).down(purge=True)

    def check(place: Path) -> None:
        assert [file.name for file in place.iterdir()] == ["lock"]
        Stack(place, QUIET, [part]).up(services=False)
        assert list((place / "one").iterdir()) == []
        assert_up(place, part)
        Stack(place, QUIET, [part]).down()

    interrupted_everywhere(tmp_path, down, check, 25, every=7)


def test_half_deleted_data_are_not_started_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    part = Small("one")
    local = Stack(tmp_path, QUIET, [part])
    local.up(services=False)
    local.down()
    (tmp_path / "one" / "half").write_text("of it")
    (tmp_path / "purge").touch()
    local.up(services=False)
    assert not (tmp_path / "one" / "half").exists()
    local.down()


def test_a_part_that_lost_the_note_of_its_start_is_found_and_keeps_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    local = Stack(tmp_path, QUIET, [Small("one")])
    local.up(services=False)
    document = json.loads((tmp_path / "state.json").read_text())
    pid, ports = document["parts"]["one"]["pid"], document["parts"]["one"]["ports"]
    document["parts"]["one"] |= {"pid": None, "created": None, "fingerprint": ""}
    (tmp_path / "state.json").write_text(json.dumps(document))
    local.up(services=False)
    (after,) = local.status()
    assert (after.state, after.ports) == ("running", ports)
    assert after.pid != pid
    assert not psutil.pid_exists(pid)
    local.down()
