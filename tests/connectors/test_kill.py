"""kill -9 at any point, then run again: nothing lost, no key twice. One run at a time. Clocks that jump."""

from __future__ import annotations

import datetime as real
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors import publisher, source
from connectors.checkpoint import lease
from connectors.producer import SourceProducer
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import LockHeldError, holder
from glue.kafka.produce import FencedError, ProducerRecord
from glue.registry import registry_client
from glue.settings import Settings
from tests.connectors.conftest import OnKafka
from tests.connectors.test_faults_api import final_versions, newest_versions
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.stack
Make = Callable[..., Any]
POINTS = [("page", 1), ("page", 3), ("produced", 1), ("produced", 3), ("committed", 1), ("committed", 3)]
SIZE = ("--posts", "40", "--orders", "40", "--bucket-leak", "1000")
SMALL: dict[str, dict[str, Any]] = {
    "shopify": {"page_size": 8},
    "daraz": {"page_size": 8},
    "facebook": {"page_size": 4},
}


Child = subprocess.Popen[bytes]


def start_until(one: OnKafka, point: str, count: int, folder: Path) -> Child:
    """Run the source in a process that kills itself there."""
    document = json.loads(one.config.model_dump_json(by_alias=True))
    for name in ("every", "overlap"):
        document[name] = f"{getattr(one.config, name).total_seconds():.0f}s"
    file = folder / f"{one.config.name}.json"
    file.write_text(json.dumps(document))
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed_run.py")), str(file), point, str(count)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}, stderr=subprocess.PIPE,
    )  # fmt: skip


def is_killed(child: Child) -> None:
    """Wait for its end, which must be the one it was to have."""
    _, stderr = child.communicate(timeout=PATIENCE)
    assert child.returncode == -signal.SIGKILL, stderr.decode()[-2000:]


@pytest.mark.parametrize("name", list(SMALL))
def test_killed_anywhere_loses_and_doubles_nothing(
    name: str, make_sandbox: Make, on_kafka: Make, tmp_path: Path
) -> None:
    sandbox = make_sandbox(*SIZE)
    killed = [(point, count, on_kafka(name, sandbox, SMALL[name])) for point, count in POINTS]
    for child in [start_until(one, point, count, tmp_path) for point, count, one in killed]:
        is_killed(child)
    whole: OnKafka = on_kafka(name, sandbox, SMALL[name])
    whole.run().check()
    wanted = sorted(whole.stored().keys)
    assert len(wanted) >= 40
    for point, count, one in killed:
        one.run(wait=60.0).check()
        assert sorted(one.stored().keys) == wanted, f"killed at {point} {count}"


def test_killed_again_and_again_it_still_arrives(make_sandbox: Make, on_kafka: Make, tmp_path: Path) -> None:
    sandbox = make_sandbox(*SIZE)
    one = on_kafka("shopify", sandbox, SMALL["shopify"])
    for point in ("produced", "committed"):
        is_killed(start_until(one, point, 2, tmp_path))
        sandbox.orders("shopify", update=5)
    one.run(wait=60.0).check()
    stored = one.stored()
    assert len(stored.keys) == len(set(stored.keys))
    assert newest_versions(stored.records) == final_versions("shopify", sandbox, on_kafka)


def test_a_second_run_is_refused_while_the_first_holds_the_lease(
    stack: Settings, make_sandbox: Make, on_kafka: Make
) -> None:
    one: OnKafka = on_kafka("weather", make_sandbox())
    admin = KafkaConfig.of(stack).admin()
    with lease(KafkaConfig.of(stack), one.config.name, 0):
        wait_for(lambda: holder(admin, f"connectors.lease.{one.config.name}"), what="the lease is seen")
        with pytest.raises(LockHeldError) as caught:
            one.run(wait=0.0)
        assert str(os.getpid()) in caught.value.why
    one.run().check()


def test_who_lost_the_lease_can_commit_nothing_more(stack: Settings, make_sandbox: Make, on_kafka: Make) -> None:
    one: OnKafka = on_kafka("weather", make_sandbox())
    registry = registry_client(stack)
    first = SourceProducer(KafkaConfig.of(stack), registry, one.config.name)
    first.commit([ProducerRecord(one.config.dead_letters, b"1", b"x")])
    second = SourceProducer(KafkaConfig.of(stack), registry, one.config.name)
    with pytest.raises(FencedError):
        first.commit([ProducerRecord(one.config.dead_letters, b"2", b"x")])
    second.commit([ProducerRecord(one.config.dead_letters, b"3", b"x")])
    assert sorted(message.key() for message in one.stored().dead) == [b"1", b"3"]


def test_a_stop_ends_after_the_page_at_hand_and_the_next_run_goes_on(make_sandbox: Make, on_kafka: Make) -> None:
    import threading

    sandbox = make_sandbox(*SIZE)
    one: OnKafka = on_kafka("shopify", sandbox, SMALL["shopify"])
    stop = threading.Event()
    result = one.run(stop=stop, on_record=lambda *_: stop.set())
    assert result.outcome == "stopped"
    assert 0 < len({value["order_id"] for _, value in one.stored().records}) < 40
    one.run().check()
    stored = one.stored()
    assert len(stored.keys) == len(set(stored.keys))
    assert len({value["order_id"] for _, value in stored.records}) == 40


class Jumped:
    """Shifts the clock that the sources and the publisher see."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def by(self, shift: real.timedelta) -> None:
        class Shifted(real.datetime):
            @classmethod
            def now(cls, tz: real.tzinfo | None = None) -> Shifted:
                moved = real.datetime.now(tz) + shift
                return cls.fromtimestamp(moved.timestamp(), tz)

        for module in (publisher, source):
            self._patch.setattr(module, "datetime", Shifted)


@pytest.mark.parametrize("shop", ["shopify", "daraz"])
def test_a_clock_that_jumps_loses_and_doubles_nothing(
    shop: str, make_sandbox: Make, on_kafka: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make_sandbox(*SIZE)
    one: OnKafka = on_kafka(shop, sandbox, SMALL[shop])
    clock = Jumped(monkeypatch)
    for days in (0, 3, -40, 0.02, -0.02, 400, 0):
        clock.by(real.timedelta(days=days))
        one.run().check()
        sandbox.orders(shop, update=4, add=1)
    one.run().check()
    stored = one.stored()
    assert len(stored.keys) == len(set(stored.keys))
    monkeypatch.undo()
    assert newest_versions(stored.records) == final_versions(shop, sandbox, on_kafka)


@pytest.mark.soak
@pytest.mark.parametrize("shop", ["shopify", "daraz"])
def test_ten_thousand_orders_with_updates_in_between(shop: str, make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox("--orders", "10000", "--bucket-leak", "1000", fault=[f"{shop}:updates-while-paging"])
    one: OnKafka = on_kafka(shop, sandbox)
    one.run().check()
    sandbox.faults()
    one.run().check()
    stored = one.stored()
    assert len(stored.keys) == len(set(stored.keys))
    assert len({value["order_id"] for _, value in stored.records}) == 10_000
    assert newest_versions(stored.records) == final_versions(shop, sandbox, on_kafka)
