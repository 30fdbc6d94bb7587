"""Topic ids: a topic that was deleted and created again has another one, though its name is the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaException, TopicCollection

from glue.kafka.reads import TIMEOUT, kafka_unavailable


def topic_ids(admin: Any, names: Iterable[str]) -> dict[str, str]:
    """The id of each topic that is there."""
    wanted = list(names)
    if not wanted:
        return {}
    found = {}
    for name, future in admin.describe_topics(TopicCollection(wanted), request_timeout=TIMEOUT).items():
        try:
            description = future.result(TIMEOUT)
        except KafkaException as error:
            if error.args[0].retriable():
                raise kafka_unavailable(f"topic {name}", error) from None
            continue
        found[name] = str(description.topic_id)
    return found
