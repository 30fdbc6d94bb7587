"""The stack's own work, with small programs as parts: idempotence, repair, failures, ports, locking."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from glue.errors import MillionXError
from glue.local import process
from glue.local.lifecycle import PartFailedError
from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch
from glue.local.report import Reporter
from glue.local.stack import Stack

SERVER = """
import http.server, sys
print('started', flush=True)
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
DIES = "print('line one'); print('the reason'); raise SystemExit(3)"
DEAF = "import time; print('busy with itself', flush=True); time.sleep(600)"


class Small(Part):
    """A program of one's choice; healthy when it answers HTTP on its port."""

    ports = ("http",)
    timeout_s = 20
    grace_s = 5

    def __init__(self, name: str, code: str = SERVER) -> None:
        self.name, self.code, self.option = name, code, "a"

    def launch(self, site: Site) -> Launch:
        port = str(site.port(self.name, "http"))
        return Launch([sys.executable, "-c", self.code, port, self.option], site.folder(self.name))

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/", timeout_s=0.5)

    def settings(self, site: Site) -> dict[str, str]:
        return {"redis": f"redis://{site.address(self.name, 'http')}/0"} if self.name == "one" else {}

    def fix(self, site: Site) -> str:
        return "fix it"


class Slow(Small):
    """Busy until a file appears, then it serves."""

    slow = True

    def busy(self, site: Site) -> str:
        return "" if (site.root / "go").exists() else "building"

    def healthy(self, site: Site) -> bool:
        return (site.root / "go").exists() and super().healthy(site)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    yield tmp_path
    for one in list(process.marked(tmp_path)):
        one.kill()


def stack(root: Path, *parts: Part) -> Stack:
    return Stack(root, Reporter(quiet=True), parts)


def pids(local: Stack) -> dict[str, int | None]:
    return {part.name: part.pid for part in local.status()}


def states(local: Stack) -> dict[str, str]:
    return {part.name: part.state for part in local.status()}


def test_up_starts_all_parts_and_again_changes_nothing(root: Path) -> None:
    local = stack(root, Small("one"), Small("two"))
    assert states(local) == {"one": "stopped", "two": "stopped"}
    local.up(services=False)
    first = pids(local)
    assert states(local) == {"one": "running", "two": "running"}
    local.up(services=False)
    assert pids(local) == first


def test_up_returns_the_settings_that_it_wrote(root: Path) -> None:
    local = stack(root, Small("one"))
    settings = local.up(services=False)
    port = local.status()[0].ports["http"]
    assert settings.redis == f"redis://127.0.0.1:{port}/0"
    assert json.loads((root / "state.json").read_text())["settings"]["redis"] == settings.redis
    assert settings.hash_keys_file is not None
    assert settings.hash_keys_file.stat().st_mode & 0o077 == 0


def test_a_killed_part_is_reported_with_its_log_and_mended(root: Path) -> None:
    local = stack(root, Small("one"), Small("two"))
    local.up(services=False)
    before = pids(local)
    victim = psutil.Process(before["one"])
    victim.kill()
    victim.wait(10)
    (dead,) = (part for part in local.status() if part.state != "running")
    assert (dead.name, dead.state, dead.pid) == ("one", "dead", None)
    assert "started" in dead.tail
    local.up(services=False)
    after = pids(local)
    assert states(local) == {"one": "running", "two": "running"}
    assert after["one"] != before["one"]
    assert after["two"] == before["two"]


def test_ports_stay_over_down_and_up(root: Path) -> None:
    local = stack(root, Small("one"))
    local.up(services=False)
    port = local.status()[0].ports
    local.down()
    local.up(services=False)
    assert local.status()[0].ports == port


def test_a_part_that_an_older_version_started_gets_its_new_port(root: Path) -> None:
    class Newer(Small):
        ports = ("http", "metrics")

    Stack(root, Reporter(quiet=True), [Small("one")]).up(services=False)
    local = Stack(root, Reporter(quiet=True), [Newer("one")])
    before = local.status()[0].ports["http"]
    local.up(services=False)
    after = local.status()[0].ports
    assert after["http"] == before
    assert after["metrics"] != before


def test_a_port_that_is_taken_meanwhile_is_replaced(root: Path) -> None:
    local = stack(root, Small("one"))
    local.up(services=False)
    port = local.status()[0].ports["http"]
    local.down()
    with socket.create_server(("127.0.0.1", port)):
        local.up(services=False)
        assert states(local) == {"one": "running"}
        assert local.status()[0].ports["http"] != port


def test_a_part_configured_differently_is_restarted(root: Path) -> None:
    one = Small("one")
    local = stack(root, one, Small("two"))
    local.up(services=False)
    before = pids(local)
    one.option = "b"
    local.up(services=False)
    assert pids(local)["one"] != before["one"]
    assert pids(local)["two"] == before["two"]


def test_a_part_that_does_not_answer_is_restarted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.local.lifecycle.SOON_S", 0.5)
    one = Small("one")
    one.warmup_s = 0
    local = stack(root, one)
    local.up(services=False)
    pid = pids(local)["one"]
    psutil.Process(pid).suspend()
    assert states(local) == {"one": "unhealthy"}
    local.up(services=False)
    assert states(local) == {"one": "running"}
    assert not psutil.pid_exists(pid or 0)


class Needing(Small):
    """Waits for another part for so many looks; until then it does not answer."""

    warmup_s = 0
    looks = 0

    def waiting(self, site: Site) -> bool:
        self.looks -= 1
        return self.looks > 0

    def healthy(self, site: Site) -> bool:
        return self.looks <= 0 and super().healthy(site)


def test_a_part_is_not_restarted_for_what_it_waits_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.local.lifecycle.SOON_S", 0.5)
    one = Needing("one")
    local = stack(root, one)
    local.up(services=False)
    before = pids(local)
    one.looks = 8  # 2 s, longer than it may be deaf for reasons of its own
    local.up(services=False)
    assert one.looks == 0
    assert pids(local) == before


def test_a_part_that_dies_at_once_is_explained_and_the_others_stay(root: Path) -> None:
    local = stack(root, Small("one"), Small("two", DIES))
    with pytest.raises(PartFailedError) as caught:
        local.up(services=False)
    assert caught.value.what == "part two"
    assert "exit code 3" in caught.value.why
    assert caught.value.why.splitlines()[-2:] == ["    line one", "    the reason"]
    assert caught.value.fix == "fix it"
    assert states(local)["two"] == "dead"
    assert states(local)["one"] in ("running", "unhealthy")  # started, though nobody waited for it any more


def test_a_part_that_is_never_healthy_is_explained(root: Path) -> None:
    deaf = Small("one", DEAF)
    deaf.timeout_s = 1
    with pytest.raises(PartFailedError) as caught:
        stack(root, deaf).up(services=False)
    assert "not healthy within 1 s" in caught.value.why
    assert "busy with itself" in caught.value.why


WORKS = """
import http.server, sys, time
while time.process_time() < 3:
    pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_part_that_works_longer_than_its_timeout_is_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.local.lifecycle.LONGEST", 100)
    one = Small("one", WORKS)
    one.timeout_s = 2
    local = stack(root, one)
    local.up(services=False)
    assert states(local) == {"one": "running"}


def test_down_leaves_nothing_even_without_a_state_file(root: Path) -> None:
    local = stack(root, Small("one"), Small("two"))
    local.up(services=False)
    (root / "state.json").unlink()
    local.down()
    assert not list(process.marked(root))


def test_down_works_with_a_spoilt_state_file(root: Path) -> None:
    local = stack(root, Small("one"))
    local.up(services=False)
    (root / "state.json").write_text("{")
    with pytest.raises(MillionXError):
        local.up(services=False)
    local.down()
    assert not list(process.marked(root))
    local.up(services=False)
    assert states(local) == {"one": "running"}


def test_down_keeps_data_and_purge_deletes_it(root: Path) -> None:
    local = stack(root, Small("one"))
    local.up(services=False)
    (root / "one" / "data").write_text("precious")
    local.down()
    assert (root / "one" / "data").read_text() == "precious"
    assert states(local) == {"one": "stopped"}
    local.down(purge=True)
    assert [entry.name for entry in root.iterdir()] == ["lock"]


def test_down_of_what_never_was_is_nothing(tmp_path: Path) -> None:
    stack(tmp_path / "never", Small("one")).down()
    assert not (tmp_path / "never").exists()


def test_two_ups_at_once_start_one_stack(root: Path) -> None:
    errors: list[BaseException] = []

    def up() -> None:
        try:
            stack(root, Small("one"), Small("two")).up(services=False)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(list(process.marked(root))) == 2


def test_a_slow_part_is_not_waited_for_when_not_asked(root: Path) -> None:
    local = stack(root, Small("one"), Slow("two"))
    local.up(services=False, wait=False)
    assert states(local) == {"one": "running", "two": "starting"}
    (two,) = (part for part in local.status() if part.name == "two")
    assert two.detail == "building"
    pid = two.pid
    (root / "go").touch()
    local.up(services=False)
    assert states(local) == {"one": "running", "two": "running"}
    assert pids(local)["two"] == pid  # it was left to finish, not started anew


def test_a_slow_part_that_is_still_busy_is_waited_for_when_asked(root: Path) -> None:
    local = stack(root, Slow("two"))
    local.up(services=False, wait=False)
    timer = threading.Timer(1, (root / "go").touch)
    timer.start()
    local.up(services=False)
    assert states(local) == {"two": "running"}


def test_a_full_disk_is_said_before_anything_starts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.local.stack.NEEDED_BYTES", 1 << 60)
    with pytest.raises(MillionXError) as caught:
        stack(root, Small("one")).up(services=False)
    assert "MXCTL_STATE_DIR" in caught.value.fix
    assert not list(process.marked(root))


def test_a_failure_ends_the_waiting_for_others(root: Path) -> None:
    deaf = Small("one", DEAF)
    deaf.timeout_s = 600
    with pytest.raises(PartFailedError, match="exit code 3"):
        stack(root, deaf, Small("two", DIES)).up(services=False)
    assert states(stack(root, deaf)) == {"one": "unhealthy"}


def test_a_slow_part_that_fails_does_not_hold_up_the_others(root: Path) -> None:
    class Failing(Slow):
        def launch(self, site: Site) -> Launch:
            raise MillionXError("the slow one", "no way", "find one")

    local = stack(root, Small("one"), Failing("two"))
    with pytest.raises(MillionXError, match="no way"):
        local.up(services=False)
    assert states(local) == {"one": "running", "two": "stopped"}


def test_the_stack_is_up_without_an_optional_part(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Page(Small):
        optional = True

        def note(self, site: Site) -> str:
            return "open it"

    page = Page("ui", DIES)
    for name, stand_in in (
        ("chains", lambda _: ()),
        ("Ui", lambda: page),
        ("apply_topics", lambda site: None),
        ("apply_everything", lambda site: None),
    ):
        monkeypatch.setattr(f"glue.local.stack.{name}", stand_in)
    local = Stack(root, Reporter(), [Small("one")])
    local.up()
    assert states(local) == {"one": "running", "ui": "dead"}
    shown = capsys.readouterr().err
    assert "the stack is up without it" in shown and "the reason" in shown and "open it" not in shown
    page.code = SERVER
    local.up()
    assert states(local) == {"one": "running", "ui": "running"}
    assert [part.detail for part in local.status()] == ["", "open it"]
    assert "open it" in capsys.readouterr().err


def test_the_remedy_follows_from_the_log(root: Path) -> None:
    full = Small("one", "print('write failed: No space left on device'); raise SystemExit(1)")
    with pytest.raises(PartFailedError) as caught:
        stack(root, full).up(services=False)
    assert "free some space" in caught.value.fix
