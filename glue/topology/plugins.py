"""Looking at plugins: what the worker has, and what a key means."""

from __future__ import annotations

import difflib
from typing import Any

from glue.errors import UsageError
from glue.topology.configdef import COMMON, KeyDef, alias
from glue.topology.services import Services

_COMMON_DOCS = {
    "connector.class": "Class of the connector's plugin, or its alias.",
    "tasks.max": "Most tasks that may be created; each takes whole partitions.",
    "topics": "Topics that a sink reads, separated by commas.",
    "topics.regex": "Expression of the topics that a sink reads; instead of topics.",
    "key.converter": "How keys are turned from bytes; the worker's own if not set.",
    "value.converter": "How values are turned from bytes; the worker's own if not set.",
    "errors.tolerance": "none: a bad record fails the task. all: it is set aside, or dropped without a topic for it.",
    "errors.deadletterqueue.topic.name": "Where bad records of a sink go. Without it, errors.tolerance=all drops them.",
    "errors.deadletterqueue.context.headers.enable": "Whether a dead letter says why it is one; mxctl dlq needs it.",
    "errors.retry.timeout": "Milliseconds for which a failed operation is tried again; -1 forever.",
    "errors.retry.delay.max.ms": "Longest pause between two tries, in milliseconds.",
    "errors.log.enable": "Whether each error is logged.",
    "errors.log.include.messages": "Whether the record is logged with it. Personal data would be in the log.",
    "transforms": "Aliases of the transforms that each record goes through, in order.",
    "predicates": "Aliases of the predicates that transforms may be bound to.",
}


def plugin_rows(services: Services, kind: str | None = None) -> list[dict[str, Any]]:
    """One row a plugin of the worker: alias, type, version, class."""
    rows = [
        {"name": alias(name), "type": str(one.get("type", "")), "version": one.get("version"), "class": name}
        for one, name in ((one, str(one["class"])) for one in services.plugins)
    ]
    return sorted((row for row in rows if kind in (None, row["type"])), key=lambda row: (row["type"], row["class"]))


def find_plugin(services: Services, name: str) -> str:
    """The class of a plugin named in full, by its simple name or its alias, in any case.

    Raises:
        UsageError: the worker has none such.
    """
    classes = list(dict.fromkeys(str(one["class"]) for one in services.plugins))
    for one in classes:
        if name.lower() in (one.lower(), one.rpartition(".")[2].lower(), alias(one).lower()):
            return one
    near = difflib.get_close_matches(name, [one.rpartition(".")[2] for one in classes], 3, 0.4)
    fix = f"did you mean {', '.join(near)}?" if near else "mxctl plugins get lists them"
    raise UsageError(f"plugin {name}", "the worker has no such plugin", fix)


def explain(services: Services, key: str, plugin: str | None = None) -> list[dict[str, Any]]:
    """What a key means: one entry for each plugin that knows it.

    Args:
        plugin: look only there; otherwise among Connect's own keys and in every plugin of the worker.

    Raises:
        UsageError: nobody knows it; names the nearest.
    """
    if plugin:
        sources = [find_plugin(services, plugin)]
    else:
        sources = list(dict.fromkeys(str(one["class"]) for one in services.plugins))
    known: dict[str, dict[str, KeyDef]] = {} if plugin else {"Kafka Connect": COMMON}
    known |= {one: services.definitions.plugin(one) for one in sources}
    found = [_entry(owner, key, keys[key]) for owner, keys in known.items() if key in keys]
    if found:
        return found
    near = difflib.get_close_matches(key, {one for keys in known.values() for one in keys}, 3, 0.5)
    fix = f"did you mean {', '.join(near)}?" if near else "mxctl plugins get"
    raise UsageError(f"key {key}", "no plugin of the worker declares it", fix)


def _entry(owner: str, key: str, definition: KeyDef) -> dict[str, Any]:
    return {
        "key": key,
        "of": owner,
        "type": definition.type,
        "default": definition.default,
        "required": definition.required,
        "importance": definition.importance or None,
        "documentation": definition.documentation or _COMMON_DOCS.get(key, ""),
    }


def plugin_keys(services: Services, plugin: str) -> list[dict[str, Any]]:
    """Every key of one plugin."""
    owner = find_plugin(services, plugin)
    return [_entry(owner, key, definition) for key, definition in sorted(services.definitions.plugin(owner).items())]
