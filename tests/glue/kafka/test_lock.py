"""The lock: two never hold it, a dead holder loses it, one that lost it is told; and a broker that is still young."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, KafkaException

from glue.errors import ServiceUnavailableError
from glue.kafka import lock
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock, LockHeldError, LockLostError, holder
from glue.kafka.topic_log import TopicLog
from glue.settings import Settings
from tests.waiting import wait_for


class Broker:
    """Answers each question for a group with the next of ``codes`` as its error; the last one stays."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.asked = 0

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        code = self.codes[min(self.asked, len(self.codes) - 1)]
        self.asked += 1
        answer: Future[Any] = Future()
        answer.set_exception(KafkaException(KafkaError(code)))
        return dict.fromkeys(groups, answer)


@pytest.mark.parametrize(
    "code",
    [KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR],
)
def test_a_young_broker_is_waited_for(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock.time, "sleep", lambda _: None)
    broker = Broker(code, code, KafkaError.GROUP_ID_NOT_FOUND)
    assert holder(broker, "x") is None  # type: ignore[arg-type]
    assert broker.asked == 3


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.0)
    with pytest.raises(ServiceUnavailableError, match="COORDINATOR_NOT_AVAILABLE"):
        holder(Broker(KafkaError.COORDINATOR_NOT_AVAILABLE), "x")  # type: ignore[arg-type]


def test_other_failures_are_told_at_once_by_name() -> None:
    broker = Broker(KafkaError.GROUP_AUTHORIZATION_FAILED)
    with pytest.raises(ServiceUnavailableError, match="GROUP_AUTHORIZATION_FAILED"):
        holder(broker, "x")  # type: ignore[arg-type]
    assert broker.asked == 1


TOPIC = "test.locks"
HOLD = """
import sys
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock, LockLostError
with Lock(KafkaConfig(sys.argv[1]), sys.argv[2], sys.argv[3], what="the lock", ttl=6) as lock:
    lock.check()
    print("held", flush=True)
    sys.stdin.readline()
    try:
        lock.check()
        print("still held", flush=True)
    except LockLostError:
        print("lost", flush=True)
"""


@pytest.fixture
def kafka(stack: Settings) -> KafkaConfig:
    kafka = KafkaConfig.of(stack)
    TopicLog(kafka, TOPIC, {}).ensure()
    return kafka


def a_holder(kafka: KafkaConfig, group: str) -> subprocess.Popen[str]:
    """Another process that holds the lock until it gets a line."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, kafka.bootstrap, group, TOPIC],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


@pytest.mark.stack
def test_of_those_who_ask_at_the_same_moment_one_holds_it(kafka: KafkaConfig) -> None:
    group, inside, most, done = f"test-{uuid4()}", [0], [0], [0]
    guard, start = threading.Lock(), threading.Barrier(4)

    def hold() -> None:
        start.wait()
        with Lock(kafka, group, TOPIC, what="the lock", wait=120, ttl=6) as held:
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            held.check()
            with guard:
                inside[0] -= 1
                done[0] += 1

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == ([1], [4])


@pytest.mark.stack
def test_a_second_one_is_refused_by_the_name_of_the_first_and_takes_it_when_that_is_killed(kafka: KafkaConfig) -> None:
    group = f"test-{uuid4()}"
    child = a_holder(kafka, group)
    with pytest.raises(LockHeldError) as caught, Lock(kafka, group, TOPIC, what="the lock"):
        pass
    assert f"-{child.pid}-" in caught.value.why and caught.value.fix
    child.kill()
    child.wait()
    with Lock(kafka, group, TOPIC, what="the lock", wait=60, ttl=6) as held:
        held.check()
        assert f"-{os.getpid()}-" in (holder(kafka.admin(), group) or "")
    assert holder(kafka.admin(), group) is None


@pytest.mark.stack
def test_a_holder_that_slept_is_told_that_it_lost_it(kafka: KafkaConfig) -> None:
    group = f"test-{uuid4()}"
    child = a_holder(kafka, group)
    child.send_signal(signal.SIGSTOP)
    try:
        with Lock(kafka, group, TOPIC, what="the lock", wait=60, ttl=6) as held:
            child.send_signal(signal.SIGCONT)
            assert child.communicate("\n")[0] == "lost\n"
            held.check()
    finally:
        child.kill()


@pytest.mark.stack
def test_one_that_keeps_it_for_longer_than_a_session_still_holds_it(kafka: KafkaConfig) -> None:
    with Lock(kafka, f"test-{uuid4()}", TOPIC, what="the lock", ttl=6) as held:
        until = time.monotonic() + 9
        wait_for(lambda: held.check() or time.monotonic() > until, what="a session and a half")


@pytest.mark.stack
def test_what_was_let_go_is_not_ours(kafka: KafkaConfig) -> None:
    with Lock(kafka, f"test-{uuid4()}", TOPIC, what="the lock", ttl=6) as held:
        pass
    with pytest.raises(LockLostError):
        held.check()
