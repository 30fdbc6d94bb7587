"""What a Python transform can do wrong, in a real worker: its records end in dead letters, all others arrive."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from glue.settings import Settings
from tests.glue.connect_python.worker import Bench, hosts
from tests.waiting import wait_for

pytestmark = pytest.mark.stack


@pytest.fixture
def bench(stack: Settings, tmp_path: Path) -> Bench:
    return Bench(stack, tmp_path)


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("raise", "DataException", "ValueError: a text that nobody foresaw"),
        ("refuse", "DataException", "price: it is below zero"),
        ("retry", "Retriable", "the catalogue: it does not answer"),
        ("exit", "HostLost", "it ended with status 3"),
        ("crash", "HostLost", "it was ended by signal 11"),
        ("kill", "HostLost", "it was ended by signal 9"),
        ("grow", "HostLost", "out of the memory it may take"),
        ("hang", "HostLost", "a call took longer than allowed"),
        ("hang_in_c", "HostLost", "a call took longer than allowed"),
    ],
)
def test_only_the_record_that_fails_is_missing(bench: Bench, fault: str, kind: str, text: str) -> None:
    records = [{"do": "pass"}, {"do": fault, "n": 1}, {"do": "pass"}, {"do": "drop"}, {"do": "pass"}]
    limits = {"transforms__f__python__call__timeout__ms": 2000, "transforms__f__python__memory__limit__mb": 600}
    with bench.running(bench.faulty(**limits)):
        bench.produce(records)
        bench.wait_for_keys({"0", "2", "4"})
        letter = bench.letters(1)["1"]
        assert bench.states() == ["RUNNING"]
    assert letter["exception.class.name"].endswith(kind)
    assert text in letter["exception.message"]
    assert letter["stage"] == "TRANSFORMATION"
    assert letter["class.name"] == "bd.millionx.connect.PythonTransform$Value"
    assert b'"n": 1' in letter["value"]
    wait_for(lambda: not hosts(), what="no host")


def test_the_trace_is_that_of_python(bench: Bench) -> None:
    with bench.running(bench.faulty()):
        bench.produce([{"do": "raise"}])
        trace = bench.letters(1)["0"]["exception.stacktrace"]
    assert "at plugins.Faulty._raise(plugins.py:" in trace
    assert trace.index("Faulty._raise") < trace.index("Faulty.apply") < trace.index("bd.millionx.connect.PythonFailure")


def test_a_text_that_may_quote_data_is_kept_back_when_asked(bench: Bench) -> None:
    with bench.running(bench.faulty(transforms__f__python__error__text="false")):
        bench.produce([{"do": "raise"}, {"do": "refuse"}])
        letters = bench.letters(2)
    assert letters["0"]["exception.message"] == "ValueError"
    assert letters["1"]["exception.message"] == "price: it is below zero"


@pytest.mark.parametrize("fault", ["exit", "kill"])
def test_a_process_that_is_lost_once_costs_no_record_and_no_task(bench: Bench, fault: str) -> None:
    with bench.running(bench.faulty(times=1, errors__tolerance="none")):
        bench.produce([{"do": "pass"}, {"do": fault}, {"do": "pass"}])
        bench.wait_for_keys({"0", "1", "2"})
        assert bench.states() == ["RUNNING"]


def test_what_may_pass_later_is_tried_again_within_the_tasks_policy(bench: Bench) -> None:
    policy = {"errors__retry__timeout": 60000, "errors__retry__delay__max__ms": 500}
    with bench.running(bench.faulty(times=3, **policy)):
        bench.produce([{"do": "retry"}, {"do": "hang", "n": 2}])
        bench.produce([{"do": "pass"}])
        wait_for(lambda: "0" in {line[3] for line in bench.lines()}, what="three attempts")
        assert (bench.folder / "marks" / "retry-0").stat().st_size == 4


def test_without_tolerance_the_task_fails_and_says_why(bench: Bench) -> None:
    with bench.running(bench.faulty(errors__tolerance="none")):
        bench.produce([{"do": "raise"}])
        wait_for(lambda: bench.states() == ["FAILED"], what="a failed task")
        assert "ValueError: a text that nobody foresaw" in bench.trace()
        assert "plugins.Faulty._raise" in bench.trace()
    assert bench.lines() == []


def test_hosts_end_with_their_connector(bench: Bench) -> None:
    with bench.running(bench.faulty()):
        bench.produce([{"do": "pass"}])
        bench.wait_for_keys({"0"})
        assert len(hosts()) == 2  # the transform's and the sink's
    wait_for(lambda: not hosts(), what="no host")


def test_a_host_that_is_killed_between_records_is_replaced(bench: Bench) -> None:
    with bench.running(bench.faulty(errors__tolerance="none")):
        bench.produce([{"do": "pass"}])
        bench.wait_for_keys({"0"})
        for host in hosts():
            os.kill(host.pid, signal.SIGKILL)
        bench.produce([{"do": "pass"}, {"do": "pass"}])
        bench.wait_for_keys({"0", "1"})
        assert bench.states() == ["RUNNING"]


def test_topic_key_headers_and_timestamp_can_be_changed(bench: Bench) -> None:
    with bench.running(bench.faulty()):
        bench.produce([{"do": "rename"}, {"do": "tombstone"}], headers=[("a", b"1")])
        bench.wait_for_keys({"another", "1"})
    renamed, tombstone = sorted(bench.lines(), key=lambda line: len(line[3]), reverse=True)
    assert renamed[0] == "renamed" and renamed[5] == 2
    assert tombstone[4] is None
