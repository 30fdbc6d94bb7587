"""The declared state: what the files under ``connect-config/`` and ``schemas/`` say, checked and joined.

What a resource of each kind looks like stands with its kind, in ``kinds/``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glue.topology.kinds.acl import Derive
    from glue.topology.kinds.connector import Connector
    from glue.topology.kinds.subject import Subject
    from glue.topology.kinds.topic import Topic

Key = tuple[str, str]  # name of the kind, name of the resource


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file: where, what, and the fix."""

    file: Path | None
    where: str
    message: str
    fix: str = ""
    warning: bool = False

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file.name if self.file else "", self.where) if part)
        return f"{place}: {self.message}" if place else self.message


@dataclass
class Declared:
    """The whole declared state of one profile.

    Attributes:
        owner: who applies it; only what this owner has created is ever pruned.
        resources: name of the kind → name → the resource, as its kind reads it.
        sources: the producers' files, read for the topics they name; mxctl does not apply them.
        files: where each resource is declared.
        problems: what was wrong while reading; nothing is applied while one of them is an error.
        derive: how ACLs are derived; None where they are not.
    """

    owner: str
    profile: str
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[Key, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    derive: Derive | None = None

    def of(self, kind: str) -> dict[str, Any]:
        """The resources of one kind by name."""
        return self.resources.setdefault(kind, {})

    def file(self, kind: str, name: str) -> Path | None:
        """Where a resource is declared; None where it is not known, as of an earlier state."""
        return self.files.get((kind, name))

    def chain_config(self, name: str) -> dict[str, str]:
        """The config of a chain; every value a text, as Kafka has it."""
        return {str(key): str(value) for key, value in self.chains[name].get("config", {}).items()}

    @property
    def topics(self) -> dict[str, Topic]:
        """Topics by name."""
        return self.of("topic")

    @property
    def subjects(self) -> dict[str, Subject]:
        """Subjects by name."""
        return self.of("subject")

    @property
    def connectors(self) -> dict[str, Connector]:
        """Connectors by name."""
        return self.of("connector")

    @property
    def chains(self) -> dict[str, dict[str, Any]]:
        """The files of transform chains by name."""
        return self.of("chain")
