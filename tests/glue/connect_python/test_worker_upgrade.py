"""Versions of a plugin side by side on one worker, and workers that are restarted one after the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from glue.settings import Settings
from tests.glue.connect_python.conftest import Jvm
from tests.glue.connect_python.worker import Bench, hosts
from tests.glue.topology.workers import Worker
from tests.waiting import wait_for

pytestmark = pytest.mark.stack

_ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
_VERSION = """
from glue.transforms.contract import Record, Transform, TransformConfig
class Mark(Transform[TransformConfig]):
    def apply(self, record: Record) -> Record:
        record.value["version"] = {}
        return record
"""


def test_two_versions_of_a_class_run_side_by_side(stack: Settings, classes: Path) -> None:
    benches = []
    for number in (1, 2):
        folder = classes / str(number)
        folder.mkdir()
        (folder / "versioned.py").write_text(_VERSION.format(number))
        benches.append(Bench(stack, folder))
    first, second = (
        bench.config(
            transforms="mark",
            transforms__mark__type="bd.millionx.connect.PythonTransform$Value",
            transforms__mark__class="versioned:Mark",
            transforms__mark__python__executable=sys.executable,
            transforms__mark__python__path=bench.folder,
        )
        for bench in benches
    )
    with benches[0].running(first), benches[1].running(second):
        for bench in benches:
            bench.produce([{"text": "a"}, {"text": "b"}])
        for bench in benches:
            bench.wait_for_keys({"0", "1"})
    assert [{line[4]["version"] for line in bench.lines()} for bench in benches] == [{1}, {2}]


@pytest.fixture
def workers(stack: Settings, jvm: Jvm, tmp_path: Path) -> Iterator[list[Worker]]:
    """Two workers in a group of their own."""
    group = f"upgrade-{uuid4().hex[:8]}"
    found = [Worker(tmp_path / name, stack.kafka, group, jvm.plugin.parent, _ENVIRONMENT) for name in "ab"]
    for worker in found:
        worker.start()
    yield found
    for worker in found:
        worker.kill()


def _stop(worker: Worker) -> None:
    assert worker._process is not None
    worker._process.terminate()
    worker._process.wait(60)


def test_workers_restarted_one_after_the_other_lose_nothing(
    stack: Settings, workers: list[Worker], tmp_path: Path
) -> None:
    bench = Bench(stack.model_copy(update={"connect": workers[0].url}), tmp_path, partitions=4)
    count = 0

    def produce_and_wait() -> None:
        nonlocal count
        bench.produce({"text": f"post {number}"} for number in range(2000))
        count += 2000
        wait_for(lambda: len({(line[1], line[2]) for line in bench.lines()}) == count, what="all of them")

    with bench.running(bench.faulty(errors__tolerance="none") | {"tasks.max": "2"}):
        wait_for(lambda: bench.states() == ["RUNNING"] * 2, what="both tasks")
        produce_and_wait()
        for worker in workers:
            bench.produce({"text": "on the way"} for _ in range(2000))  # what is at hand when it is told to stop
            count += 2000
            _stop(worker)
            produce_and_wait()  # by the one that is left
            worker.start()
        produce_and_wait()
        assert bench.states() == ["RUNNING"] * 2
    wait_for(lambda: not hosts(), what="no host")
