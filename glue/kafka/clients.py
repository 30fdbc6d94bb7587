"""Kafka clients with this project's defaults; every producer, consumer and admin client is made here."""

from __future__ import annotations

import socket
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from glue.errors import ConfigError, ServiceUnavailableError

Config = dict[str, Any]


def must_listen(bootstrap: str, seconds: float = 5.0) -> None:
    """Say at once that nobody is there; librdkafka would go on trying until its timeout.

    Raises:
        ConfigError: an address is not host:port.
        ServiceUnavailableError: no broker of ``bootstrap`` takes a connection within ``seconds``.
    """
    why = ""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition("://")[2].rpartition(":")
        if not host or not port.isdigit():
            raise ConfigError(f"Kafka at {bootstrap}", f"{address!r} is not host:port", "correct MXCTL_KAFKA")
        try:
            socket.create_connection((host.strip("[]"), int(port)), seconds).close()
            return
        except (OSError, OverflowError) as error:
            why = f"no broker answers at {bootstrap} ({getattr(error, 'strerror', None) or error})"
    raise ServiceUnavailableError(
        "Kafka", why, "is the broker up? mxctl local status; or name another with MXCTL_KAFKA"
    )


def admin_client(bootstrap: str, **config: Any) -> AdminClient:
    """An admin client of the cluster at ``bootstrap`` (host:port, comma-separated)."""
    return AdminClient({"bootstrap.servers": bootstrap, **config})


def producer(bootstrap: str, config: Config | None = None) -> Producer:
    """An idempotent producer (acks=all) that batches for throughput; ``config`` overrides librdkafka's properties."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 5,
            "partitioner": "murmur2_random",  # as Kafka's Java clients, so that a key has one partition everywhere
            **(config or {}),
        }
    )


def consumer(bootstrap: str, group: str, config: Config | None = None) -> Consumer:
    """A read_committed consumer that starts at the earliest offset and commits only when told to."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            **(config or {}),
        }
    )
