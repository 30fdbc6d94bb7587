"""Three brokers, two workers, two instances of each chain: under load they restart, die, lose their disks and hang.

Load and check by key are those of ``flow``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from glue.kafka.config import KafkaConfig
from glue.local.lifecycle import bring_down, bring_up
from glue.local.part import Part
from glue.local.report import Reporter
from glue.local.security import make_secure
from glue.local.services import chains
from glue.local.size import make_size
from glue.local.stack import PARTS, Stack
from glue.settings import get_settings
from tests.glue.local.flow import KEYS, RATE, SINK, Flow
from tests.waiting import wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
FROZEN_S = 40  # of a broker; more than its session with the controller and less than anybody's patience


@contextmanager
def three_brokers(
    folders: pytest.TempPathFactory, secure: bool = False, parts: Sequence[Part] = PARTS
) -> Iterator[Path]:
    """The folder of a running stack: of ``MXCTL_TEST_STATE_DIR``, which runs on, or a new one, which ends."""
    kept = os.environ.get("MXCTL_TEST_STATE_DIR")
    folder = Path(kept).resolve() if kept else folders.mktemp("brokers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        make_size(folder, 3, 2)
        if secure:
            make_secure(folder)
        get_settings.cache_clear()
        try:
            Stack(folder, Reporter(), parts).up()
            yield folder
        finally:
            if not kept:
                Stack(folder, Reporter(quiet=True)).down()
            get_settings.cache_clear()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with three_brokers(tmp_path_factory) as folder:
        yield folder


def pid(root: Path, name: str) -> int:
    found = Stack(root, Reporter(quiet=True)).site().state.part(name).pid
    assert found
    return found


def kill(root: Path, name: str) -> None:
    victim = psutil.Process(pid(root, name))
    victim.kill()
    victim.wait(30)


def up(root: Path) -> None:
    Stack(root, Reporter(quiet=True)).up(services=False)


def until_in_sync(flow: Flow) -> None:
    """Wait until every copy of every partition is in sync again."""
    admin = KafkaConfig.of(flow.settings).admin({"log_level": 0})

    def lagging() -> list[str | None]:
        topics = admin.list_topics(timeout=30).topics.values()
        return [t.topic for t in topics for one in t.partitions.values() if set(one.isrs) != set(one.replicas)]

    wait_for(lagging, lambda found: not found, seconds=400, what="all copies in sync")


def active_controller(root: Path) -> str:
    """The part that leads the quorum."""
    states = (json.loads(file.read_text()) for file in root.glob("kafka*/data/__cluster_metadata-0/quorum-state"))
    number = Counter(state["leaderId"] for state in states).most_common(1)[0][0]
    return "kafka" if number == 1 else f"kafka-{number}"


def restart_in_turn(root: Path, flow: Flow) -> None:
    local = Stack(root, Reporter(quiet=True))
    site = local.site()
    parts: tuple[Part, ...] = (*local.parts, *chains(local.size.instances))
    for part in parts:
        bring_down(part, site)
        bring_up(part, site)
        if part.name.startswith("kafka"):
            until_in_sync(flow)


def lose_a_disk(root: Path, flow: Flow) -> None:
    kill(root, "kafka-2")
    shutil.rmtree(root / "kafka-2" / "data")
    up(root)


def kill_the_controller(root: Path, flow: Flow) -> None:
    kill(root, active_controller(root))
    time.sleep(30)
    up(root)


def kill_a_worker(root: Path, flow: Flow) -> None:
    kill(root, "connect-2")
    time.sleep(15)
    up(root)


def freeze_a_leader(root: Path, flow: Flow) -> None:
    leads = KafkaConfig.of(flow.settings).admin().list_topics(SINK, timeout=30).topics[SINK].partitions[0].leader
    frozen = psutil.Process(pid(root, "kafka" if leads == 1 else f"kafka-{leads}"))
    frozen.send_signal(signal.SIGSTOP)
    try:
        time.sleep(FROZEN_S)
    finally:
        frozen.send_signal(signal.SIGCONT)


FAULTS: dict[str, Callable[[Path, Flow], None]] = {
    f"a leader hangs for {FROZEN_S} s": freeze_a_leader,
    "a worker of Connect is killed": kill_a_worker,
    "a broker is killed, its disk removed": lose_a_disk,
    "the active controller is killed": kill_the_controller,
    "everything restarts in turn": restart_in_turn,
}


def survive(root: Path, faults: Mapping[str, Callable[[Path, Flow], None]]) -> None:
    """One fault after another under load; then nothing is lost, doubled or out of order. Their pauses are printed."""
    flow, table = Flow(get_settings()), {}
    with flow:
        flow.settle()
        for name, fault in faults.items():
            began = time.monotonic()
            fault(root, flow)
            until_in_sync(flow)
            flow.settle()
            table[name] = (*flow.gaps(began), time.monotonic() - began)
            print(
                f"{name}: paused {table[name][0]:.1f} s on the topic, {table[name][1]:.1f} s in the table", flush=True
            )
        flow.settle()
    flow.check()
    print(f"\n{len(flow.sent)} records at {RATE}/s under {KEYS} keys; the longest pauses in seconds:")
    for name, (topic, store, took) in table.items():
        print(f"| {name} | {topic:.1f} | {store:.1f} | {took:.0f} |")


def test_nothing_is_lost_doubled_or_out_of_order(root: Path) -> None:
    survive(root, FAULTS)
