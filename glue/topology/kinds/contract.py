"""What a kind of resource says of itself, from its file to the cluster and back.

A new kind is one file beside this one that implements :class:`Kind`, and one line in ``KINDS``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from glue.topology.change import Action, Change, Undo
from glue.topology.files import Files
from glue.topology.model import Declared, Problem

if TYPE_CHECKING:
    from glue.topology.memory import Memory
    from glue.topology.services import Services

Rule = Callable[[Declared], Iterable[Problem]]


@dataclass
class Live:
    """What there is of one kind: resources by name as far as they are read, and the name of every one there is."""

    found: dict[str, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


@dataclass
class Exported:
    """Where a live cluster is written to, and what a person has to see to.

    Attributes:
        counts: how many of each kind were written.
        dead_letters: topics that connectors use for dead letters.
    """

    config: Path
    schemas: Path
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dead_letters: set[str] = field(default_factory=set)


class Kind(ABC):
    """One kind of resource.

    Attributes:
        name: ``topic``.
        section: name of its file or folder under ``connect-config/``, and of its part of a profile; empty for none.
        patches: what its part of a profile may change.
        rules: what is checked of its files without a cluster.
        first: whether it is written before the others are verified, for they are verified against it.
        remembers: whether what is live is known only from mxctl's own memory.
        delete_cost: what deleting one takes.
    """

    name: ClassVar[str]
    section: ClassVar[str] = ""
    patches: ClassVar[str] = ""
    rules: tuple[Rule, ...] = ()
    first: ClassVar[bool] = False
    remembers: ClassVar[bool] = False
    delete_cost: ClassVar[str] = ""

    @property
    def plural(self) -> str:
        """``topics``."""
        return f"{self.name}s"

    # -- declared -----------------------------------------------------------------------------------------------

    def load(self, files: Files) -> Iterator[tuple[str, Any, Path]]:
        """What the files declare: name, resource, file. Mistakes go to ``files.problems``."""
        return iter(())

    def complete(self, files: Files, declared: Declared) -> None:  # noqa: B027 - most follow from their own files alone
        """Declare what follows from the files of all kinds, once they are read."""

    def declares(self, file: Path) -> bool:
        """Whether a file declares resources of this kind."""
        return bool(self.section) and (file.name == f"{self.section}.json" or file.parent.name == self.section)

    def wanted(self, services: Services, declared: Declared) -> Mapping[str, Any]:
        """The resources that should be there."""
        return declared.of(self.name)

    def dump(self, want: Any) -> Any:
        """A declared resource as JSON."""
        return want

    def restore(self, body: Any) -> Any:
        """What :meth:`dump` wrote, as a resource again."""
        return body

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        """JSON Schemas of its files, by file name without ``.json``."""
        return {}

    # -- live ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> Live:
        """What is live, in full at least for the resources in ``wanted``.

        Raises:
            ServiceUnavailableError: the service that holds them does not answer.
        """

    @abstractmethod
    def diff(self, services: Services, name: str, want: Any, live: Live) -> Change | None:
        """The change that brings a resource to its declaration; None where it means the same."""

    def deletions(self, services: Services, notes: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
        """The changes that delete resources which this owner created and declares no more, with its notes on each."""
        cost = (self.delete_cost,) if self.delete_cost else ()
        for name in notes:
            yield Change(self.name, name, Action.DELETE, cost=cost)

    def fingerprint(self, live: Live, name: str) -> Any:
        """What of a live resource must not change between a plan and its apply, as JSON; None if it is not there."""
        return live.found.get(name)

    # -- applied ------------------------------------------------------------------------------------------------

    def check(self, services: Services, declared: Declared, change: Change) -> None:  # noqa: B027 - most need not
        """Refuse what would fail, before anything is written.

        Raises:
            ServiceError: it would, and why.
        """

    def verify(self, services: Services, declared: Declared, change: Change) -> None:  # noqa: B027
        """As :meth:`check`, for what can only be asked once the kinds that go ``first`` are in place."""

    @abstractmethod
    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        """Write one change; returns how to put back what was."""

    def notes(self, services: Services, names: list[str]) -> dict[str, dict[str, Any]]:
        """What to remember of resources just created beside their owner."""
        return {}

    # -- shown --------------------------------------------------------------------------------------------------

    def validate(self, services: Services, declared: Declared) -> Iterator[Problem]:
        """What the cluster says against what is declared; nothing is written."""
        return iter(())

    def export(self, services: Services, out: Exported) -> None:  # noqa: B027
        """Write what is live as files that declare it."""
