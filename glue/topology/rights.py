"""The least rights of each program on Kafka, from what is declared: topics, groups, transactional ids, the cluster.

A right stands here because an operation fails without it, or because librdkafka asks and the broker logs each refusal:
for the coordinator of a reader's group, though nobody joins it. What another right implies is left out: READ, WRITE,
DELETE and ALTER imply DESCRIBE, ALTER_CONFIGS implies DESCRIBE_CONFIGS. Who may write to a topic may also write
idempotently.
Source: Kafka, "Operations and Resources on Protocols"; KIP-679.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from glue.identity import ERASURE, READERS, REPLAY, WORKER_GROUP, source_lease, source_producer
from glue.kafka.acls import Acl
from glue.pipeline.parts import Connector, Part
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.topology.memory import LOCK
from glue.topology.memory import TOPIC as MEMORY
from glue.topology.model import Declared

# A worker's own topics, as every worker of this project has them.
WORKER_TOPICS = {part: f"connect-{part}{'' if part == 'status' else 's'}" for part in ("config", "offset", "status")}
_OWN_LOGIN = ("sasl.jaas.config", "ssl.keystore.location", "ssl.keystore.key")


@dataclass(frozen=True, order=True)
class Right:
    """That ``role`` may do ``operation``; ``why`` is what it does with it."""

    role: str
    type: str
    name: str
    pattern: str
    operation: str
    why: str = ""

    def acl(self, principal: str) -> Acl:
        """It as an ACL of ``principal``."""
        return Acl(principal, "allow", self.operation, self.type, self.name, self.pattern)


def rights(declared: Declared, settings: Settings) -> list[Right]:
    """The rights of every program that the declared state has work for, by role."""
    found: dict[Right, Right] = {}
    for one in _all(Pipeline.of(declared), declared, settings):
        found.setdefault(Right(one.role, one.type, one.name, one.pattern, one.operation), one)
    reading = {one.role for one in found if (one.type, one.operation) == ("topic", "READ")}
    readers = (one for one in reading if not one.startswith("connect"))  # Java's ask for no group
    own = [_group(one, "reads without a group", READERS, "DESCRIBE", "prefixed") for one in readers]
    return sorted([*found.values(), *own])


def _all(pipeline: Pipeline, declared: Declared, settings: Settings) -> Iterator[Right]:
    for name, part in pipeline.sources.items():
        yield from _source(f"source-{name}", part, name, settings)
        if (declared.sources[name].get("options") or {}).get("webhook_secrets"):
            yield from _source(f"webhook-{name}", part, f"{name}.webhook", settings)
            yield from _log(f"webhook-{name}", "requests of persons", settings.requests_topic)
    yield from _ingest(pipeline, settings)
    for name, part in pipeline.chains.items():
        yield from _chain(f"chain-{name}", part, settings)
        yield from _scaler(part)
    if pipeline.connectors:
        yield from _worker("connect")
    for name, connector in pipeline.connectors.items():
        yield from _connector(_login(name, declared.connectors[name].config), connector)
    yield from _mxctl(pipeline, declared)
    yield from _page(pipeline, settings)
    yield from _canary(pipeline)
    yield from _audit(pipeline, settings)
    yield from _dead_letters("dlq", pipeline)
    yield from _person(pipeline, settings)
    if pipeline.sources:
        yield from _on("metrics", "totals of the sources", settings.checkpoints_topic, "READ")


def _on(role: str, why: str, topic: str, *operations: str) -> Iterator[Right]:
    for operation in operations:
        yield Right(role, "topic", topic, "literal", operation, why)


def _each(role: str, why: str, topics: Iterable[str], *operations: str) -> Iterator[Right]:
    for topic in dict.fromkeys(topics):
        yield from _on(role, why, topic, *operations)


def _log(role: str, why: str, topic: str) -> Iterator[Right]:
    return _on(role, why, topic, "READ", "WRITE")


def _group(role: str, why: str, name: str, operation: str = "READ", pattern: str = "literal") -> Right:
    return Right(role, "group", name, pattern, operation, why)


def _transactions(role: str, name: str, pattern: str = "literal") -> Right:
    return Right(role, "transactional_id", name, pattern, "WRITE", "transactions")


def _source(role: str, part: Part, name: str, settings: Settings) -> Iterator[Right]:
    yield from _each(role, "records", part.writes, "WRITE")
    yield from _each(role, "refused records", filter(None, [part.dead_letters]), "WRITE")
    yield from _log(role, "checkpoints", settings.checkpoints_topic)
    yield _group(role, "one run at a time", source_lease(name))
    yield _transactions(role, source_producer(name))


def _ingest(pipeline: Pipeline, settings: Settings) -> Iterator[Right]:
    """``mxctl ingest`` and ``mxctl run --file`` of any source: a lease and a producer for each file."""
    role, parts = "ingest", pipeline.sources.values()
    if parts:
        yield from _each(role, "records", (topic for part in parts for topic in part.writes), "WRITE")
        yield from _each(role, "refused records", (one.dead_letters for one in parts if one.dead_letters), "WRITE")
        yield from _log(role, "checkpoints", settings.checkpoints_topic)
        yield _group(role, "one run at a time", source_lease("ingest."), pattern="prefixed")
        yield _transactions(role, source_producer("ingest."), "prefixed")


def _chain(role: str, part: Part, settings: Settings) -> Iterator[Right]:
    yield from _each(role, "records", part.reads, "READ")
    yield from _each(role, "results", part.writes, "WRITE")
    yield from _each(role, "refused records", filter(None, [part.dead_letters]), "WRITE")
    yield from _on(role, "whose data were erased", settings.forgotten_topic, "READ")
    yield _group(role, "offsets", part.group)
    yield _transactions(role, f"{part.group}-", "prefixed")


def _scaler(part: Part) -> Iterator[Right]:
    """Who starts more workers of a chain where records wait: KEDA, which counts them and reads none."""
    yield from _each("scaler", "records that wait", part.reads, "DESCRIBE")
    yield _group("scaler", "where a chain stands", part.group, "DESCRIBE")


def _worker(role: str) -> Iterator[Right]:
    yield from _each(role, "its own topics", WORKER_TOPICS.values(), "READ", "WRITE", "CREATE", "DESCRIBE_CONFIGS")
    yield _group(role, "the workers' group", WORKER_GROUP)


def _login(name: str, config: Mapping[str, str]) -> str:
    """The role that a connector's clients log in as: the worker's, unless its config gives it a login of its own."""
    own = any(f"{client}.override.{key}" in config for client in ("consumer", "producer") for key in _OWN_LOGIN)
    return f"connector-{name}" if own else "connect"


def _connector(role: str, part: Connector) -> Iterator[Right]:
    yield from _each(role, f"records of {part.name}", part.reads, "READ")
    yield from _each(role, f"records of {part.name}", part.writes, "WRITE")
    yield from _each(role, f"refused records of {part.name}", filter(None, [part.dead_letters]), "WRITE")
    if part.group:
        yield _group(role, f"offsets of {part.name}", part.group)
        yield _group(role, f"mxctl offsets set {part.name}", part.group, "DELETE")


def _groups(pipeline: Pipeline) -> list[str]:
    return [part.group for part in pipeline.moving if part.group]


def _mxctl(pipeline: Pipeline, declared: Declared) -> Iterator[Right]:
    """``plan``, ``apply``, ``topics``, ``offsets``, ``doctor``. Deleting topics (``--prune``) is nobody's by itself."""
    role = "mxctl"
    yield from _each(role, "apply", declared.topics, "CREATE", "ALTER", "ALTER_CONFIGS")
    yield from _on(role, "what was applied", MEMORY, "READ", "WRITE", "CREATE")
    yield _group(role, "one apply at a time", LOCK)
    for group in _groups(pipeline):
        yield _group(role, "where readers stand", group, "DESCRIBE")
    yield Right(role, "cluster", "kafka-cluster", "literal", "ALTER", "ACLs")


def _page(pipeline: Pipeline, settings: Settings) -> Iterator[Right]:
    role = "page"
    topics = [*pipeline.topics, settings.requests_topic]
    yield from _each(role, "records", topics, "READ")
    yield from _each(role, "a topic's configuration", pipeline.topics, "DESCRIBE_CONFIGS")
    for group in _groups(pipeline):
        yield _group(role, "where readers stand", group, "DESCRIBE")


def _canary(pipeline: Pipeline) -> Iterator[Right]:
    routes, role = [route for route in pipeline.routes if route.source is not None], "canary"
    yield from _each(role, "sends", (route.raw for route in routes), "WRITE")
    yield from _each(role, "follows", (topic for route in routes for topic in route.topics), "READ")
    yield from _each(role, "refused canaries", pipeline.dead_letters if routes else (), "READ")
    deleting = (route.target.topic for route in routes if route.target.deletes)
    yield from _each(role, "takes canaries out of stores", deleting, "WRITE")


def _audit(pipeline: Pipeline, settings: Settings) -> Iterator[Right]:
    role, topics = "audit", [target.topic for target in pipeline.targets]
    if topics:
        yield from _each(role, "what stores must hold", topics, "READ")
        yield from _each(role, "--repair", topics, "WRITE")
        yield from _each(role, "what stores must not hold", pipeline.dead_letters, "READ")
        yield from _on(role, "whose data were erased", settings.forgotten_topic, "READ")
        for connector in pipeline.connectors.values():
            if connector.targets:
                yield _group(role, "what sinks have read", connector.group, "DESCRIBE")


def _dead_letters(role: str, pipeline: Pipeline) -> Iterator[Right]:
    origins = [topic for part in pipeline.moving if part.dead_letters for topic in part.reads or part.writes]
    if pipeline.dead_letters:
        yield from _each(role, "letters", pipeline.dead_letters, "READ", "WRITE")
        yield from _each(role, "discard --delete", pipeline.dead_letters, "DELETE")
        yield from _each(role, "replay", origins, "WRITE")
        yield _transactions(role, REPLAY)


def _person(pipeline: Pipeline, settings: Settings) -> Iterator[Right]:
    """``mxctl person``: finds, discloses and erases in every topic of a route, in letters and checkpoints."""
    role, topics = "person", [topic for route in pipeline.routes for topic in route.topics]
    yield from _each(role, "records", topics, "READ", "WRITE", "DELETE", "DESCRIBE_CONFIGS")
    yield from _each(role, "letters", pipeline.dead_letters, "READ", "WRITE", "DELETE", "DESCRIBE_CONFIGS")
    yield from _on(role, "checkpoints", settings.checkpoints_topic, "READ")
    yield from _log(role, "whose data were erased", settings.forgotten_topic)
    yield from _log(role, "requests", settings.requests_topic)
    yield _group(role, "one erasure at a time", ERASURE)
    for group in _groups(pipeline):
        yield _group(role, "where readers stand", group, "DESCRIBE")
    if pipeline.dead_letters:
        yield _transactions(role, REPLAY)
