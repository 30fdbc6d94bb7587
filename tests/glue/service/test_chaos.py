"""Everything dies, at random points, under load; afterwards each input is in exactly one place, once, in order.

``MXCTL_CHAOS_KILLS`` sets the number of SIGKILLs (default 6, so that a test run takes a minute or two).
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from glue.deadletters.headers import PREFIX, last
from glue.local.ports import is_free
from glue.local.report import Reporter
from glue.local.stack import PARTS, Stack
from glue.local.state import State
from glue.settings import state_dir
from tests.playground import Cable, Playground, a_post
from tests.waiting import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
KILLS = int(os.environ.get("MXCTL_CHAOS_KILLS", "6"))
# Once in every run of the tests, many times in the long proofs.
OFTEN = pytest.mark.parametrize("kills", [1, pytest.param(KILLS, marks=pytest.mark.soak)])
KEYS = 200
RATE = 400  # records a second


class Load:
    """Sends posts in the background; remembers what the broker acknowledged: number by (partition, offset)."""

    def __init__(self, play: Playground) -> None:
        self.play, self.sent, self.bad = play, {}, set()  # type: ignore[var-annotated]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.05):
            for _ in range(RATE // 20):
                self._send(number)
                number += 1
            self.play.producer.poll(0)
        self.play.flush()

    def _send(self, number: int) -> None:
        fields = {"content": "hi"} if number % 37 == 0 else {"product_ids": [f"p{number % 11}"]}
        value = b"\x00poison" if number % 41 == 0 else self.play.encode(a_post(number, **fields))
        if number % 37 == 0 or number % 41 == 0:
            self.bad.add(number)

        def landed(error: object, message: object) -> None:
            assert error is None
            self.sent[message.partition(), message.offset()] = number  # type: ignore[attr-defined]

        self.play.producer.produce(self.play.source, value, self.play.key(number % KEYS), on_delivery=landed)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


class Process:
    """A worker as ``mxctl transforms run`` starts it."""

    def __init__(
        self,
        play: Playground,
        instance: str,
        config_dir: Path,
        log: Path,
        options: tuple[str, ...] = (),
        **addresses: str,
    ) -> None:
        self._addresses, self._options = addresses, options
        self._play, self._instance, self._config_dir, self._log = play, instance, config_dir, log
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "glue", "transforms", "run", self._play.name, "--instance", self._instance]
        command += self._options
        settings = {name: str(getattr(self._play.settings, name)) for name in ("kafka", "registry", "redis")}
        settings |= self._addresses
        environment = os.environ | {f"MXCTL_{name.upper()}": value for name, value in settings.items()}
        environment["MXCTL_CONFIG_DIR"] = str(self._config_dir)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def workers(self) -> list[psutil.Process]:
        """The worker processes of a supervisor."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        return [child for child in children if "--multiprocessing-fork" in child.cmdline()]

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0, self._log.read_text()[-3000:]


@pytest.fixture
def config_dir(play: Playground, tmp_path: Path) -> Path:
    folder = tmp_path / "config" / "transforms"
    folder.mkdir(parents=True)
    settings = {"transforms__enrich__redis__url": "", "batch__max__records": "400", "errors__retry__timeout": "-1"}
    chain = play.chain(**settings)
    (folder / f"{play.name}.json").write_text(json.dumps({"name": chain.name, "config": chain.config}))
    return folder.parent


@pytest.fixture
def workers(play: Playground, config_dir: Path, tmp_path: Path) -> Iterator[list[Process]]:
    found = [Process(play, name, config_dir, tmp_path / f"{name}.log") for name in ("a", "b")]
    yield found
    for worker in found:
        if worker._process is not None and worker._process.poll() is None:
            worker._process.kill()
            worker._process.wait()


def assert_exactly_once(play: Playground, load: Load) -> None:
    """Reading committed only: each input in output or in dead letters, once, and each key's outputs in its order."""
    numbers = {number: place for place, number in load.sent.items()}
    output = play.read(play.output)
    seen = Counter(play.value(message)["likes"] for message in output)
    dead = Counter(
        load.sent[int(last(m.headers(), PREFIX + "partition") or -1), int(last(m.headers(), PREFIX + "offset") or -1)]
        for m in play.read(play.dead)
    )
    assert [n for n, count in (seen + dead).items() if count > 1] == [], "doubled"
    assert set(numbers) - set(seen) - set(dead) == set(), "lost"
    assert set(dead) == load.bad
    assert set(seen) == set(numbers) - load.bad
    by_key: dict[bytes, list[int]] = {}
    for message in output:
        by_key.setdefault(message.key(), []).append(play.value(message)["likes"])
    assert all(versions == sorted(versions) for versions in by_key.values()), "out of order"


def until_all_is_out(play: Playground, load: Load) -> None:
    wait_for(lambda: len(play.keys(play.output)) + len(play.keys(play.dead)) >= len(load.sent), seconds=600)


@OFTEN
def test_workers_are_killed_at_random_points(play: Playground, workers: list[Process], kills: int) -> None:
    chance = random.Random(kills)
    with Load(play) as load:
        wait_for(lambda: play.keys(play.output))
        for _ in range(kills):
            victim = chance.choice(workers)
            victim.kill()
            if chance.random() < 0.3:  # stay away longer than a session, so that partitions move
                time.sleep(7)
            victim.start()
            time.sleep(chance.uniform(1.5, 5))
    until_all_is_out(play, load)
    for worker in workers:
        worker.stop()
    assert_exactly_once(play, load)
    print(f"chaos: {kills} kills, {len(load.sent)} records, {len(load.bad)} of them bad")


@OFTEN
def test_the_broker_is_paused_and_killed_and_started_again(
    play: Playground, workers: list[Process], kills: int
) -> None:
    part = State(state_dir() / "state.json").parts["kafka"]
    broker = part.pid or 0

    with Load(play) as load:
        wait_for(lambda: play.keys(play.output))
        for _ in range(max(1, kills // 6)):
            os.kill(broker, signal.SIGSTOP)
            time.sleep(8)
            os.kill(broker, signal.SIGCONT)
            time.sleep(5)
        os.kill(broker, signal.SIGKILL)
        assert wait_for(lambda: all(map(is_free, part.ports.values())))
        Stack(state_dir(), Reporter(quiet=True), [part for part in PARTS if part.name == "kafka"]).up(services=False)
        time.sleep(3)
    until_all_is_out(play, load)
    for worker in workers:
        worker.stop()
    assert_exactly_once(play, load)


@pytest.mark.soak
def test_registry_and_redis_are_cut_under_load(play: Playground, config_dir: Path, tmp_path: Path) -> None:
    lines, addresses = {}, {}
    for name in ("registry", "redis"):
        scheme, _, rest = str(getattr(play.settings, name)).partition("://127.0.0.1:")
        port, _, path = rest.partition("/")
        lines[name] = Cable(int(port))
        addresses[name] = f"{scheme}://127.0.0.1:{lines[name].port}/{path}"
    worker = Process(play, "a", config_dir, tmp_path / "a.log", **addresses)
    chance = random.Random(1)
    with Load(play) as load:
        wait_for(lambda: play.keys(play.output))
        for _ in range(max(2, KILLS // 3)):
            line = lines[chance.choice(["registry", "redis"])]
            line.cut()
            if chance.random() < 0.5:
                worker.kill()
                worker.start()
            time.sleep(3)
            line.mend()
            time.sleep(2)
    until_all_is_out(play, load)
    worker.stop()
    assert_exactly_once(play, load)


@pytest.mark.soak
def test_several_workers_are_replaced_when_they_die_and_leave_with_their_supervisor(
    play: Playground, config_dir: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    service = Process(play, "w", config_dir, tmp_path / "w.log", ("--workers", "2", "--port", str(port)))

    def ready() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    with Load(play) as load:
        assert wait_for(ready)
        for _ in range(max(1, KILLS // 6)):
            victim = random.choice(service.workers())
            victim.kill()
            victim.wait(10)
            assert wait_for(lambda: len(service.workers()) == 2 and ready())
        assert (
            f'millionx_glue_consumed_total{{chain="{play.name}"'
            in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        )
    until_all_is_out(play, load)
    left = service.workers()
    service.kill()
    assert wait_for(lambda: not any(worker.is_running() for worker in left)), "orphans"
    service.start()
    assert wait_for(ready)
    service.stop()
    assert_exactly_once(play, load)
