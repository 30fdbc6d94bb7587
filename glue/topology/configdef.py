"""Kafka's ConfigDef: which type and default a key has, and when two values of it mean the same."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from glue.connect import ConnectClient, UnexpectedAnswerError
from glue.errors import ServiceError
from glue.secrets import has_reference, is_masked, is_secret_key, shown
from glue.times import split_list
from glue.topology.change import FieldChange

log = logging.getLogger(__name__)

_NUMBERS = ("INT", "LONG", "SHORT", "DOUBLE")
# Lists whose order means nothing, by their last word. Order does count in others: `transforms`, the fields of a key.
_SETS = frozenset(
    ("topics", "predicates", "cleanup.policy", "bootstrap.servers", "topic2table.map", "include", "exclude",
     "whitelist", "blacklist", "include.list", "exclude.list", "allowlist", "denylist", "throttled.replicas")
)  # fmt: skip


@dataclass(frozen=True)
class KeyDef:
    """A key of a ConfigDef. ``default`` None: there is none, or it is null."""

    type: str = "STRING"
    default: str | None = None
    importance: str = ""
    documentation: str = ""
    required: bool = False


# Connect's own keys, which a plugin's ConfigDef does not hold. Source: ConnectorConfig, SinkConnectorConfig,
# SourceConnectorConfig, Kafka 4.1.
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
    "exactly.once.support": KeyDef("STRING", "requested"),
    "transaction.boundary": KeyDef("STRING", "poll"),
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
        """The ConfigDef of one plugin; empty where the worker has none or does not tell.

        Raises:
            ServiceUnavailableError: the worker does not answer.
            UnexpectedAnswerError: what answers is not a worker.
        """
        if not name or self._connect is None:
            return {}
        if name not in self._plugins:
            try:
                entries = self._connect.plugin_config(name)
            except UnexpectedAnswerError:
                raise
            except ServiceError as error:
                log.debug("the worker gives no ConfigDef of %s: %s", name, error.why)
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


def same_value(key: str, left: str, right: str, definition: KeyDef | None = None) -> bool:
    """Whether two values of ``key`` mean the same.

    ConfigDef trims every value, reads numbers and booleans by type, splits lists at commas, and takes a class by full
    name or by alias. A value that a server masked equals any secret: nobody can tell, so it is not called a change.
    """
    a, b = left.strip(), right.strip()
    if a == b:
        return True
    if (is_masked(a) or is_masked(b)) and (
        is_secret_key(key) or has_reference(a) or has_reference(b) or (definition and definition.type == "PASSWORD")
    ):
        return True
    if _is_set(key):
        return set(split_list(a)) == set(split_list(b))
    kind = definition.type if definition else ""
    if kind == "BOOLEAN" or (not kind and {a.lower(), b.lower()} <= {"true", "false"}):
        return a.lower() == b.lower()
    if kind in _NUMBERS:
        return _number(a) is not None and _number(a) == _number(b)
    if kind == "LIST":
        return split_list(a) == split_list(b)
    if kind == "CLASS" and ("." in a) != ("." in b):
        return alias(a) == alias(b)
    return False


def as_text(value: Any) -> str:
    """A value of a config as Connect keeps it: a text, also where a client sent a number or a flag."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_set(key: str) -> bool:
    parts = key.split(".")
    return key in _SETS or parts[-1] in _SETS - {"topics"} or ".".join(parts[-2:]) in _SETS


def alias(name: str) -> str:
    """The short name under which Connect also knows a plugin: no package, no role at the end (its PluginUtils)."""
    short = name.rpartition(".")[2]
    for role in ("Connector", "Converter"):
        if short.endswith(role) and short != role:
            return short.removesuffix(role)
    return short


def config_changes(
    live: Mapping[str, str], declared: Mapping[str, str], definitions: Mapping[str, KeyDef], ignore: frozenset[str]
) -> list[FieldChange]:
    """Fields that differ in meaning. An absent key equals its default; ``ignore`` are keys that the server adds."""
    changes = []
    live = {key: as_text(value) for key, value in live.items()}
    for key in sorted(live.keys() | declared.keys()):
        if key in ignore:
            continue
        definition = definitions.get(key)
        before, after = live.get(key), declared.get(key)
        default = definition.default if definition else None
        if before is None or after is None:
            present = after if before is None else before
            assert present is not None  # noqa: S101 - the key is in one of them
            if default is not None and same_value(key, present, default, definition):
                continue
        elif same_value(key, before, after, definition):
            continue
        secret = (key,) if definition and definition.type == "PASSWORD" else ()
        changes.append(FieldChange(key, *(one if one is None else shown(key, one, secret) for one in (before, after))))
    return changes


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
