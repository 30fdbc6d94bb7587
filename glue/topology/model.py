"""The declared state: what the files under ``connect-config/`` and ``schemas/`` say, checked and joined.

Our own files are read strictly (an unknown key is a mistake); what servers answer is read tolerantly, elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Kind(StrEnum):
    """What a resource is; plans go through them in this order."""

    TOPIC = "topic"
    SUBJECT = "subject"
    STORE = "store"
    CHAIN = "chain"
    CONNECTOR = "connector"


Key = tuple[Kind, str]

Compatibility = Literal[
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"
]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def as_text(value: Any) -> Any:
    """A scalar as Kafka writes it: ``true`` for True, ``1`` for 1; anything else unchanged."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


class _WithConfig(_File):
    config: dict[str, str] = Field(default_factory=dict, description="Kafka's own keys; every value a string.")

    @field_validator("config", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return {key: as_text(one) for key, one in value.items()} if isinstance(value, dict) else value


class Topic(_WithConfig):
    """A Kafka topic."""

    partitions: int = Field(ge=1, description="Number of partitions; it can grow, never shrink.")
    replication_factor: int = Field(-1, description="Copies of each partition; -1 leaves it to the broker.")
    dead_letters: bool = Field(False, description="Records that could not be processed end here.")
    description: str = ""


class TopicDefaults(_WithConfig):
    """What a topic gets where it does not say otherwise."""

    partitions: int | None = Field(None, ge=1)
    replication_factor: int | None = None


class TopicsFile(_File):
    """``topics.json``."""

    schema_: str | None = Field(None, alias="$schema")
    defaults: TopicDefaults = TopicDefaults()
    topics: dict[str, dict[str, Any]]


class SubjectEntry(_File):
    """A subject of the Schema Registry."""

    schema_: str = Field(alias="schema", description="File under schemas/.")
    compatibility: Compatibility | None = Field(None, description="Level of this subject; the default otherwise.")


class SubjectDefaults(_File):
    """What a subject gets where it does not say otherwise."""

    compatibility: Compatibility | None = None


class SubjectsFile(_File):
    """``subjects.json``."""

    schema_: str | None = Field(None, alias="$schema")
    defaults: SubjectDefaults = SubjectDefaults()
    subjects: dict[str, SubjectEntry]


class Connector(_File):
    """A connector file: the very body that ``POST /connectors`` takes."""

    name: str = Field(min_length=1)
    config: dict[str, str]
    initial_state: Literal["RUNNING", "PAUSED", "STOPPED"] | None = Field(
        None, description="State in which it is created (KIP-980)."
    )

    @field_validator("config", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return {key: as_text(one) for key, one in value.items()} if isinstance(value, dict) else value

    @property
    def plugin(self) -> str:
        """Class or alias of the plugin; empty where it is missing."""
        return self.config.get("connector.class", "")

    @property
    def topics(self) -> list[str]:
        """Topics a sink reads by name."""
        return split_list(self.config.get("topics", ""))


class Profile(_File):
    """``profiles/<name>.json``: RFC 7396 merge patches, each for the file or folder of that name."""

    schema_: str | None = Field(None, alias="$schema")
    description: str = ""
    topics: dict[str, Any] = Field(default_factory=dict, description="Patches topics.json.")
    subjects: dict[str, Any] = Field(default_factory=dict, description="Patches subjects.json.")
    connectors: dict[str, Any] = Field(
        default_factory=dict, description="Connector name → patch of its body; null leaves it out, a new one is added."
    )
    transforms: dict[str, Any] = Field(default_factory=dict, description="Chain name → patch of its file.")
    sources: dict[str, Any] = Field(default_factory=dict, description="Source name → patch of its file.")
    extends: str = Field("", description="The profile on top of which this one stands.")


@dataclass(frozen=True)
class Subject:
    """A subject with its schema (parsed JSON) and level; None leaves the registry's default."""

    schema: dict[str, Any]
    compatibility: str | None
    file: Path


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file: where, what, and the fix."""

    file: Path | None
    where: str
    message: str
    fix: str = ""
    warning: bool = False

    @property
    def kind(self) -> Kind | None:
        """What the file declares; None where it is about all of them (a profile)."""
        if self.file is None or self.file.parent.name == "profiles":
            return None
        named = {"topics.json": Kind.TOPIC, "subjects.json": Kind.SUBJECT}
        return named.get(self.file.name, Kind.CHAIN if self.file.parent.name == "transforms" else Kind.CONNECTOR)

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file.name if self.file else "", self.where) if part)
        return f"{place}: {self.message}" if place else self.message


@dataclass
class Declared:
    """The whole declared state of one profile.

    Attributes:
        owner: who applies it; only what this owner has created is ever pruned.
        sources: the producers' files, read for the topics they name; mxctl does not apply them.
        files: where each resource is declared.
        problems: what was wrong while reading; nothing is applied while one of them is an error.
    """

    owner: str
    profile: str
    topics: dict[str, Topic] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    connectors: dict[str, Connector] = field(default_factory=dict)
    chains: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[Key, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def names(self, kind: Kind) -> set[str]:
        """Names of the resources of one kind."""
        return {
            Kind.TOPIC: self.topics.keys(),
            Kind.SUBJECT: self.subjects.keys(),
            Kind.CONNECTOR: self.connectors.keys(),
            Kind.CHAIN: self.chains.keys(),
        }.get(kind, set()) | set()


def split_list(text: str) -> list[str]:
    """Kafka's LIST type: commas, blanks around them ignored."""
    return [part.strip() for part in text.split(",") if part.strip()]
