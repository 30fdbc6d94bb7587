"""Watches topics and stores for canaries."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaException

from glue.audit.stores import Held, open_targets
from glue.canary.flight import Flight
from glue.canary.paths import STORE, Path
from glue.errors import MillionXError, ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TopicTail
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.topology.load import load

_WAIT = 0.05
_ERRORS = "__connect.errors."


class Watch:
    """Everything that canaries of ``paths`` pass, from now on. A store that does not answer has not seen them yet."""

    def __init__(self, settings: Settings, paths: Iterable[Path]) -> None:
        stages = [stage for path in paths for stage in path.stages]
        topics = tuple({stage.place for stage in stages if stage.name != STORE})
        self._open = ExitStack()
        pipeline = Pipeline.of(load(settings))
        self._dead = pipeline.dead_letters
        try:
            self._tail = self._open.enter_context(TopicTail(KafkaConfig.of(settings), (*topics, *self._dead)))
        except KafkaException as error:
            raise ServiceUnavailableError("Kafka", error.args[0].str(), "mxctl local status; mxctl doctor") from error
        names = {stage.place for stage in stages if stage.name == STORE}
        held = self._open.enter_context(open_targets(settings, pipeline.targets))
        self._stores = {store.name: store for store in held if store.name in names}
        for store in self._stores.values():
            self._ask(store, ["none"], [])  # logs in now, so that no latency holds the time of it

    def look(self, flights: list[Flight]) -> None:
        """Note in ``flights`` what is new."""
        for message in self._tail.new(_WAIT):
            topic, key = message.topic() or "", (message.key() or b"").decode("utf-8", "replace")
            for flight in flights:
                if topic not in self._dead:
                    flight.saw(topic, key)
                elif key in flight.keys:
                    flight.dead = _cause(topic, message)
        for name, store in self._stores.items():
            waiting = {
                stage.key(flight.key): (flight, stage)
                for flight in flights
                for stage in flight.wanted()
                if stage.place == name
            }
            if waiting:
                for key in self._ask(store, list(waiting), [flight for flight, _ in waiting.values()]):
                    flight, stage = waiting[key]
                    flight.seen[stage] = flight.age()

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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._open.close()


def _cause(topic: str, letter: Any) -> str:
    """Who set a record aside and why, as its dead letter says."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in letter.headers() or []}
    by, why = headers.get(f"{_ERRORS}connector.name", "?"), headers.get(f"{_ERRORS}exception.message", "")
    return f"{by} set it aside in {topic}{f' ({why})' if why else ''}"
