"""Names that Kafka and the registry take, and that fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glue.topology.model import Declared, Problem

_LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def topic_names(declared: Declared) -> Iterator[Problem]:
    """Kafka's alphabet and length; names that differ only in ``.`` and ``_`` collide in its metrics and are refused."""
    seen: dict[str, str] = {}
    for name in declared.topics:
        file = declared.file("topic", name)
        if not _LEGAL.fullmatch(name) or name in (".", ".."):
            fix = "use letters, digits, . _ - and at most 249"
            yield Problem(file, f"topics.{name}", "is not a legal topic name", fix)
        other = seen.setdefault(name.replace(".", "_"), name)
        if other != name:
            message = f"collides with {other}: Kafka takes . and _ for the same"
            yield Problem(file, f"topics.{name}", message, "rename one")


def copies(declared: Declared) -> Iterator[Problem]:
    """More copies in sync than there are copies: nothing could be written."""
    for name, topic in declared.topics.items():
        needed = topic.config.get("min.insync.replicas", "1")
        file, where = declared.file("topic", name), f"topics.{name}.config.min.insync.replicas"
        if not needed.isdigit():
            yield Problem(file, where, "is not a number", 'write it as "2"')
        elif 0 < topic.replication_factor < int(needed):
            message = f"asks for {needed} copies in sync of {topic.replication_factor}: nothing could be written"
            yield Problem(file, where, message, "raise replication_factor or lower min.insync.replicas")


def subject_topics(declared: Declared) -> Iterator[Problem]:
    """A subject is ``<topic>-value`` or ``<topic>-key`` of a declared topic (the strategy TopicName)."""
    for name in declared.subjects:
        topic, _, role = name.rpartition("-")
        if role not in ("value", "key") or topic not in declared.topics:
            fix = "name it <topic>-value or <topic>-key, or declare the topic"
            yield Problem(declared.file("subject", name), f"subjects.{name}", "belongs to no declared topic", fix)


def source_topics(declared: Declared) -> Iterator[Problem]:
    """The topics that the producers' files name are declared."""
    for name, source in declared.sources.items():
        for key in ("topic", "dead_letters"):
            topic = source.get(key)
            if topic and topic not in declared.topics:
                where = f"sources/{name}.json: {key}"
                yield Problem(None, where, f"{topic} is not declared", "declare it in topics.json")
