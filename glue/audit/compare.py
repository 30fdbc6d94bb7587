"""Finding what two sides do not share: only the buckets, or the windows, that differ are looked into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np

from glue.audit.buckets import Sums, differing, sums_of
from glue.audit.collection_side import LAST_MS, Stored
from glue.audit.keys import Bools
from glue.audit.table_side import Scope, StoredKey
from glue.audit.topic_side import TopicSide
from glue.stores.weaviate.client import document_id

_DAY_MS = 86_400_000
_SMALL = 500
_HEX = frozenset("0123456789abcdef")


class Table(Protocol):
    """What is asked of a table; see :class:`glue.audit.table_side.TableSide`."""

    def buckets(self, scope: Scope) -> dict[str, Sums]: ...

    def keys(self, buckets: list[str], scope: Scope) -> dict[str, StoredKey]: ...


class Collection(Protocol):
    """What is asked of a collection; see :class:`glue.audit.collection_side.CollectionSide`."""

    def totals(self, first: int, end: int) -> tuple[int, int]: ...

    def window(self, first: int, end: int) -> dict[str, Stored]: ...


@dataclass
class Suspects:
    """What to look at again, one by one.

    Attributes:
        rows: of the topic side, whose key the store seems not to hold as it should.
        extra: keys (tables) or object ids (collections) in the store that the topic seems not to have.
        doubled: keys with more than one row. stored: rows or objects seen in all.
    """

    rows: set[int] = field(default_factory=set)
    extra: dict[str, StoredKey] = field(default_factory=dict)
    doubled: dict[str, StoredKey] = field(default_factory=dict)
    stored: int = 0
    parts: int = 0
    read: int = 0


def compare_table(
    side: TopicSide, counted: Bools, table: Table, scope: Scope, progress: Callable[[str], None] = lambda text: None
) -> Suspects:
    """Compare the ``counted`` keys of a topic to a table, bucket by bucket.

    Keys that are no UUIDs have no bucket: they are suspects from the start, and looked up one by one.
    """
    mine, theirs = sums_of(side.high, side.low, counted & ~side.odd), table.buckets(scope)
    names = differing(mine, theirs)
    found = Suspects(stored=sum(one.rows for one in theirs.values()), parts=len(mine.keys() | theirs.keys()))
    found.rows.update(int(row) for row in np.flatnonzero(counted & side.odd))
    found.read = len(names)
    for at in range(0, len(names), 64):
        chunk = names[at : at + 64]
        progress(f"{len(names)} of {found.parts} buckets differ; reading {at + len(chunk)}")
        stored = table.keys(chunk, scope)
        found.doubled.update({key: one for key, one in stored.items() if one.rows > 1})
        for name in chunk:
            for row in side.rows(name) if _HEX.issuperset(name) and len(name) == 3 else ():
                if stored.pop(side.key(row), None) is None and counted[row]:
                    found.rows.add(row)
        found.extra.update(stored)
    return found


def compare_collection(
    side: TopicSide,
    counted: Bools,
    store: Collection,
    bounds: tuple[int, int] = (0, LAST_MS),
    progress: Callable[[str], None] = lambda text: None,
    *,
    every: bool = False,
) -> Suspects:
    """Compare the ``counted`` keys to a collection by windows of their moment: days first, then halves of those that
    differ, until a window is small enough to be read object by object.

    Args:
        bounds: milliseconds, the first inclusive, the second exclusive. Keys whose moment is outside are suspects
            from the start if it is unknown (0), and passed over otherwise.
        every: read the windows that agree too: a lost object and a stray one of the same day hide each other when
            their engagement is the same.
    """
    found = Suspects()
    found.rows.update(int(row) for row in np.flatnonzero(counted & (side.moment <= 0)))
    inside = np.flatnonzero(counted & (side.moment > 0) & (side.moment >= bounds[0]) & (side.moment < bounds[1]))
    order = inside[np.argsort(side.moment[inside], kind="stable")]
    moments, sums = side.moment[order], np.concatenate(([0], np.cumsum(side.measure[order])))
    days = np.unique(moments // _DAY_MS) * _DAY_MS
    edges = np.unique(np.concatenate((days, days + _DAY_MS, bounds)).clip(*bounds)).tolist()
    windows = [(int(first), int(end)) for first, end in pairwise(edges)]
    whole = set(windows)
    while windows:
        first, end = windows.pop()
        begin, stop = np.searchsorted(moments, [first, end])
        theirs = store.totals(first, end)
        found.parts += 1
        if (first, end) in whole:
            found.stored += theirs[0]
        if theirs == (int(stop - begin), int(sums[stop] - sums[begin])) and not (every and theirs[0]):
            continue
        if end - first > 1 and max(theirs[0], int(stop - begin)) > _SMALL:
            middle = (first + end) // 2
            windows += [(middle, end), (first, middle)]
            continue
        found.read += 1
        progress(f"{found.parts} windows compared, {found.read} read")
        _read_window(side, order[begin:stop].tolist(), store.window(first, end), found)
    return found


def _read_window(side: TopicSide, rows: list[int], stored: dict[str, Stored], found: Suspects) -> None:
    for row in rows:
        one = stored.pop(str(document_id(side.key(row))), None)
        if one is None or one.measure != side.measure[row]:
            found.rows.add(row)
    found.extra.update({name: StoredKey(1, -1, -1, one.moment) for name, one in stored.items()})
