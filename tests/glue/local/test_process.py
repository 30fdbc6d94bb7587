"""Processes: started, recognised, stopped with all they started."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from glue.local import process
from glue.local.process import Launch
from glue.local.state import PartState
from tests.waiting import PATIENCE

# Starts a child that ignores SIGTERM, says so, and waits.
PARENT = """
import subprocess, sys, time
child = "import signal, time; signal.signal(15, signal.SIG_IGN); print('child', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child])
time.sleep(600)
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for one in list(process.marked(tmp_path)):
        one.kill()


def start(stack: Path, code: str, name: str = "part") -> PartState:
    state = PartState()
    launch = Launch([sys.executable, "-u", "-c", code], stack)
    process.start(launch, stack, name, state, stack / "logs" / f"{name}.log")
    return state


def wait_for_log(state: PartState, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while text not in "".join(process.tail(state.log)):
        assert time.monotonic() < deadline, process.tail(state.log)
        time.sleep(0.05)


def test_a_part_is_found_by_pid_and_creation_time(stack: Path) -> None:
    state = start(stack, "import time; time.sleep(600)")
    found = process.find(state)
    assert found is not None
    assert found.pid == state.pid


def test_a_recycled_pid_is_not_mistaken_for_the_part(stack: Path) -> None:
    state = start(stack, "import time; time.sleep(600)")
    assert state.created is not None
    assert process.find(PartState(pid=state.pid, created=state.created - 60)) is None
    # Nor is it stopped: someone else's process has that number now.
    process.stop(PartState(pid=state.pid, created=state.created - 60), stack, "other", 1)
    assert process.find(state) is not None


def test_stopping_ends_children_that_ignore_it(stack: Path) -> None:
    state = start(stack, PARENT)
    wait_for_log(state, "child")
    family = list(process.marked(stack))
    assert len(family) == 2
    assert process.stop(state, stack, "part", grace_s=1)
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)


def test_children_of_a_dead_part_are_found_and_ended(stack: Path) -> None:
    state = start(stack, PARENT)
    wait_for_log(state, "child")
    psutil.Process(state.pid).send_signal(signal.SIGKILL)
    psutil.wait_procs([psutil.Process(state.pid)], timeout=10)
    assert process.find(state) is None
    assert len(list(process.marked(stack))) == 1
    assert process.stop(state, stack, "part", grace_s=1)
    assert not list(process.marked(stack))


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux shows a program whose first thread has ended")
def test_a_part_is_there_until_its_last_thread_has_ended(stack: Path) -> None:
    code = "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); print('started')"
    state = start(stack, f"{code}; ctypes.CDLL(None).pthread_exit(None)")
    wait_for_log(state, "started")
    deadline = time.monotonic() + PATIENCE
    while psutil.Process(state.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.find(state) is not None
    assert process.stop(state, stack, "part", grace_s=5)
    assert process.find(state) is None


def test_other_stacks_and_other_parts_are_left_alone(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    mine, theirs = start(stack, "import time; time.sleep(600)"), start(other, "import time; time.sleep(600)")
    beside = start(stack, "import time; time.sleep(600)", "beside")
    process.stop(mine, stack, "part", grace_s=5)
    assert process.find(mine) is None
    assert process.find(theirs) is not None
    assert process.find(beside) is not None
    process.stop(theirs, other, "part", grace_s=5)


def test_a_program_that_writes_over_its_environment_is_found_by_its_log(stack: Path) -> None:
    state = PartState()
    # As redis-server leaves it: nothing readable in its environment.
    launch = Launch(["env", "-i", sys.executable, "-c", "import time; time.sleep(600)"], stack)
    process.start(launch, stack, "part", state, stack / "logs" / "part.log")
    deadline = time.monotonic() + PATIENCE
    while process.STACK_MARK in psutil.Process(state.pid).environ():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [one.pid for one in process.marked(stack, "part")] == [state.pid]
    assert not list(process.marked(stack, "other"))
    assert process.stop(PartState(), stack, None, grace_s=5)
    assert process.find(state) is None


def test_how_it_ended_is_known(stack: Path) -> None:
    state = start(stack, "import sys; print('so long'); sys.exit(7)")
    wait_for_log(state, "so long")
    deadline = time.monotonic() + PATIENCE
    while process.find(state) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.exit_code(state) == 7


def test_the_log_of_the_life_before_is_kept(stack: Path) -> None:
    for word in ("first", "second"):
        wait_for_log(start(stack, f"print('{word}')"), word)
    assert "first" in (stack / "logs" / "part.log.1").read_text()
    assert "second" in (stack / "logs" / "part.log").read_text()


def test_a_part_gets_little_of_our_environment(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARKUS_HTTP_HOST", "0.0.0.0")
    state = start(stack, "import os; print(sorted(os.environ)); print('done')")
    wait_for_log(state, "done")
    seen = "".join(process.tail(state.log))
    assert "QUARKUS_HTTP_HOST" not in seen
    assert "PATH" in seen


def test_a_fingerprint_changes_with_whatever_would_start_it_differently(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a=1")
    base = Launch(["prog", "x"], tmp_path, {"A": "1"}, (file,))
    same = Launch(["prog", "x"], tmp_path, {"A": "1"}, (file,))
    assert base.fingerprint() == same.fingerprint()
    others = [
        Launch(["prog", "y"], tmp_path, {"A": "1"}, (file,)),
        Launch(["prog", "x"], tmp_path, {"A": "2"}, (file,)),
        Launch(["prog", "x"], tmp_path / "z", {"A": "1"}, (file,)),
        Launch(["prog", "x"], tmp_path, {"A": "1"}),
    ]
    before = {base.fingerprint(), *(other.fingerprint() for other in others)}
    assert len(before) == 5
    file.write_text("a=2")
    assert base.fingerprint() not in before


def test_the_tail_is_the_end(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(100)))
    assert process.tail(tmp_path / "log", 2) == ["line 98", "line 99"]
    assert process.tail(tmp_path / "nothing", 2) == []
