"""The contract between a source and the runner.

A source knows one vendor: how to ask for a page and how to read one native record. The runner owns the rest: limits,
retries, validation, keys, Avro, Kafka, checkpoints, dead letters, metrics. A new source is a module with one subclass
of :class:`Source` and one file in ``connect-config/sources``.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from connectors.errors import BlockedError, ChangedError, CredentialError, EmptyListingError, ThrottledError
from connectors.http import Http
from connectors.models import SourceRecord
from connectors.reading import moment
from glue.errors import DataError, MillionXError, ServiceError, ServiceUnavailableError

log = logging.getLogger(__name__)
T = TypeVar("T")
Raw = Any  # one record as the vendor gave it; may be malformed in every way
Fields = dict[str, Any]  # the fields of a record of `Source.model`, not yet validated
Cursor = dict[str, Any]  # where to go on; small, JSON


class SourceOptions(BaseModel):
    """Base of a source's own options (``options`` in its file): unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Window:
    """The time asked for: from ``since`` (None: the source's own beginning) to ``until`` (None: now), UTC.

    ``since`` already holds the overlap with the run before, so records come again; the runner drops them.
    """

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, time: datetime) -> bool:
        """Whether a record of that time belongs to the window (both ends inclusive)."""
        return (self.since is None or time >= self.since) and (self.until is None or time <= self.until)


@dataclass
class Page:
    """Native records that came together, and the cursor that holds once all of them are acknowledged by Kafka.

    ``cursor`` None says: nothing to remember yet (an unsorted page in the middle of a listing). ``without_text`` counts
    posts without text (a photo alone): they are neither records nor errors, and every source skips and counts them.
    """

    records: list[Raw]
    cursor: Cursor | None = None
    without_text: int = 0


@dataclass
class Context:
    """What the runner lends a source: its HTTP client, the overlap between runs, the folder for evidence."""

    http: Http
    evidence: Path
    overlap: timedelta = timedelta()
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


OptionsT = TypeVar("OptionsT", bound=SourceOptions)


class Source(ABC, Generic[OptionsT]):
    """One vendor. Life: constructed, ``pages`` once, ``parse`` for every record, ``close`` always."""

    model: ClassVar[type[SourceRecord]]
    platform: ClassVar[str] = ""  # what its records say; several sources (shops) may be of one
    options_class: ClassVar[type[SourceOptions]]
    looked_up: ClassVar[bool] = False  # whether what it brings is looked up by the chains, and so must be there first
    webhook: ClassVar[bool] = False  # whether `mxctl webhook serve` also feeds its topic

    def __init__(self, options: OptionsT, context: Context) -> None:
        self.options = options
        self.context = context

    @classmethod
    def merchant_of(cls, option: Callable[[str], str]) -> str:
        """Whose orders a source reads, empty for one that reads none; ``option`` gives an option by its name.

        Only what says it is asked for, so that a file of orders can be ingested without the vendor's address and keys.
        """
        return ""

    @classmethod
    def api_version_of(cls, options: Mapping[str, Any]) -> tuple[str, str] | None:
        """Vendor and version of the API that a source asks for, as ``connectors/data/api_versions.json`` has them.

        None where the vendor does not number its API. ``options`` are as declared, their references unresolved.
        """
        return None

    @property
    def merchant(self) -> str:
        """Whose records it reads; empty for one that reads nobody's."""
        return self.merchant_of(lambda name: str(getattr(self.options, name, None) or ""))

    @abstractmethod
    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """Yield the records of ``window``, oldest first where the vendor can sort, going on from ``cursor``.

        Call the vendor through ``context.http`` or wrap calls in ``context.http.attempt``: that brings limits,
        retries and metrics.

        Raises:
            BlockedError, ChangedError, CredentialError, ServiceError, ServiceUnavailableError: the run ends; pages
                yielded before are safe in Kafka and in the checkpoint.
        """

    @abstractmethod
    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """The records in one native record (an order has several lines), as fields for ``model``.

        May raise anything for a malformed one: it goes to dead letters whole, its neighbours are unaffected.
        """

    def start(self, cursor: Cursor, overlap: timedelta) -> datetime | None:
        """Where an ordinary run begins: the cursor's ``time``, less the overlap."""
        time = cursor.get("time")
        return datetime.fromisoformat(time) - overlap if isinstance(time, str) else None

    def close(self) -> None:
        """Release what was opened. Called once, also after a failure."""


def each_of(items: Iterable[T], read: Callable[[T], Iterator[Page]]) -> Iterator[Page]:
    """The pages of each item (page, keyword, city); one that fails does not hold back those after it.

    An error that affects all items (refused credentials, throttling, a block, changed pages) ends it at once.

    Raises:
        ServiceError, ServiceUnavailableError: the first failure, after all others were read.
    """
    first: MillionXError | None = None
    for item in items:
        try:
            yield from read(item)
        except (ServiceError, ServiceUnavailableError) as error:
            general = isinstance(error, CredentialError | ThrottledError | BlockedError | ChangedError)
            if general and not isinstance(error, EmptyListingError):
                raise
            first = first or error
            log.warning("%s: going on with the rest", error)
    if first is not None:
        raise first


def times_of(records: Iterable[Raw], name: str) -> list[datetime]:
    """The times in the field ``name`` of native records, where they can be read."""
    found = []
    for record in records:
        with suppress(KeyError, TypeError, ValueError):
            found.append(moment(record[name]))
    return found


def newest(times: Iterable[datetime], started: datetime, before: str | None) -> str | None:
    """A cursor ``time``: the newest seen, but never after the start of the run and never backwards.

    Not after the start: a record written during the run, but older than one already seen, would be skipped next time
    (lesson of singer-io/tap-shopify). Returns ISO 8601, or ``before`` where nothing was seen.
    """
    last = max(times, default=None)
    if last is None:
        return before
    bounded = min(last, started)
    return bounded.isoformat() if before is None or bounded > datetime.fromisoformat(before) else before


def text_or_none(value: Any) -> Any:
    """A stripped string, or None for nothing; a whole number as its digits. Other types pass for the model to refuse.

    A double is no text: as an id it has lost digits.
    """
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def text_of(record: Mapping[str, Any], name: str) -> str:
    """The text of a field as it is, empty where there is none.

    Raises:
        DataError: it is something else.
    """
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise DataError("record", f"{name}: {_kind(value)}, not a text")
    return value or ""


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """``value`` of the field ``name`` as a JSON object.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise DataError("record", f"{name}: {_kind(value)}, not an object")
    return value


def listing(value: Any, name: str) -> list[Any]:
    """``value`` of the field ``name`` as a JSON array.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(value, list):
        raise DataError("record", f"{name}: {_kind(value)}, not a list")
    return value


def required(record: Mapping[str, Any], name: str) -> Any:
    """The value of a field that must be there.

    Raises:
        DataError: it is missing or null.
    """
    value = record.get(name)
    if value is None:
        raise DataError("record", f"{name}: Field required")
    return value


def _kind(value: Any) -> str:
    return "missing" if value is None else f"is {type(value).__name__}"
