"""Whatever is missing, extra or doubled is found: the sides are made at random, and the answer is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from glue.audit.compare import ByKey, ByTime, Wanted
from glue.audit.keys import pack, text_of
from glue.audit.topic import Collector
from glue.identity import record_key
from glue.stores.contract import Stamp, StoredKey, Sums, Target
from glue.stores.sql import FIRST, SECOND, weights
from glue.stores.weaviate.client import document_id

TARGET = Target("sink", "class", "topic", "PLACE", "kind", "Kind PLACE")

# As the pipeline makes them: the checksums look at ten places of a key, and trust that its digits are random.
uuids = st.integers(0, 5000).map(lambda n: record_key("test", n))
keys = st.one_of(
    uuids, uuids, uuids, st.sampled_from(["abc", "ABCDEF00-0000-0000-0000-000000000000", "ключ", "f" * 36])
)


@dataclass
class Message:
    """A record as librdkafka gives it."""

    name: str | None
    at: int
    content: bytes | None = b"v"
    number: int = 0

    def key(self):
        return None if self.name is None else self.name.encode()

    def value(self):
        return self.content

    def offset(self):
        return self.at

    def partition(self):
        return self.number

    def timestamp(self):
        return 1, 1_764_000_000_000 + self.at


def scanned(messages, **how):
    collector = Collector(**how)
    for at in range(0, len(messages), 7):
        collector.add(messages[at : at + 7])
    return collector.snapshot({0: (0, len(messages))})


class PlainTable:
    """Rows in a list, and buckets as they are defined, a character at a time."""

    def __init__(self, rows):
        self.names = rows

    def buckets(self, target, scope):
        found = {}
        for name in {row[:3] for row in self.names}:
            inside = [row for row in self.names if row[:3] == name]
            sums = [
                sum(ord(row[at - 1]) * factor for row in inside for at, factor in weights(places) if len(row) >= at)
                for places in (FIRST, SECOND)
            ]
            found[name] = Sums(len(inside), len(set(inside)), *sums)
        return found

    def keys(self, target, buckets, scope):
        counts = Counter(row for row in self.names if row[:3] in buckets)
        return {key: StoredKey(rows, 0, 0, 0) for key, rows in counts.items()}


class PlainCollection:
    """Objects in a dict."""

    identity = staticmethod(lambda key: str(document_id(key)))
    undated = staticmethod(lambda target: [])

    def __init__(self, objects):
        self.objects = objects

    def totals(self, target, first, end):
        inside = self.window(target, first, end).values()
        return len(inside), sum(one.measure for one in inside)

    def window(self, target, first, end):
        return {name: one for name, one in self.objects.items() if first <= one.moment < end}


@settings(deadline=None)
@given(st.sets(keys, max_size=60), st.sets(keys, max_size=5), st.data())
def test_any_missing_extra_and_doubled_rows_are_found_and_nothing_else(produced, extra, data):
    extra -= produced
    missing = data.draw(st.sets(st.sampled_from(sorted(produced)))) if produced else set()
    present = sorted(produced - missing)
    doubled = data.draw(st.sets(st.sampled_from(present))) if present else set()
    side = scanned([Message(key, at) for at, key in enumerate(sorted(produced))])

    found = ByKey(TARGET, PlainTable([*present, *doubled, *extra])).suspects(
        side, side.live, Wanted(), lambda text: None
    )

    suspects = {side.key(row) for row in found.rows}
    odd = {side.key(row) for row in np.flatnonzero(side.odd)}
    assert suspects - odd == missing - odd
    assert missing <= suspects, "odd keys are always looked up"
    assert {one.name for one in ByKey(TARGET, None)._unexpected(side, found.extra)} == extra
    assert found.doubled.keys() == doubled


moments = st.integers(1, 3 * 86_400_000)
posts = st.dictionaries(uuids, st.tuples(moments, st.integers(0, 9)), max_size=60)


def compared(produced, stored, deep=False):
    """(keys suspected, ids that are extra); ``produced`` is {key: (moment, measure)}."""
    facts = {str(n).encode(): produced[key] for n, key in enumerate(sorted(produced))}
    side = scanned([Message(key, n, str(n).encode()) for n, key in enumerate(sorted(produced))], facts=facts.get)
    found = ByTime(TARGET, PlainCollection(stored), None).suspects(
        side, side.live, Wanted(deep=deep), lambda text: None
    )
    return {side.key(row) for row in found.rows}, set(found.extra)


def objects(produced, changed=()):
    return {str(document_id(k)): Stamp(at, number + (k in changed)) for k, (at, number) in produced.items()}


@settings(deadline=None)
@given(posts, st.data())
def test_any_missing_and_changed_objects_are_found_and_nothing_else(produced, data):
    some = st.sets(st.sampled_from(sorted(produced))) if produced else st.just(set())
    missing = data.draw(some)
    changed = data.draw(some) - missing
    stored = objects({key: post for key, post in produced.items() if key not in missing}, changed)
    assert compared(produced, stored) == (missing | changed, set())


@settings(deadline=None)
@given(posts, st.dictionaries(st.uuids().map(str), moments, max_size=5))
def test_any_extra_objects_are_found(produced, strangers):
    stored = objects(produced) | {name: Stamp(moment, 0) for name, moment in strangers.items()}
    assert compared(produced, stored) == (set(), set(strangers))


def test_a_lost_and_a_stray_object_that_hide_each_other_are_found_when_every_window_is_read():
    produced = {str(UUID(int=1)): (5_000, 0), str(UUID(int=2)): (6_000, 3)}
    stored = objects({str(UUID(int=2)): (6_000, 3)}) | {str(UUID(int=9)): Stamp(7_000, 0)}
    assert compared(produced, stored) == (set(), set())
    assert compared(produced, stored, deep=True) == ({str(UUID(int=1))}, {str(UUID(int=9))})


def test_a_window_larger_than_a_page_is_halved_until_the_lost_one_is_in_a_small_one():
    produced = {str(UUID(int=n)): (1_000 + n // 3, n % 7) for n in range(3000)}
    lost = str(UUID(int=1234))
    stored = objects({key: post for key, post in produced.items() if key != lost})
    assert compared(produced, stored) == ({lost}, set())


def test_only_the_latest_record_of_a_key_counts_and_a_tombstone_ends_it():
    one, two = str(UUID(int=1)), str(UUID(int=2))
    history = [Message(one, 0), Message(two, 1), Message(one, 2), Message(two, 3, None)]
    side = scanned(history)
    assert [(side.key(n), int(side.offset[n]), bool(side.live[n]), int(side.records[n])) for n in range(len(side))] == [
        (one, 2, True, 2),
        (two, 3, False, 2),
    ]
    kept = scanned(history, ignore_tombstones=True)
    assert kept.live.all() and int(kept.offset[kept.find(two)]) == 1


@given(st.lists(keys, max_size=30))
def test_keys_are_whole_after_packing(names):
    side = scanned([Message(name, at) for at, name in enumerate(names)])
    assert {side.key(row) for row in range(len(side))} == set(names)
    assert all(side.key(side.find(name)) == name for name in names)
    high, low, odd = pack([name.encode() for name in names])
    assert all(odd[n] or text_of(high[n], low[n]) == names[n] for n in range(len(names)))
