"""Is what is declared right? By itself, and, with a cluster, by the cluster's own word. Nothing is written."""

from __future__ import annotations

import difflib

from glue.errors import MillionXError, ServiceError
from glue.topology.kinds import connector as connectors
from glue.topology.kinds import subject as subjects
from glue.topology.model import Connector, Declared, Kind, Problem
from glue.topology.plan import make_plan
from glue.topology.rules import problems
from glue.topology.services import Services


def validate_offline(declared: Declared) -> list[Problem]:
    """Schemas of the files, names, cross references, privacy, secrets."""
    return problems(declared)


def validate_live(services: Services, declared: Declared) -> list[Problem]:
    """What the cluster says: plugins, their validation, keys they do not know, compatibility, number of copies.

    Raises:
        ServiceUnavailableError: the cluster does not answer.
    """
    found: list[Problem] = []
    for connector in declared.connectors.values():
        found += _connector(services, declared, connector)
    plan = make_plan(services, declared, (Kind.TOPIC, Kind.SUBJECT))
    for change in plan.of(Kind.SUBJECT):
        try:
            subjects.check(services, declared, change)
        except ServiceError as error:
            file = declared.files.get((Kind.SUBJECT, change.name))
            found.append(Problem(file, f"subjects.{change.name}", error.why, error.fix))
    brokers = len(services.admin.list_topics(timeout=15).brokers)
    for name, topic in declared.topics.items():
        if topic.replication_factor > brokers:
            message = (
                f"{topic.replication_factor} copies, but the cluster has {brokers} broker{'s' if brokers > 1 else ''}"
            )
            file = declared.files.get((Kind.TOPIC, name))
            found.append(Problem(file, f"topics.{name}.replication_factor", message, "lower it in the profile"))
    return found


def _connector(services: Services, declared: Declared, connector: Connector) -> list[Problem]:
    file = declared.files.get((Kind.CONNECTOR, connector.name))
    try:
        connectors.known_plugin(services, connector)
    except ServiceError as error:
        return [Problem(file, "config.connector.class", error.why, error.fix)]
    found = []
    try:
        answers = services.connect.validate(connector.plugin, {**connector.config, "name": connector.name})
        found = [Problem(file, f"config.{key}", text) for key, texts in sorted(answers.items()) for text in texts]
    except MillionXError as error:
        found = [Problem(file, "config", str(error), error.fix)]
    known = services.definitions.of(connector.config)
    # ConfigDefs are not complete (Snowflake's is not), so only what looks like a slip of the pen is told.
    strays = [key for key in connector.config if key not in known and not key.startswith(_FREE)]
    for key in strays if services.definitions.plugin(connector.plugin) else ():
        if near := difflib.get_close_matches(key, known, 1, 0.9):
            text = "is no key of this connector's plugins"
            found.append(Problem(file, f"config.{key}", text, f"did you mean {near[0]}?", warning=True))
    return found


# Prefixes below which anything may stand, and keys that Connect itself reads
_FREE = (
    "name",
    "consumer.override.",
    "producer.override.",
    "admin.override.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "topic.creation.",
    "python.",
)
