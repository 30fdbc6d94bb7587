"""Privacy: what the schemas tag as personal does not reach a sink, and a last gate stands before every store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from glue.errors import ConfigError
from glue.imports import load_class
from glue.pipeline.routes import Pipeline
from glue.privacy.tags import SAFE, personal_fields
from glue.stores.contract import PYTHON_SINK
from glue.times import split_list
from glue.topology.model import Declared, Problem
from glue.transforms.contract import Transform

if TYPE_CHECKING:
    from glue.topology.kinds.connector import Connector

_PYTHON = "bd.millionx.connect.PythonTransform"
_SCRUB = "glue.transforms.scrub:ScrubPII"
_IN_SINK = "glue.connect_python.gate"
_GATED = "glue.connect_python.sinks.weaviate:GatedWeaviateSink"
_NO_TEXT = frozenset({"PUBLIC"})
_FILTER = "org.apache.kafka.connect.transforms.Filter"
# Connect's own transforms that take fields away, and the keys under which they name them
_REMOVERS = {
    "org.apache.kafka.connect.transforms.ReplaceField$Value": ("exclude", "blacklist"),
    "org.apache.kafka.connect.transforms.MaskField$Value": ("fields",),
}


def sinks(declared: Declared) -> Iterator[Problem]:
    """A sink that reads a topic whose schema has personal fields, and does not take them away; or one of which no
    schema is known, so that everything in it counts as personal."""
    for part in Pipeline.of(declared).connectors.values():
        file = declared.file("connector", part.name)
        for topic in part.reads:
            exposed = _fields(declared, part.name, topic, SAFE)
            if exposed is None and topic in declared.topics and part.sink:  # another rule speaks of the rest
                message = f"{topic} has no declared schema, so all that it holds counts as personal"
                fix = f"declare {topic}-value in subjects.json, or read a topic that has a schema"
                yield Problem(file, "config.topics", message, fix)
            elif exposed:
                shown = ", ".join(exposed[:5]) + (f" and {len(exposed) - 5} more" if len(exposed) > 5 else "")
                schema = declared.subjects[f"{topic}-value"].file.name
                message = f"{topic} carries personal data ({shown} in {schema}) and is not protected on its way"
                fix = "read the topic that the glue service writes, or take the fields away (ReplaceField, exclude)"
                yield Problem(file, "config.topics", message, fix)


def _fields(declared: Declared, connector: str, topic: str, safe: frozenset[str]) -> list[str] | None:
    """Fields of a topic that the connector does not take away and whose tag is none of ``safe``; None: no schema."""
    subject = declared.subjects.get(f"{topic}-value")
    if subject is None:
        return None
    removed = _removed(declared.connectors[connector])
    return [name for name in personal_fields(subject.schema, safe=safe) if name.partition(".")[0] not in removed]


def gates(declared: Declared) -> Iterator[Problem]:
    """A sink whose records do not pass ScrubPII once more before their store: as a transform, or in a sink in Python.

    Schemas say what should be there; the gate looks at what is there. Only a sink whose topics hold no free text, by
    the declared schemas, needs none.
    """
    for part in Pipeline.of(declared).connectors.values():
        topics = [topic for topic in part.reads if topic in declared.topics]  # another rule speaks of the rest
        if not part.sink or all(_fields(declared, part.name, topic, _NO_TEXT) == [] for topic in topics):
            continue
        config = declared.connectors[part.name].config
        before: list[str] = []
        for alias in split_list(config.get("transforms", "")):
            if config.get(f"transforms.{alias}.type", "").startswith(_PYTHON) and _is_gate(config, alias):
                yield from _gate(declared, part.name, f"transforms.{alias}.", before)
                break
            if config.get(f"transforms.{alias}.type") != _FILTER:
                before.append(alias)
        else:
            if config.get("connector.class") == PYTHON_SINK and _is_gated(config.get("python.class", "")):
                yield from _gate(declared, part.name, "", before)
                continue
            yield Problem(
                declared.file("connector", part.name),
                "config.transforms",
                "there is no privacy gate before the store: what a chain has missed would be stored",
                f"let the first transform be gate, with transforms.gate.type={_PYTHON}$Value, .class={_SCRUB}, "
                f".again=true, .python.executable and .python.schemas, or let a sink in Python derive from "
                f"{_IN_SINK}:Gated; a topic whose texts are all PUBLIC needs none",
            )


def _gate(declared: Declared, name: str, prefix: str, before: list[str]) -> Iterator[Problem]:
    """A gate that lets something pass, or comes too late; ``prefix`` is that of its options, none in the sink."""
    file, config = declared.file("connector", name), declared.connectors[name].config
    at = prefix.rstrip(".") or "python.class"
    if before:
        message = f"follows {', '.join(before)}, which sees the record before the gate does"
        fix = f"let transforms begin with {prefix.split('.')[1]}" if prefix else "let a gate be the first transform"
        yield Problem(file, f"config.{at}", message, fix)
    if prefix and config.get(f"{prefix}predicate"):
        message = "is the privacy gate, and would let pass what the predicate does not choose"
        yield Problem(file, f"config.{prefix}predicate", message, "remove it")
    if prefix and config.get(f"{prefix}again", "false").lower() != "true":
        message = "is not true, so the gate skips the texts that are tagged as scrubbed"
        yield Problem(file, f"config.{prefix}again", message, 'set it to "true"')
    if not config.get(f"{prefix}python.schemas"):
        message = "is missing: without its tags, the gate cannot tell a name from a text"
        yield Problem(file, f"config.{prefix}python.schemas", message, 'set it, e.g. "${env:MILLIONX_SCHEMAS}"')


def _is_gate(config: Mapping[str, str], alias: str) -> bool:
    path = config.get(f"transforms.{alias}.class", "")
    try:
        from glue.transforms.scrub import ScrubPII  # with all its recognisers, which who only reads files needs not

        return path == _SCRUB or issubclass(load_class(path, Transform, f"transform {alias}"), ScrubPII)
    except ConfigError:  # a class that is installed on the worker only: nothing is known of it
        return False


def _is_gated(path: str) -> bool:
    """Whether a sink's class has the gate in itself; ours is known by name, as its store's client may not be here."""
    if path == _GATED:
        return True
    try:
        return getattr(load_class(path, object, "sink"), "put", None).__module__ == _IN_SINK
    except ConfigError:
        return False


def _removed(connector: Connector) -> set[str]:
    """Fields that an unconditional transform takes away for every record."""
    config = connector.config
    found: set[str] = set()
    for alias in split_list(config.get("transforms", "")):
        prefix = f"transforms.{alias}."
        if config.get(f"{prefix}predicate"):
            continue
        for key in _REMOVERS.get(config.get(f"{prefix}type", ""), ()):
            found.update(split_list(config.get(prefix + key, "")))
    return found
