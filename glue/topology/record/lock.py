"""A lock for the whole cluster, held in Kafka: of two mxctl that apply at once, one is told to wait.

A topic of one partition orders all claims. A claim wins if nobody holds the lock at the moment the *broker* stamps it;
everyone who reads the topic comes to the same verdict, and one clock decides. A holder renews its claim; one that dies
loses it after ``ttl`` seconds. Before each write the holder checks that its claim can not have run out meanwhile.
"""

from __future__ import annotations

import getpass
import logging
import os
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from uuid import uuid4

from glue.errors import MillionXError, ServiceUnavailableError, Transient
from glue.kafka.config import KafkaConfig
from glue.topology.record.topic import Entry, RecordTopic

log = logging.getLogger(__name__)

TOPIC = "_mxctl.lock"
CONFIG = {"message.timestamp.type": "LogAppendTime", "retention.ms": "86400000", "cleanup.policy": "delete"}


class LockedError(MillionXError, Transient):
    """Another mxctl is applying."""


class LockLostError(MillionXError):
    """The claim ran out while we worked; another mxctl may have begun."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, until when (broker's milliseconds)."""

    claim: str
    name: str
    expires: int


def holder_of(entries: Iterable[Entry]) -> Holder | None:
    """Who holds the lock after these entries; it may have expired since."""
    current: Holder | None = None
    for entry in entries:
        value = entry.value if isinstance(entry.value, dict) else {}
        operation, claim = value.get("op"), str(value.get("claim"))
        expires = entry.time + int(value.get("ttl_ms", 0))
        if operation == "claim" and (current is None or entry.time > current.expires):
            current = Holder(claim, str(value.get("holder", "?")), expires)
        elif current is not None and current.claim == claim and entry.time <= current.expires:
            if operation == "renew":
                current = Holder(claim, current.name, expires)
            elif operation == "release":
                current = None
    return current


class ClusterLock:
    """Use as a context manager around everything that writes.

    Args:
        wait: seconds to wait for another holder before giving up.
        ttl: seconds after which a dead holder's claim runs out.
    """

    def __init__(self, kafka: KafkaConfig, *, wait: float = 0, ttl: float = 60) -> None:
        self._topic = RecordTopic(kafka, TOPIC, CONFIG)
        self._wait, self._ttl = wait, ttl
        self.claim = str(uuid4())
        self.name = f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()})"
        self._good_until = 0.0
        self._done = threading.Event()
        self._renewer: threading.Thread | None = None

    def __enter__(self) -> ClusterLock:
        """Claim the lock.

        Raises:
            LockedError: someone else holds it and did not let go within ``wait``.
        """
        deadline = time.monotonic() + self._wait
        while not self._try():
            if time.monotonic() >= deadline:
                held = holder_of(self._topic.read())
                raise LockedError(
                    "the cluster's lock",
                    f"{held.name if held else 'another mxctl'} is applying",
                    f"wait for it, or pass --lock-timeout; the claim of a dead one ends within {self._ttl:.0f} s",
                )
            time.sleep(min(1.0, self._ttl / 4))
        self._renewer = threading.Thread(target=self._renew, name="mxctl-lock", daemon=True)
        self._renewer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._renewer:
            self._renewer.join(5)
        try:
            self._append("release")
        except ServiceUnavailableError as failure:
            log.warning("the lock could not be released (%s); it ends by itself within %.0f s", failure.why, self._ttl)

    def check(self) -> None:
        """Raise unless the claim certainly still stands.

        Raises:
            LockLostError: it was not renewed in time (the machine slept, Kafka did not answer).
        """
        if time.monotonic() > self._good_until:
            raise LockLostError(
                "the cluster's lock",
                f"it was not renewed for {self._ttl:.0f} s, so another mxctl may have begun",
                "see what is in place with mxctl plan, then apply again",
            )

    def _try(self) -> bool:
        self.claim = str(uuid4())
        asked = time.monotonic()
        self._append("claim")
        held = holder_of(self._topic.read())
        self._good_until = asked + self._ttl * 0.9
        return held is not None and held.claim == self.claim

    def _append(self, operation: str) -> None:
        value = {"op": operation, "claim": self.claim, "holder": self.name, "ttl_ms": int(self._ttl * 1000)}
        self._topic.append("lock", value)

    def _renew(self) -> None:
        while not self._done.wait(self._ttl / 4):
            asked = time.monotonic()
            if asked > self._good_until:
                return  # too late: someone else may hold it by now
            try:
                self._append("renew")
            except ServiceUnavailableError as failure:
                log.warning("the lock could not be renewed: %s", failure.why)
                continue
            self._good_until = asked + self._ttl * 0.9
