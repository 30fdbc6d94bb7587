"""Topics that can work as declared."""

from __future__ import annotations

from collections.abc import Iterator

from glue.topology.model import Declared, Kind, Problem


def copies(declared: Declared) -> Iterator[Problem]:
    """More copies in sync than there are copies: nothing could be written."""
    for name, topic in declared.topics.items():
        needed = topic.config.get("min.insync.replicas", "1")
        file = declared.files.get((Kind.TOPIC, name))
        if not needed.isdigit():
            yield Problem(file, f"topics.{name}.config.min.insync.replicas", "is not a number", 'write it as "2"')
        elif 0 < topic.replication_factor < int(needed):
            yield Problem(
                file,
                f"topics.{name}.config.min.insync.replicas",
                f"asks for {needed} copies in sync of {topic.replication_factor}: nothing could be written",
                "raise replication_factor or lower min.insync.replicas",
            )
