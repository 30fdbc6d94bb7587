"""A lock in Kafka: whoever is the member of a consumer group that was given the partition of a topic holds it.

The broker keeps the time (session timeout), so a clock that jumps changes nothing; a holder that dies loses the lock
when its session ends; and any Kafka tool shows who holds it. The partition itself is never read.
"""

from __future__ import annotations

import getpass
import logging
import os
import queue
import socket
import threading
import time
from typing import Any, Self
from uuid import uuid4

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException

from glue.errors import MillionXError, ServiceUnavailableError, Transient
from glue.kafka.config import QUIET, KafkaConfig

log = logging.getLogger(__name__)
_PATIENCE = 30.0  # seconds for a coordinator: a young broker, or one that took over, first loads its groups
_ANSWER = 10.0  # seconds within which the broker must confirm a holder
_NO_COORDINATOR = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR,
)  # fmt: skip


class LockHeldError(MillionXError, Transient):
    """Another program holds the lock."""


class LockLostError(MillionXError):
    """We held the lock, and another program may have it now."""


def members(admin: Any, group: str) -> list[Any]:
    """The members of a consumer group; none where there is no such group.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return list(admin.describe_consumer_groups([group], request_timeout=10)[group].result().members)
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() == KafkaError.GROUP_ID_NOT_FOUND:
                return []
            if reason.code() not in _NO_COORDINATOR or time.monotonic() > deadline:
                why = f"{reason.name()} {reason.str()}".strip()
                raise ServiceUnavailableError(f"group {group}", why, "mxctl local status; mxctl doctor") from error
            time.sleep(0.2)


def holder(admin: Any, group: str) -> str | None:
    """Who holds the lock of this group, as ``user-process@host``; None where it is free. Raises as ``members``."""
    found = members(admin, group)
    found.sort(key=lambda one: not _given(one))  # one that only asks is not the holder
    return f"{found[0].client_id}@{found[0].host.lstrip('/')}" if found else None


def _given(member: Any) -> bool:
    return bool(member.assignment and member.assignment.topic_partitions)


class Lock:
    """Held by one program at a time. Use it as a context manager; for one thread.

    Args:
        group: the lock's name; the id of the consumer group. what: its name in errors.
        topic: one that is there; of one partition.
        wait: seconds to wait for another holder before giving up.
        ttl: seconds after which a dead holder loses it; brokers take 6 at least.
        exclusive: go on only when the broker has given the partition, so that of two that ask in the same moment one
            gets it. Without it both go on at once, and something else must fence the earlier: a transactional id.
    """

    def __init__(
        self, kafka: KafkaConfig, group: str, topic: str, *, what: str, wait: float = 0, ttl: float = 60,
        exclusive: bool = True,
    ) -> None:  # fmt: skip
        self._kafka, self.group, self._topic, self._what = kafka, group, topic, what
        self._wait, self._ttl, self._exclusive = wait, ttl, exclusive
        self._name = f"{getpass.getuser()}-{os.getpid()}-{socket.gethostname()}-{uuid4().hex[:4]}"
        self._member: Consumer | None = None
        self._thread = threading.Thread()
        self._given, self._lost, self._done = threading.Event(), threading.Event(), threading.Event()
        self._asked = threading.Event()
        self._answers: queue.Queue[KafkaError | None] = queue.Queue()

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            LockHeldError: someone else holds it and did not let go within ``wait``.
            ServiceUnavailableError: Kafka does not answer.
        """
        self._kafka.must_listen()
        admin, deadline = self._kafka.admin(QUIET), time.monotonic() + self._wait
        while (other := holder(admin, self.group)) is not None or not self._join(admin):
            if time.monotonic() >= deadline:
                fix = f"wait for it, or stop it; a dead one loses it within {self._ttl:.0f} s"
                raise LockHeldError(self._what, f"{other or 'another program'} holds it", fix)
            log.info("%s: waiting for %s", self._what, other)
            time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))
        return self

    def __exit__(self, *raised: object) -> None:
        member, self._member = self._member, None
        if member is not None:
            self._done.set()
            self._thread.join()
            member.close()

    def check(self) -> None:
        """Ask the broker whether the lock is still ours: it takes a commit only from a living member.

        Raises:
            LockLostError: it is not (the machine slept, Kafka was away), or the broker does not say so in time.
        """
        deadline, error = time.monotonic() + _ANSWER, None
        while self._member is not None and not self._lost.is_set():
            self._answers = queue.Queue()
            self._asked.set()
            try:
                error = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if error is None and not self._lost.is_set():
                return
            passes = error is None or error.code() == KafkaError.REBALANCE_IN_PROGRESS or error.retriable()
            if not passes or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        why = f" ({error.name()})" if error is not None else ""
        fix = "see what is in place with mxctl plan, then apply again"
        raise LockLostError(self._what, f"the broker does not confirm it{why}, so another program may have begun", fix)

    def _join(self, admin: Any) -> bool:
        """Become the member that is given the partition; False when another one was."""
        self._given, self._lost, self._done = threading.Event(), threading.Event(), threading.Event()
        ttl = int(self._ttl * 1000)
        member = self._member = self._kafka.consumer(
            self.group,
            {
                **QUIET,
                "client.id": self._name,
                "session.timeout.ms": ttl,
                "heartbeat.interval.ms": min(3_000, ttl // 3),
                "max.poll.interval.ms": 86_400_000,  # a holder that lives is one whose heartbeats arrive
                "on_commit": lambda error, _: self._answers.put(error),
            },
        )
        member.subscribe([self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke)
        self._thread = threading.Thread(target=self._poll, args=(member,), name=f"lock {self.group}", daemon=True)
        self._thread.start()
        ours = False
        try:
            ours = not self._exclusive or self._is_given(admin)
        finally:
            if not ours:
                self.__exit__()
        return ours

    def _is_given(self, admin: Any) -> bool:
        deadline = time.monotonic() + _PATIENCE
        while not self._given.wait(0.2):
            if any(_given(one) for one in members(admin, self.group) if one.client_id != self._name):
                return False
            if time.monotonic() > deadline:
                raise ServiceUnavailableError(self._what, "Kafka assigns it to no program", "mxctl doctor")
        return True

    def _poll(self, member: Consumer) -> None:
        """All that the member does, it does in one thread: calls from two of them wait for each other."""
        while not self._done.is_set():
            if self._asked.is_set():
                self._asked.clear()
                member.commit(offsets=[confluent_kafka.TopicPartition(self._topic, 0, 0)], asynchronous=True)
            member.poll(0.05)

    def _on_assign(self, member: Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        member.incremental_assign(partitions)
        if partitions:
            member.pause(partitions)
            self._given.set()

    def _on_revoke(self, member: Consumer, partitions: list[confluent_kafka.TopicPartition]) -> None:
        member.incremental_unassign(partitions)
        self._lost.set()
