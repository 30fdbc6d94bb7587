"""What a config key is when nobody sets it: type and default, from the plugins and from Connect's own keys."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from glue.connect import ConnectClient
from glue.errors import ServiceError
from glue.topology.model import split_list

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeyDef:
    """A key of a ConfigDef. ``default`` None: there is none, or it is null."""

    type: str = "STRING"
    default: str | None = None
    importance: str = ""
    documentation: str = ""
    required: bool = False


# Connect's own keys, which a plugin's ConfigDef does not hold. Source: ConnectorConfig, SinkConnectorConfig, Kafka 4.1.
COMMON: dict[str, KeyDef] = {
    "tasks.max": KeyDef("INT", "1"),
    "tasks.max.enforce": KeyDef("BOOLEAN", "true"),
    "connector.plugin.version": KeyDef("STRING"),
    "connector.class": KeyDef("CLASS"),
    "key.converter": KeyDef("CLASS"),
    "value.converter": KeyDef("CLASS"),
    "header.converter": KeyDef("CLASS"),
    "transforms": KeyDef("LIST", ""),
    "predicates": KeyDef("LIST", ""),
    "config.action.reload": KeyDef("STRING", "restart"),
    "errors.retry.timeout": KeyDef("LONG", "0"),
    "errors.retry.delay.max.ms": KeyDef("LONG", "60000"),
    "errors.tolerance": KeyDef("STRING", "none"),
    "errors.log.enable": KeyDef("BOOLEAN", "false"),
    "errors.log.include.messages": KeyDef("BOOLEAN", "false"),
    "topics": KeyDef("LIST", ""),
    "topics.regex": KeyDef("STRING", ""),
    "errors.deadletterqueue.topic.name": KeyDef("STRING", ""),
    "errors.deadletterqueue.topic.replication.factor": KeyDef("SHORT", "3"),
    "errors.deadletterqueue.context.headers.enable": KeyDef("BOOLEAN", "false"),
}
_NEGATE = {"negate": KeyDef("BOOLEAN", "false"), "predicate": KeyDef("STRING", ""), "type": KeyDef("CLASS")}


class Definitions:
    """Key definitions of connectors' configs; each plugin is asked once, and only when a question comes up."""

    def __init__(self, connect: ConnectClient | None) -> None:
        self._connect = connect
        self._plugins: dict[str, dict[str, KeyDef]] = {}

    def of(self, config: Mapping[str, str]) -> dict[str, KeyDef]:
        """Every key that is defined for a connector of this config, with its prefixes for converters and transforms."""
        known = dict(COMMON)
        known.update(self.plugin(config.get("connector.class", "")))
        known["connector.class"] = COMMON["connector.class"]  # the worker calls it a STRING, and takes aliases
        for role in ("key.converter", "value.converter", "header.converter"):
            known.update(self._prefixed(f"{role}.", config.get(role, "")))
        for group in ("transforms", "predicates"):
            for alias in split_list(config.get(group, "")):
                prefix = f"{group}.{alias}."
                known.update(self._prefixed(prefix, config.get(f"{prefix}type", "")))
                known.update({prefix + key: definition for key, definition in _NEGATE.items()})
        return known

    def plugin(self, name: str) -> dict[str, KeyDef]:
        """The ConfigDef of one plugin; empty where the worker has none or does not know it."""
        if not name or self._connect is None:
            return {}
        if name not in self._plugins:
            try:
                entries = self._connect.plugin_config(name)
            except ServiceError:
                log.debug("the worker has no ConfigDef of %s", name)
                entries = []
            self._plugins[name] = {
                str(entry.get("name")): KeyDef(
                    str(entry.get("type", "STRING")),
                    None if entry.get("default_value") is None else str(entry["default_value"]),
                    str(entry.get("importance", "")),
                    str(entry.get("documentation", "")),
                    bool(entry.get("required")),
                )
                for entry in entries
            }
        return self._plugins[name]

    def _prefixed(self, prefix: str, plugin: str) -> dict[str, KeyDef]:
        return {prefix + key: definition for key, definition in self.plugin(plugin).items()}
