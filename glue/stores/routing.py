"""What Connect's own options say about where a sink's records go, and where rows keep it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from glue.stores.contract import PYTHON_SINK
from glue.times import split_list

_ROUTER = "org.apache.kafka.connect.transforms.RegexRouter"
_NAMED = re.compile(r"\(\?<(?=[A-Za-z])")  # a named group, as Java writes it
_INSERT = "org.apache.kafka.connect.transforms.InsertField$Value"


def connector_class(config: Mapping[str, str]) -> str:
    """What decides the store: the class of the connector, and of a sink in Python its own."""
    plugin = config.get("connector.class", "")
    return config.get("python.class", plugin) if plugin == PYTHON_SINK else plugin


def sink_topics(config: Mapping[str, str], known: Sequence[str] = ()) -> list[str]:
    """The topics that a sink reads: by name, or those ``known`` that its expression matches whole."""
    pattern = config.get("topics.regex")
    if not pattern:
        return split_list(config.get("topics", ""))
    try:
        return [name for name in known if re.fullmatch(pattern, name)]
    except re.error:
        return []


def routed(topic: str, config: Mapping[str, str]) -> str:
    """The name that the connector itself sees, after the RegexRouter transforms in their order.

    A transform with a predicate is applied as if its predicate held: predicates speak of records, not of topics.
    Source: Kafka 4.1, ``RegexRouter.apply`` (the expression must match the whole name).
    """
    for alias in split_list(config.get("transforms", "")):
        if config.get(f"transforms.{alias}.type") == _ROUTER:
            try:
                match = re.fullmatch(_NAMED.sub("(?P<", config.get(f"transforms.{alias}.regex", "")), topic)
                if match:
                    topic = match.expand(_template(config.get(f"transforms.{alias}.replacement", "")))
            except (re.error, IndexError):
                continue
    return topic


def _template(java: str) -> str:
    r"""Python's ``\g<1>`` for Java's ``$1``, ``\g<name>`` for ``${name}``; what a backslash quotes is itself."""
    out, at = [], 0
    for part in re.finditer(r"\\(.)|\$(\d)|\$\{(\w+)\}", java):
        out.append(java[at : part.start()])
        out.append(part[1].replace("\\", "\\\\") if part[1] else rf"\g<{part[2] or part[3]}>")
        at = part.end()
    return "".join([*out, java[at:]])


def origin(config: Mapping[str, str]) -> tuple[str, str, str]:
    """The fields that InsertField gives a record: its partition, offset and time; empty where there are none."""
    found = {"partition": "", "offset": "", "timestamp": ""}
    for alias in split_list(config.get("transforms", "")):
        if config.get(f"transforms.{alias}.type") == _INSERT:
            for name in found:
                # an option may end in ! or ?, for required and optional
                found[name] = config.get(f"transforms.{alias}.{name}.field", "").rstrip("!?") or found[name]
    return found["partition"], found["offset"], found["timestamp"]
