"""Watches topics and stores for canaries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from glue.audit.stores import Held, open_targets
from glue.canary.flight import Flight
from glue.canary.paths import STORE, Path
from glue.errors import MillionXError
from glue.identity import CANARY
from glue.kafka.config import KafkaConfig
from glue.kafka.tail import TopicTail
from glue.settings import Settings

_WAIT = 0.05
_ERRORS = "__connect.errors."
_OLD = timedelta(minutes=5)  # a younger canary may be one that another process follows


class Watch:
    """Everything that canaries of ``paths`` pass, from now on. A store that does not answer has not seen them yet.

    Raises:
        ServiceUnavailableError: Kafka does not answer, or a topic is missing.
        ConfigError: the client of a store is not installed.
    """

    def __init__(self, settings: Settings, paths: Sequence[Path]) -> None:
        self._paths = paths
        stages = [stage for path in paths for stage in path.stages]
        topics = {stage.place for stage in stages if stage.name != STORE}
        self._dead_letters = {topic for path in paths for topic in path.dead_letters}
        self._open = ExitStack()
        tail = TopicTail(KafkaConfig.of(settings), tuple(topics | self._dead_letters))
        self._tail = self._open.enter_context(tail)
        stores = open_targets(settings, (stage.target for stage in stages if stage.target))
        self._stores = {store.target: store for store in self._open.enter_context(stores)}
        for store in self._stores.values():
            self._ask(store, ["none"], [])  # logs in now, so that no latency holds the time of it

    def look(self, flights: list[Flight]) -> None:
        """Note in ``flights`` what is new."""
        for message in self._tail.new(_WAIT):
            topic, key = message.topic() or "", (message.key() or b"").decode("utf-8", "replace")
            for flight in flights:
                if topic not in self._dead_letters:
                    flight.saw(topic, key)
                elif key in flight.keys:
                    flight.dead = _cause(topic, message)
        for target, store in self._stores.items():
            waiting = {
                stage.key(flight.key): (flight, stage)
                for flight in flights
                for stage in flight.wanted()
                if stage.target == target
            }
            if waiting:
                for key in self._ask(store, list(waiting), [flight for flight, _ in waiting.values()]):
                    flight, stage = waiting[key]
                    flight.seen[stage] = flight.age()

    def leftovers(self) -> list[tuple[str, str]]:
        """Topic and key of older canaries that are still in a store which removes what is deleted, at most 100 a store:
        of one that came late, or of a run that was cut off.

        Raises:
            ServiceUnavailableError, ServiceError: a store does not answer, or refuses.
        """
        found = []
        kinds = {stage.target: path.kind for path in self._paths for stage in path.stages if stage.target}
        for target, kind in kinds.items():
            if target.deletes:
                rows = self._stores[target].client.find(target, kind.mark, CANARY, datetime.now(UTC) - _OLD)
                found += [(target.topic, kind.stored_key(row)) for row in rows]
        return found

    def _ask(self, store: Held, keys: list[str], flights: list[Flight]) -> Iterable[str]:
        try:
            found = store.count(keys)
        except MillionXError as error:
            for flight in flights:
                flight.problem = str(error)
            return ()
        for flight in flights:
            flight.problem = ""
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()


def _cause(topic: str, letter: Any) -> str:
    """Who refused a record and why, as its dead letter says."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in letter.headers() or []}
    by, why = headers.get(f"{_ERRORS}connector.name", "?"), headers.get(f"{_ERRORS}exception.message", "")
    return f"{by} sent it to {topic}{f' ({why})' if why else ''}"
