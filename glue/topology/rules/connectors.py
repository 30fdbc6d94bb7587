"""Connectors by themselves: plugin, tasks, topics; and what Snowflake's plugin does not check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from glue.connect import unfit_name
from glue.pipeline.routes import Pipeline
from glue.times import split_list
from glue.topology.model import Declared, Problem

if TYPE_CHECKING:
    from glue.topology.kinds.connector import Connector


def _at(declared: Declared, connector: Connector, key: str, message: str, fix: str, warning: bool = False) -> Problem:
    return Problem(declared.file("connector", connector.name), f"config.{key}", message, fix, warning)


def names(declared: Declared) -> Iterator[Problem]:
    """A connector of some names could be created, and then neither be looked at nor deleted by REST."""
    for name in declared.connectors:
        if why := unfit_name(name):
            file = declared.file("connector", name)
            yield Problem(file, "name", f"{name!r}: {why}", "name it with letters, digits, '.', '_' and '-'")


def plugin_and_tasks(declared: Declared) -> Iterator[Problem]:
    """A plugin, a sensible number of tasks, and a name that does not contradict itself."""
    pipeline = Pipeline.of(declared)
    for connector in declared.connectors.values():
        config, part = connector.config, pipeline.connectors[connector.name]
        if not connector.plugin:
            yield _at(declared, connector, "connector.class", "is missing", "name the plugin; see mxctl plugins get")
        if config.get("name", connector.name) != connector.name:
            yield _at(declared, connector, "name", f"is not {connector.name}", "remove it; Connect adds it")
        tasks = config.get("tasks.max", "1")
        if not tasks.strip().isdigit() or int(tasks) < 1:
            yield _at(declared, connector, "tasks.max", "is not a number of at least 1", 'write it as "2"')
            continue
        partitions = sum(declared.topics[t].partitions for t in part.reads if t in declared.topics)
        if part.sink and 0 < partitions < int(tasks):
            message = f"{tasks} tasks for {partitions} partitions: {int(tasks) - partitions} will idle"
            yield _at(declared, connector, "tasks.max", message, "lower it, or declare more partitions", warning=True)


def topics_declared(declared: Declared) -> Iterator[Problem]:
    """Every topic a sink names is declared; an expression matches something; not both ways at once."""
    pipeline = Pipeline.of(declared)
    for connector in declared.connectors.values():
        config, part = connector.config, pipeline.connectors[connector.name]
        if not part.sink:
            continue
        if "topics" in config and "topics.regex" in config:
            yield _at(declared, connector, "topics.regex", "is given beside topics", "keep one of them")
        for name in connector.topics:
            if name not in declared.topics:
                yield _at(declared, connector, "topics", f"{name} is not declared", "declare it in topics.json")
        if "topics.regex" in config and not part.reads:
            yield _at(declared, connector, "topics.regex", "matches no declared topic", "correct the expression")
        for key, value in config.items():
            if key.endswith("topic2table.map"):
                named = {entry.partition(":")[0].strip() for entry in split_list(value)}
                for name in sorted(named - set(part.reads)):
                    message = f"maps {name}, which the connector does not read"
                    yield _at(declared, connector, key, message, "correct the map")


def snowflake(declared: Declared) -> Iterator[Problem]:
    """Snowflake's plugin accepts a config without a role, and fails later; it must be named for streaming."""
    for connector in declared.connectors.values():
        if not connector.plugin.rpartition(".")[2].startswith("Snowflake"):
            continue
        config = connector.config
        streaming = config.get("snowflake.ingestion.method", "SNOWPIPE").upper() == "SNOWPIPE_STREAMING"
        if streaming and not config.get("snowflake.role.name"):
            fix = "name the role; the plugin's own validation lets it pass and the tasks fail"
            yield _at(declared, connector, "snowflake.role.name", "is missing", fix)
        if not config.get("snowflake.url.name"):
            yield _at(declared, connector, "snowflake.url.name", "is missing", "name the account's address")
