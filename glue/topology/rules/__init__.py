"""What is checked without a cluster: every rule looks at the whole declared state and yields problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from glue.topology.model import Declared, Problem
from glue.topology.rules import (
    chains,
    connectors,
    converters,
    dead_letters,
    names,
    privacy,
    routes,
    secrets,
    topics,
    transforms,
)

Rule = Callable[[Declared], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    names.topic_names,
    names.subject_names,
    names.source_topics,
    topics.copies,
    connectors.plugin_and_tasks,
    connectors.topics_declared,
    connectors.snowflake,
    converters.values,
    converters.keys,
    transforms.connector_chains,
    dead_letters.missing,
    dead_letters.unread,
    privacy.sinks,
    privacy.gates,
    secrets.literal,
    secrets.references,
    chains.topics_declared,
    routes.unread,
    routes.unknown_store,
)


def problems(declared: Declared) -> list[Problem]:
    """Everything wrong with the declared state: what loading found, then each rule; no problem twice."""
    found = [*declared.problems, *(problem for rule in RULES for problem in rule(declared))]
    return list(dict.fromkeys(found))
