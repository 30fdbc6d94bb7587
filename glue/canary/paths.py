"""The ways of canaries: one for each declared source, with every place where its record must be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.models import SourceRecord
from glue.canary.records import KINDS, Kind
from glue.errors import UsageError
from glue.identity import rekeyed
from glue.pipeline.routes import Pipeline, Route
from glue.settings import get_settings
from glue.stores.contract import Target
from glue.stores.weaviate.schema import Planted, searched

if TYPE_CHECKING:
    from glue.topology.model import Declared

HEADER = "millionx.canary"
RAW, GLUE, SINK, STORE = "raw", "glue", "sink topic", "store"


@dataclass(frozen=True)
class Stage:
    """A place where a record must be seen.

    Attributes:
        name: raw, glue, sink topic or store.
        place: the topic; of a store, its name for people.
        by: the source, chain or connector that brings it there.
        before: the stage that it comes from; None for the raw topic.
        rekeys: the kinds by which its key was derived on the way here.
        target: of a store, the table or collection.
    """

    name: str
    place: str
    by: str
    before: Stage | None = None
    rekeys: tuple[str, ...] = ()
    target: Target | None = None

    def key(self, key: str) -> str:
        """The key here of the record that has ``key`` on the raw topic."""
        return rekeyed(self.rekeys, key)


@dataclass(frozen=True)
class Path:
    """The way of a canary: from the raw topic of a source to every store that its records must reach.

    Attributes:
        planted: what its text says, and the questions that must find it where it is stored; None where none are asked.
    """

    source: str
    kind: Kind = field(repr=False)
    stages: tuple[Stage, ...]
    dead_letters: tuple[str, ...]
    planted: Planted | None = None

    @property
    def topic(self) -> str:
        """The raw topic."""
        return self.stages[0].place

    def make(self, unique: str) -> SourceRecord:
        """A record as the source makes them, of a unique id."""
        made = self.kind.make(self.source, unique)
        if self.planted is None:
            return made
        return made.model_copy(update={self.kind.text: f"{self.planted.post} {getattr(made, self.kind.text)}"})

    @property
    def collection(self) -> str:
        """Of the store that is asked."""
        return next(stage.target.place for stage in self.stages if stage.target and stage.target.vector)


def paths_of(declared: Declared) -> dict[str, Path]:
    """A path for each source whose records reach a store and are of a type that canaries are known of, by source."""
    pipeline = Pipeline.of(declared)
    found = {}
    for name in pipeline.sources:
        routes = [route for route in pipeline.routes if route.source and route.source.name == name]
        subject = declared.subjects.get(f"{routes[0].raw}-value") if routes else None
        kind = KINDS.get(str(subject.schema.get("name"))) if subject else None
        if kind is not None:
            found[name] = Path(name, kind, _stages(routes), pipeline.dead_letters, _planted(routes, kind))
    return found


def _planted(routes: list[Route], kind: Kind) -> Planted | None:
    """What is declared for the first collection with vectors that the routes reach."""
    target = next((route.target for route in routes if route.target.vector), None)
    return searched(get_settings().config_dir / target.store, target.place).canary if target and kind.text else None


def choose(declared: Declared, names: Iterable[str]) -> Sequence[Path]:
    """The paths of these sources; all where none is named.

    Raises:
        UsageError: a source has none, or no source has one.
    """
    paths = paths_of(declared)
    for name in names:
        if name not in paths:
            why = "its records reach no store, or are of a type without a canary" if name in declared.sources else ""
            fix = f"one of: {', '.join(paths) or 'none is declared'}; mxctl graph shows where records go"
            raise UsageError(f"canary of source {name}", why or "there is no such source", fix)
    if not paths:
        raise UsageError("mxctl canary", "no declared source has records that reach a store", "mxctl graph")
    return [paths[name] for name in names] or list(paths.values())


def _stages(routes: list[Route]) -> tuple[Stage, ...]:
    """The stages of all routes of a source, those that they share once."""
    found: dict[Stage, None] = {}
    for route in routes:
        stage = Stage(RAW, route.raw, "source")
        found[stage] = None
        for number, hop in enumerate(route.hops, 1):
            name = SINK if number == len(route.hops) else GLUE
            stage = Stage(name, hop.topic, hop.chain.name, stage, stage.rekeys + hop.chain.rekeys)
            found[stage] = None
        found[Stage(STORE, route.target.label, route.target.connector, stage, stage.rekeys, route.target)] = None
    return tuple(found)
