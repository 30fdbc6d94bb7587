"""A Python sink in a real worker: order and count, refusals, losses of the process and of the worker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.settings import Settings, state_dir
from tests.glue.connect_python.worker import Bench, hosts
from tests.waiting import wait_for

pytestmark = pytest.mark.stack


@pytest.fixture
def bench(stack: Settings, tmp_path: Path) -> Bench:
    return Bench(stack, tmp_path, partitions=3)


def _kill_hosts() -> None:
    for host in hosts():
        os.kill(host.pid, signal.SIGKILL)


def _worker() -> psutil.Process:
    (found,) = {host.parent() for host in hosts()}
    assert found is not None
    return found


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_records_keep_order_and_count(bench: Bench, count: int) -> None:
    with bench.running(bench.faulty()):
        bench.produce({"text": f"post {number}"} for number in range(count))
        wait_for(lambda: bench.file.exists() and len(bench.lines()) >= count, what="all of them")
    lines = bench.lines()
    assert len(lines) == count
    assert {line[4]["text"] for line in lines} == {f"post {number}" for number in range(count)}
    for partition in range(3):
        offsets = [line[2] for line in lines if line[1] == partition]
        assert offsets == list(range(len(offsets)))


def test_a_refused_record_goes_to_dead_letters_and_its_batch_does_not(bench: Bench) -> None:
    with bench.running(bench.config()):
        bench.produce([{"text": "a"}, {"text": "refuse me"}, None, {"text": "b"}])
        bench.wait_for_keys({"0", "2", "3"})
        letter = bench.letters(1)["1"]
    assert letter["exception.message"] == "file sink: it asked for it"
    assert letter["stage"] == "TASK_PUT"


def test_a_refused_record_without_tolerance_fails_the_task_and_is_not_lost(bench: Bench) -> None:
    with bench.running(bench.config(errors__tolerance="none", errors__deadletterqueue__topic__name="")):
        bench.produce([{"text": "refuse me"}])
        wait_for(lambda: bench.states() == ["FAILED"], what="a failed task")
        assert "file sink: it asked for it" in bench.trace()


def test_what_was_put_and_not_flushed_is_read_again_when_the_process_is_killed(bench: Bench) -> None:
    keys = {str(number) for number in range(30_000)}
    with bench.running(bench.config(errors__tolerance="none")):
        bench.produce({"text": "x" * 200} for _ in range(15_000))
        (first,) = wait_for(hosts, what="a host")
        _kill_hosts()
        wait_for(lambda: first not in hosts() and hosts(), what="another host")
        bench.produce({"text": "y"} for _ in range(30_000))
        _kill_hosts()
        bench.wait_for_keys(keys)
        assert bench.states() == ["RUNNING"]


def test_the_record_that_ends_the_process_each_time_is_found_and_put_aside(bench: Bench) -> None:
    with bench.running(bench.config(fail__on="poison")):
        bench.produce({"text": "poison" if number in (700, 1500) else "good"} for number in range(2000))
        bench.wait_for_keys({str(number) for number in range(2000) if number not in (700, 1500)})
        letters = bench.letters(2)
        assert bench.states() == ["RUNNING"]
    assert set(letters) == {"700", "1500"}
    assert "the Python process ended each time" in letters["700"]["exception.message"]


def test_killing_the_worker_leaves_no_host_and_loses_no_record(bench: Bench) -> None:
    keys = {str(number) for number in range(40_000)}
    with bench.running(bench.faulty(errors__tolerance="none")):
        bench.produce({"text": "x", "do": "pass"} for _ in range(40_000))
        bench.produce([{"text": "now hang, and never answer", "do": "hang_in_c", "n": 9}])
        wait_for(lambda: (bench.folder / "marks" / "hang_in_c-9").exists(), what="a hanging host")
        _worker().kill()
        wait_for(lambda: not hosts(), what="no host")
        (bench.folder / "marks" / "hang_in_c-9").write_bytes(b"." * 2_000_000)  # it passes from now on
        Stack(state_dir(), Reporter(quiet=True)).up(services=False)
        bench.wait_for_keys(keys)
