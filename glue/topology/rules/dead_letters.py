"""Dead letters: no bad record is dropped silently, and no dead-letter topic is there for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from glue.pipeline.parts import DEAD_LETTERS as TOPIC
from glue.pipeline.parts import is_sink
from glue.topology.model import Declared, Problem

_HEADERS = "errors.deadletterqueue.context.headers.enable"


def _configs(declared: Declared) -> Iterator[tuple[str, str, Mapping[str, str], Path | None]]:
    for name, connector in declared.connectors.items():
        yield "connector", name, connector.config, declared.file("connector", name)
    for name, chain in declared.chains.items():
        yield "chain", name, chain.get("config", {}), declared.file("chain", name)


def missing(declared: Declared) -> Iterator[Problem]:
    """Who tolerates errors names a declared dead-letter topic, and records why a record went there."""
    for kind, _, config, file in _configs(declared):
        topic = config.get(TOPIC, "")
        tolerant = config.get("errors.tolerance", "none").lower() == "all"
        sink = kind == "chain" or is_sink(config)
        if topic and not sink:
            yield Problem(file, f"config.{TOPIC}", "has no effect: only sinks have dead letters", "remove it")
            continue
        if tolerant and sink and not topic:
            yield Problem(file, f"config.{TOPIC}", "is missing: bad records would be dropped silently", "name a topic")
        if topic and topic not in declared.topics:
            yield Problem(file, f"config.{TOPIC}", f"{topic} is not declared", "declare it with dead_letters: true")
        elif topic and not declared.topics[topic].dead_letters:
            fix = "set dead_letters: true there, or name another topic"
            yield Problem(file, f"config.{TOPIC}", f"{topic} is not a dead-letter topic in topics.json", fix)
        if topic and not tolerant:
            message = "has no effect while errors.tolerance is not all"
            yield Problem(file, f"config.{TOPIC}", message, 'set "errors.tolerance": "all"')
        if topic and kind == "connector" and config.get(_HEADERS, "false").lower() != "true":
            message = "is not true, so nobody will know why a record is there"
            yield Problem(file, f"config.{_HEADERS}", message, 'set it to "true"; mxctl dlq groups by these headers')


def unread(declared: Declared) -> Iterator[Problem]:
    """A dead-letter topic that nobody writes to; records of a sink that end where their own sink reads."""
    used = {config.get(TOPIC) for _, _, config, _ in _configs(declared)}
    used |= {source.get("dead_letters") for source in declared.sources.values()}
    for name, topic in declared.topics.items():
        if topic.dead_letters and name not in used:
            file = declared.file("topic", name)
            message = "is a dead-letter topic that no connector and no chain uses"
            yield Problem(file, f"topics.{name}", message, "name it in one, or remove it", warning=True)
