"""The last privacy gate inside a sink's own process, where a record's vectors need not travel for its texts' sake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glue.connect_python.sink import ConfigT, Report, Sink
from glue.transforms.contract import Record
from glue.transforms.scrub import ScrubPII


class Gated(Sink[ConfigT]):
    """A sink whose records pass ``ScrubPII`` with ``again`` first; it has no options, so nothing can turn it off.

    Subclass as ``class Mine(Gated[MyConfig], TheSink)``. A sink that gets a gate gets another name, too: a worker of
    a version without the gate then knows no such class and does not start, where an option would be left unread and
    the records stored as they came. The tags are those of the connector's ``python.schemas``. What the gate refuses is
    reported like what the store refuses, with the words that it has as a transform; the rest of the batch goes on.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.put is not Gated.put:
            raise TypeError(f"{cls.__name__}: another put comes before the gate's; derive from Gated first")

    def configure(self, props: Mapping[str, str]) -> None:
        """Take the sink's options; the gate has none."""
        super().configure(props)
        self._gate = ScrubPII()
        self._gate.configure({"again": "true"})

    def put(self, records: Sequence[Record], report: Report) -> None:
        """Hand on what passes the gate."""
        passed = []
        for record in records:
            try:
                self._gate.apply(record)
            except MemoryError:  # says nothing of the record: the process ends, and its records are read again
                raise
            except Exception as error:
                report(record, error)
            else:
                passed.append(record)
        super().put(passed, report)  # type: ignore[safe-super]
