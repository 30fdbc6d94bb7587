"""What the files say of one source, chain or connector: the topics it reads and writes, and who it is to Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from glue.stores.contract import Target
from glue.stores.registry import targets_of
from glue.stores.routing import sink_topics
from glue.times import split_list

DEAD_LETTERS = "errors.deadletterqueue.topic.name"


class DeclaredTopic(Protocol):
    """As much of a topic as the map needs."""

    @property
    def dead_letters(self) -> bool:
        """Whether records that could not be processed end there."""


class DeclaredConnector(Protocol):
    """As much of a connector as the map needs."""

    @property
    def config(self) -> Mapping[str, str]:
        """Its config, as Connect takes it."""


class Declaration(Protocol):
    """As much of the declared state as the map needs, each by name."""

    @property
    def topics(self) -> Mapping[str, DeclaredTopic]: ...
    @property
    def sources(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def chains(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def connectors(self) -> Mapping[str, DeclaredConnector]: ...


_FILTER, _IS_ZERO = "glue.transforms.filter:Filter", "glue.transforms.predicates:FieldIsZero"


@dataclass(frozen=True)
class Part:
    """Something that moves records.

    Attributes:
        name: as declared.
        reads: topics it reads; none for a source.
        writes: topics it writes; none for a sink.
        dead_letters: topic of the records it refuses; empty where it has none.
        by: its name in the headers of those records (``__connect.errors.connector.name``).
        group: its consumer group; empty where it reads no topic.
    """

    name: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    dead_letters: str = ""
    by: str = ""
    group: str = ""


@dataclass(frozen=True)
class Chain(Part):
    """A chain of transforms that the glue service runs.

    Attributes:
        transforms: their aliases, in order.
        rekeys: the kinds by which it derives a new key, in order; see :func:`glue.identity.rekeyed`.
        drops_zero: fields by whose 0 a record leaves the chain on purpose.
    """

    transforms: tuple[str, ...] = ()
    rekeys: tuple[str, ...] = ()
    drops_zero: tuple[str, ...] = ()

    def drops(self, value: Mapping[str, Any]) -> bool:
        """Whether a record of that ``value`` leaves the chain on purpose."""
        return any(value.get(field) == 0 for field in self.drops_zero)


@dataclass(frozen=True)
class Connector(Part):
    """A connector. ``targets`` is what it fills: none for a source, or where no store is known for its class."""

    targets: tuple[Target, ...] = ()
    sink: bool = False


def source(name: str, file: Mapping[str, Any]) -> Part:
    """The producer that a file under ``sources/`` declares."""
    written = (str(file["topic"]),) if file.get("topic") else ()
    return Part(name, (), written, str(file.get("dead_letters") or ""), f"connectors.{name}")


def chain(name: str, file: Mapping[str, Any]) -> Chain:
    """The chain that a file under ``transforms/`` declares."""
    config = {str(key): str(value) for key, value in (file.get("config") or {}).items()}
    aliases = split_list(config.get("transforms", ""))
    return Chain(
        name,
        tuple(split_list(config.get("topics", ""))),
        (config["output.topic"],) if config.get("output.topic") else (),
        config.get(DEAD_LETTERS, ""),
        name,
        config.get("group.id") or f"millionx-{name}",
        tuple(aliases),
        tuple(found for alias in aliases if (found := config.get(f"transforms.{alias}.rekey"))),
        tuple(_drops_zero(config, aliases)),
    )


def _drops_zero(config: Mapping[str, str], aliases: Sequence[str]) -> Iterator[str]:
    """Fields of the filters that drop what has a 0 in them."""
    for alias in aliases:
        guard = config.get(f"transforms.{alias}.predicate", "")
        kind, test = config.get(f"transforms.{alias}.type"), config.get(f"predicates.{guard}.type")
        negated = config.get(f"transforms.{alias}.negate", "false").lower() == "true"
        if (kind, test, negated) == (_FILTER, _IS_ZERO, False):
            yield config.get(f"predicates.{guard}.field", "")


def connector(name: str, config: Mapping[str, str], topics: Sequence[str]) -> Connector:
    """The connector with that config; ``topics`` are those declared, for an expression to match.

    A source connector writes the topic that its ``topic`` names, as Kafka's own do; of another's nothing is known.
    """
    if not is_sink(config):
        return Connector(name, writes=(config["topic"],) if config.get("topic") else (), by=name)
    reads, targets = sink_topics(config, topics), targets_of(name, config, topics)
    group = config.get("consumer.override.group.id") or f"connect-{name}"
    return Connector(name, tuple(reads), (), config.get(DEAD_LETTERS, ""), name, group, tuple(targets), sink=True)


def is_sink(config: Mapping[str, str]) -> bool:
    """Whether a connector reads topics: for Connect, ``topics`` and ``topics.regex`` mean something to sinks only."""
    return "topics" in config or "topics.regex" in config
