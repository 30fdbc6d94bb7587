"""What an apply has done so far, and how to take it back."""

from __future__ import annotations

from dataclasses import dataclass, field

from glue.errors import MillionXError
from glue.topology.change import Undo
from glue.topology.diff import Change
from glue.topology.progress import Event, Progress


@dataclass
class Journal:
    """Changes in the order in which they were done, each with its undo."""

    entries: list[tuple[Change, Undo]] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """What was done."""
        return [change for change, _ in self.entries]

    def undo(self, progress: Progress) -> list[str]:
        """Put back everything, last first; returns what could not be put back, and why."""
        failures = []
        while self.entries:
            change, undo = self.entries.pop()
            progress(Event(change.label, "rolling back", undo.text))
            try:
                undo.run()
            except MillionXError as error:
                failures.append(f"{change.label}: {error.why or error.what}")
            except Exception as error:  # one that can not be undone must not keep the others from it
                failures.append(f"{change.label}: {type(error).__name__}")
        return failures
