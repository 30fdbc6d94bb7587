"""One run of a source at a time: a consumer group with one member.

The broker keeps the time (session timeout), so a local clock that jumps changes nothing, and any Kafka tool shows who
holds it (group ``connectors.lease.NAME``). Two runs that ask in the same moment both get it; then the transactional
id of the sink fences off the older one, which commits nothing more.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from connectors.checkpoint import checkpoints_topic
from connectors.errors import LeaseHeldError
from glue.errors import ServiceUnavailableError
from glue.kafka.config import QUIET, KafkaConfig

log = logging.getLogger(__name__)
_SESSION_MS = 6_000  # the broker's least; a killed run holds the lease that long
_PATIENCE = (
    30.0  # seconds for a coordinator: a young broker, or one that took over from another, first loads its groups
)
_NO_COORDINATOR = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR,
}  # fmt: skip


def holder(admin: AdminClient, group: str) -> str | None:
    """Who holds the lease, as ``client@host``; None where it is free.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            described = admin.describe_consumer_groups([group], request_timeout=10)[group].result()
        except KafkaException as error:
            kafka_error = error.args[0]
            if kafka_error.code() == KafkaError.GROUP_ID_NOT_FOUND:
                return None
            if kafka_error.code() not in _NO_COORDINATOR or time.monotonic() > deadline:
                why = f"{kafka_error.name()} {kafka_error.str()}".strip()
                raise ServiceUnavailableError("Kafka", why, "mxctl local status") from error
            time.sleep(0.2)
        else:
            return next((f"{member.client_id}@{member.host.lstrip('/')}" for member in described.members), None)


@contextmanager
def lease(kafka: KafkaConfig, name: str, wait: float) -> Iterator[None]:
    """Hold the lease of source ``name``, waiting up to ``wait`` seconds while another run holds it.

    Raises:
        LeaseHeldError: another run still holds it.
    """
    group = f"connectors.lease.{name}"
    admin = kafka.admin(QUIET)
    deadline = time.monotonic() + wait
    while (other := holder(admin, group)) is not None:
        if time.monotonic() >= deadline:
            raise LeaseHeldError(
                f"source {name}", f"another run is going on ({other})", "wait for it, or stop it; --wait waits longer"
            )
        log.info("source %s: waiting for the run of %s", name, other)
        time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))
    config: dict[str, Any] = {
        **QUIET,
        "client.id": f"mxctl-{os.getpid()}-{socket.gethostname()}",
        "session.timeout.ms": _SESSION_MS,
        "heartbeat.interval.ms": 2_000,
        "max.poll.interval.ms": 86_400_000,  # heartbeats are sent in the background; nothing is polled
    }
    member = kafka.consumer(group, config)
    try:
        # Only membership counts: the partition is never read.
        member.subscribe([checkpoints_topic()], on_assign=lambda consumer, _: consumer.incremental_assign([]))
        member.poll(0)
        yield
    finally:
        member.close()
