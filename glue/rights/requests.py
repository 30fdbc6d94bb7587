"""Requests of persons and shops, kept in a compacted topic until they are done and as their receipts afterwards.

``request/ID`` is what was asked; whom it is about is sealed, and leaves the topic when the request is done.
``state/ID`` is how far it has come. The two have different writers, so neither overwrites the other.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from glue.kafka.config import KafkaConfig
from glue.kafka.topic_log import TopicLog
from glue.privacy.keyring import Keyring
from glue.privacy.seal import seal, unseal
from glue.rights.forgotten import LOG_CONFIG
from glue.rights.person import Person
from glue.settings import get_settings

Kind = Literal["disclose", "forget"]
DAY_MS = 86_400_000


@dataclass
class Request:
    """One request.

    Attributes:
        id: the same for the same request, however often it arrives.
        origin: who asked: ``customers/redact``, ``mxctl`` …
        at, due: when it was made and by when it must be done, milliseconds since the epoch.
        state: how far it has come, without personal data; empty at first.
        person: None once it is done.
    """

    id: str
    kind: Kind
    origin: str
    at: int
    due: int
    state: dict[str, Any] = field(default_factory=dict)
    person: Person | None = None

    @property
    def done(self) -> bool:
        return bool(self.state.get("done"))

    @property
    def by_hand(self) -> str:
        """What a person has still to do after it is done; empty: nothing."""
        return str(self.state.get("by_hand") or "")

    def summary(self) -> dict[str, Any]:
        """What may be shown."""
        state = str(self.state.get("step") or "open") if not self.done else "by hand" if self.by_hand else "done"
        return {
            "id": self.id, "kind": self.kind, "origin": self.origin, "at": self.at, "due": self.due, "state": state,
            "by_hand": self.by_hand,
        }  # fmt: skip


class Requests:
    """The topic of the requests: the setting ``MXCTL_REQUESTS_TOPIC``. For one thread.

    Args:
        ring: seals whom a request is about, and opens it; without it requests can only be counted.
    """

    def __init__(self, kafka: KafkaConfig, ring: Keyring | None) -> None:
        self._log, self._ring = TopicLog(kafka, get_settings().requests_topic, LOG_CONFIG), ring

    def put(self, request_id: str, kind: Kind, origin: str, person: Person, at: int = 0) -> Request:
        """Keep a request; it is durable when this returns.

        Args:
            at: when it was made; 0: now.

        Raises:
            ServiceUnavailableError: Kafka did not take it.
        """
        at = at or int(time.time() * 1000)
        made = Request(request_id, kind, origin, at, at + get_settings().request_days * DAY_MS, person=person)
        assert self._ring is not None  # noqa: S101 - whoever only counts puts nothing
        sealed = base64.b64encode(seal(self._ring, None, person.dump(), [])).decode()
        self._log.append(
            f"request/{request_id}", _json(self._plain(made) | {"key": self._ring.active, "sealed": sealed})
        )
        return made

    def note(self, request: Request, **state: Any) -> None:
        """Keep how far a request has come."""
        request.state = {**request.state, **state}
        self._log.append(f"state/{request.id}", _json(request.state))

    def finish(self, request: Request, result: dict[str, Any]) -> None:
        """A request is done; whom it was about is no longer kept."""
        self.note(request, done=int(time.time() * 1000), result=result)
        self._log.append(f"request/{request.id}", _json(self._plain(request)))

    def begin_again(self, request: Request) -> None:
        """A request that was done before is made anew."""
        request.state = {}
        self._log.append(f"state/{request.id}", None)

    def all(self) -> dict[str, Request]:
        """Every request by its id, the oldest first.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
            ConfigError: a request is sealed with a key that the key file no longer holds.
        """
        bodies: dict[str, dict[str, Any]] = {}
        states: dict[str, dict[str, Any]] = {}
        for entry in self._log.read():
            kind, _, request_id = entry.key.partition("/")
            held = bodies if kind == "request" else states
            held.pop(request_id, None)
            if entry.value is not None:
                held[request_id] = json.loads(entry.value)
        found = {
            name: Request(
                name, body["kind"], body["origin"], body["at"], body["due"], states.get(name, {}), self._person(body)
            )
            for name, body in bodies.items()
        }
        return dict(sorted(found.items(), key=lambda item: item[1].at))

    def open(self) -> list[Request]:
        """Those that are not done, the oldest first. Raises as :meth:`all`."""
        return [one for one in self.all().values() if not one.done and one.person is not None]

    def _person(self, body: dict[str, Any]) -> Person | None:
        if "sealed" not in body or self._ring is None:
            return None
        _, value, _ = unseal(self._ring, body["key"], base64.b64decode(body["sealed"]))
        return Person.load(value or b"{}")

    @staticmethod
    def _plain(request: Request) -> dict[str, Any]:
        return {"kind": request.kind, "origin": request.origin, "at": request.at, "due": request.due}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
