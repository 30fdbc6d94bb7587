"""The pipeline of a declared state: its parts, and every route from a topic that nothing here feeds to a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glue.identity import rekeyed
from glue.pipeline import parts
from glue.pipeline.parts import Chain, Connector, Declaration, Part
from glue.stores.contract import Target


@dataclass(frozen=True)
class Hop:
    """A chain that a route passes, and the topic it writes."""

    chain: Chain
    topic: str


@dataclass(frozen=True)
class Route:
    """One way of a record into one store.

    Attributes:
        source: the producer of the raw topic; None where its records come from outside.
        raw: the topic where it begins.
        hops: the chains it passes, in order.
        target: the table or collection at its end; ``target.topic`` is the topic that the connector reads.
    """

    source: Part | None
    raw: str
    hops: tuple[Hop, ...]
    target: Target

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics it passes, the raw one first."""
        return (self.raw, *(hop.topic for hop in self.hops))

    def key(self, key: str, topic: str = "") -> str:
        """The key in the store of the record that has ``key`` on ``topic`` (default: the raw topic)."""
        beyond = self.hops[self.topics.index(topic or self.raw) :]
        return rekeyed((kind for hop in beyond for kind in hop.chain.rekeys), key)


@dataclass(frozen=True)
class Pipeline:
    """Sources, chains and connectors by name, as declared; all else follows from them."""

    sources: dict[str, Part]
    chains: dict[str, Chain]
    connectors: dict[str, Connector]
    topics: tuple[str, ...]
    _dead: frozenset[str]

    @classmethod
    def of(cls, declared: Declaration) -> Pipeline:
        """The pipeline of a declared state. Nothing is read but ``declared``; what is wrong in it is left out."""
        return cls(
            {name: parts.source(name, file) for name, file in declared.sources.items()},
            {name: parts.chain(name, file) for name, file in declared.chains.items()},
            {
                name: parts.connector(name, one.config, tuple(declared.topics))
                for name, one in declared.connectors.items()
            },
            tuple(declared.topics),
            frozenset(name for name, topic in declared.topics.items() if topic.dead_letters),
        )

    @cached_property
    def moving(self) -> tuple[Part, ...]:
        """All parts that move records: sources, chains, connectors."""
        return (*self.sources.values(), *self.chains.values(), *self.connectors.values())

    @cached_property
    def dead_letters(self) -> tuple[str, ...]:
        """Topics of refused records: those declared so, and those that a part names."""
        named = [part.dead_letters for part in self.moving if part.dead_letters]
        return tuple(dict.fromkeys([*(name for name in self.topics if name in self._dead), *named]))

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Everything that the connectors fill."""
        return tuple(target for one in self.connectors.values() for target in one.targets)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every route, in the order of the sources; a topic with two sources has the routes of both."""
        fed = {topic for part in self.moving for topic in part.writes}
        begun = [(source, topic) for source in self.sources.values() for topic in source.writes]
        loose = [topic for part in self.moving for topic in part.reads if topic not in fed]
        # What a source connector writes begins here too: no chain feeds it.
        loose += [topic for one in self.connectors.values() for topic in one.writes]
        begins = [*begun, *((None, topic) for topic in dict.fromkeys(loose))]
        return tuple(
            Route(source, raw, hops, target) for source, raw in begins for hops, target in self._beyond(raw, (), {raw})
        )

    def _beyond(self, topic: str, hops: tuple[Hop, ...], seen: set[str]) -> Iterator[tuple[tuple[Hop, ...], Target]]:
        for target in self.targets:
            if target.topic == topic:
                yield hops, target
        for chain in self.chains.values():
            for written in chain.writes if topic in chain.reads else ():
                if written not in seen:  # a record that comes back to a topic goes round, not on
                    yield from self._beyond(written, (*hops, Hop(chain, written)), seen | {written})

    @cached_property
    def raw_topics(self) -> tuple[str, ...]:
        """The topics where routes begin."""
        return tuple(dict.fromkeys(route.raw for route in self.routes))

    def origin(self, topic: str) -> str:
        """The names of the sources that write a topic; the topic's own where there is none."""
        return ", ".join(part.name for part in self.sources.values() if topic in part.writes) or topic

    def readers(self, topic: str) -> list[Part]:
        """Who reads a topic."""
        return [part for part in self.moving if topic in part.reads]

    def expected(self, topic: str, key: str, value: Mapping[str, Any] | None = None) -> list[tuple[Target, str]]:
        """Where the record with ``key`` on ``topic`` must arrive, and under which key there.

        With its ``value`` on a raw topic, not where the chain that reads it drops such a record on purpose.
        """
        passing = (
            route
            for route in self.routes
            if topic in route.topics
            and not (value is not None and topic == route.raw and route.hops and route.hops[0].chain.drops(value))
        )
        return list(dict.fromkeys((route.target, route.key(key, topic)) for route in passing))

    def kept_from(self, by: str, topic: str, key: str) -> list[tuple[Target, str]]:
        """The targets, with the key there, that a dead letter keeps its record from.

        Args:
            by: who refused the record: its header ``connector.name``.
            topic: the topic that the record lay on; for a source, which refuses a record before it has reached any,
                the topic that it writes.
            key: the key of the letter.
        """
        part = next((one for one in self.moving if one.by == by), None)
        if part is None:
            return self.expected(topic, key) or [(target, key) for target in self.targets]
        if isinstance(part, Connector):
            mine = [target for target in part.targets if target.topic == topic]
            return [(target, key) for target in mine or part.targets]
        if not isinstance(part, Chain):
            return [place for written in part.writes for place in self.expected(written, key)]
        through = [route for route in self.routes if any(hop.chain is part for hop in route.hops)]
        return list(
            dict.fromkeys((route.target, route.key(key, topic if topic in route.topics else "")) for route in through)
        )
