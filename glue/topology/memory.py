"""What mxctl remembers between runs, in one compacted topic: history of applies, ownership, what was applied.

Keys: ``<owner>/history/<id>``, ``<owner>/owned/<kind>/<name>``, and ``<owner>/<kind>/<name>`` for a kind whose live
state is only what was applied last. Only what is declared is kept, so references and never secrets.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from glue.errors import UsageError
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import Lock
from glue.kafka.topic_log import TopicLog
from glue.topology.model import Key

TOPIC = "_mxctl.state"
LOCK = "_mxctl.lock"  # a consumer group
CONFIG = {"cleanup.policy": "compact", "max.message.bytes": "8388608"}


@dataclass(frozen=True)
class Applied:
    """One apply in the history.

    Attributes:
        outcome: ``applied``, ``failed`` or ``rolled back``.
        changes: ``{kind, name, action, fields}`` of each change, as in a plan.
        desired: everything that was declared then, by kind and name; ``mxctl rollback`` goes back to it.
    """

    id: str
    time: str
    who: str
    profile: str
    outcome: str
    changes: list[dict[str, Any]]
    desired: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass
class Memory:
    """All of it, as read once."""

    history: list[Applied] = field(default_factory=list)
    owned: dict[Key, dict[str, Any]] = field(default_factory=dict)
    applied: dict[Key, Any] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Any]:
        """What was applied last of one kind, by name."""
        return {name: value for (one, name), value in self.applied.items() if one == kind}

    def find(self, identifier: str) -> Applied:
        """One apply by its id or an unambiguous start of it.

        Raises:
            UsageError: none or several.
        """
        found = [one for one in self.history if one.id.startswith(identifier)]
        if len(found) != 1:
            why = "there is no such apply" if not found else f"{len(found)} applies begin so"
            raise UsageError(f"apply {identifier}", why, "mxctl history lists them")
        return found[0]


class MemoryTopic:
    """Reads and writes :class:`Memory` of one owner."""

    def __init__(self, kafka: KafkaConfig, owner: str) -> None:
        self._kafka, self._topic = kafka, TopicLog(kafka, TOPIC, CONFIG)
        self._owner = owner

    def read(self) -> Memory:
        """Everything remembered; empty where nothing has been applied yet."""
        latest: dict[str, Any] = {}
        for entry in self._topic.read():
            latest[entry.key] = json.loads(entry.value) if entry.value else None
        memory = Memory()
        for key, value in latest.items():
            owner, _, rest = key.partition("/")
            group, _, name = rest.partition("/")
            if value is None or owner != self._owner:
                continue
            if group == "history":
                known = {one: value[one] for one in Applied.__dataclass_fields__ if one in value}
                memory.history.append(Applied(**known))
            elif group == "owned":
                kind, _, name = name.partition("/")
                memory.owned[kind, name] = value
            else:
                memory.applied[group, name] = value
        memory.history.sort(key=lambda one: one.id)
        return memory

    def lock(self, wait: float = 0) -> Lock:
        """The lock of the whole cluster: of two mxctl that apply at once, one has to wait.

        Args:
            wait: seconds to wait for another holder before giving up.
        """
        self._topic.ensure()
        return Lock(self._kafka, LOCK, TOPIC, what="the cluster's lock", wait=wait)

    def remember(self, applied: Applied) -> None:
        """Add an apply to the history."""
        self._write(f"history/{applied.id}", asdict(applied))

    def own(self, kind: str, name: str, value: dict[str, Any] | None) -> None:
        """Note that a resource is ours, or with None that it is gone."""
        self._write(f"owned/{kind}/{name}", value)

    def note(self, kind: str, name: str, value: Any) -> None:
        """Note what was applied, or with None that it is gone."""
        self._write(f"{kind}/{name}", value)

    def _write(self, key: str, value: Any) -> None:
        data = None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
        self._topic.append(f"{self._owner}/{key}", data)


def new_id() -> str:
    """An id that sorts by time: ``20260131-142501-3f9a``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid4().hex[:4]}"


def now() -> str:
    """ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
