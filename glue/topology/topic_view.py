"""Looking at topics: size, records, and whether they are as declared."""

from __future__ import annotations

from typing import Any

from glue.kafka.reads import watermarks
from glue.topology.diff import topic_change
from glue.topology.live import read_topics
from glue.topology.model import Declared
from glue.topology.services import Services

INTERNAL = ("__", "_mxctl.", "_schemas", "connect-")


def topic_rows(services: Services, declared: Declared, *, internal: bool = False) -> list[dict[str, Any]]:
    """One row a topic, live or declared. ``records`` is what it holds at most (compaction makes it fewer).

    Args:
        internal: also those of Kafka, Connect, the registry and mxctl itself.
    """
    live = read_topics(services.admin, declared.topics)
    names = [n for n in sorted(live.keys() | declared.topics.keys()) if internal or not n.startswith(INTERNAL)]
    counts: dict[str, int] = {}
    for (topic, _), (low, high) in watermarks(services.kafka, [n for n in names if n in live]).items():
        counts[topic] = counts.get(topic, 0) + high - low
    rows = []
    for name in names:
        have, want = live.get(name), declared.topics.get(name)
        if have is None:
            state = "missing"
        elif want is None:
            state = "not declared"
        else:
            state = "differs" if topic_change(name, want, have) else "as declared"
        rows.append(
            {
                "name": name,
                "partitions": have.partitions if have else None,
                "copies": have.replication_factor if have else None,
                "retention_ms": have.effective.get("retention.ms") if have and want else None,
                "records": counts.get(name),
                "dead_letters": bool(want and want.dead_letters),
                "state": state,
            }
        )
    return rows
