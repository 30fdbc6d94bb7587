"""Privacy: what the schemas tag as personal does not reach a sink."""

from __future__ import annotations

from collections.abc import Iterator

from glue.privacy.tags import personal_fields
from glue.topology.model import Connector, Declared, Kind, Problem, split_list
from glue.topology.rules.connectors import is_sink, sink_topics

# Connect's own transforms that take fields away, and the keys under which they name them
_REMOVERS = {
    "org.apache.kafka.connect.transforms.ReplaceField$Value": ("exclude", "blacklist"),
    "org.apache.kafka.connect.transforms.MaskField$Value": ("fields",),
}


def sinks(declared: Declared) -> Iterator[Problem]:
    """A sink that reads a topic whose schema has personal fields, and does not take them away."""
    for connector in declared.connectors.values():
        if not is_sink(connector):
            continue
        removed = _removed(connector)
        for topic in sink_topics(declared, connector):
            subject = declared.subjects.get(f"{topic}-value")
            if subject is None:
                continue
            exposed = [name for name in personal_fields(subject.schema) if name.partition(".")[0] not in removed]
            if exposed:
                shown = ", ".join(exposed[:5]) + (f" and {len(exposed) - 5} more" if len(exposed) > 5 else "")
                yield Problem(
                    declared.files.get((Kind.CONNECTOR, connector.name)),
                    "config.topics",
                    f"{topic} carries personal data ({shown} in {subject.file.name}) and is not protected on its way",
                    "read the topic that the glue service writes, or take the fields away (ReplaceField, exclude)",
                )


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
