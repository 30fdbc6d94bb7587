"""The Kafka clients of a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from glue.kafka.config import KafkaConfig
from glue.service.config import ServiceConfig

_log = logging.getLogger("glue.kafka")  # librdkafka's own lines, in the format of all others
_COMMON = {"logger": _log, "reconnect.backoff.ms": 250, "reconnect.backoff.max.ms": 5_000}


def open_consumer(
    kafka: KafkaConfig,
    config: ServiceConfig,
    instance: str,
    on_assign: Callable[..., None],
    on_revoke: Callable[..., None],
) -> Any:
    """A consumer that is subscribed as a static member named ``instance``, with bounded memory."""
    consumer = kafka.consumer(
        config.group_id,
        {
            "client.id": instance,
            "group.instance.id": instance,
            "session.timeout.ms": config.session_timeout_ms,
            "heartbeat.interval.ms": max(300, min(3000, config.session_timeout_ms // 3)),
            "queued.max.messages.kbytes": config.buffer_max_kbytes,
            "fetch.queue.backoff.ms": 10,
            **_COMMON,
        },
    )
    consumer.subscribe(config.topics, on_assign=on_assign, on_revoke=on_revoke, on_lost=on_revoke)
    return consumer


def open_producer(kafka: KafkaConfig, config: ServiceConfig, instance: str) -> Any:
    """A transactional producer named ``instance``: a second one of that name fences the first."""
    return kafka.producer(
        {
            "client.id": instance,
            "transactional.id": instance,
            "transaction.timeout.ms": config.transaction_timeout_ms,
            "queue.buffering.max.kbytes": 65_536,
            **_COMMON,
        },
    )
