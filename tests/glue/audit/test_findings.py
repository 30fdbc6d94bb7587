"""What is said of a record: windows of time, dead letters, fields that are not as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from glue.audit import run
from glue.audit.compare import Suspects, Wanted
from glue.audit.deep import differences, wrong_length
from glue.audit.report import EXTRA, MISSING, Difference, StoreReport
from glue.audit.sinks import dead_rows
from glue.audit.topic import Collector
from glue.times import iso

KEY = "5d4e0bd8-8a52-5e0c-9c4c-0a1f7b3c2d10"
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Record:
    """The message of ``KEY`` at 2/7."""

    key = staticmethod(lambda: KEY.encode())
    value = staticmethod(lambda: b"v")
    partition = staticmethod(lambda: 2)
    offset = staticmethod(lambda: 7)
    timestamp = staticmethod(lambda: (1, 5))


def side():
    collector = Collector()
    collector.add([Record()])
    return collector.snapshot({2: (0, 8)})


def test_a_dead_letter_accounts_for_its_very_record_and_no_other():
    found = side()
    assert dead_rows({("t", 2, 7): KEY.encode()}, "t", found) == {0}
    assert dead_rows({("t", 2, 6): KEY.encode()}, "t", found) == set(), "an older record of the key"
    assert dead_rows({("t", 2, 7): b"another"}, "t", found) == set(), "the topic was made anew"
    assert dead_rows({("other", 2, 7): KEY.encode()}, "t", found) == set()
    assert dead_rows({("t", 2, 7): None}, "t", found) == set()


def test_what_a_sink_writes_while_the_store_is_looked_at_is_not_missing(monkeypatch):
    """The sink commits the record right after the look that did not find it."""
    committed = {2: 7}

    class Comparison:
        target = SimpleNamespace(name="posts", topic="t", place="Posts", connector="sink")
        collector = staticmethod(lambda _wanted: Collector())
        in_window = staticmethod(lambda topic, _wanted: np.ones(len(topic.live), bool))
        verdicts = staticmethod(lambda _topic, rows: [(row, MISSING, "not there") for row in rows])
        unexpected = staticmethod(lambda _topic, _extra: [])
        doubled = staticmethod(lambda _topic, _doubled: [])

        @staticmethod
        def suspects(_topic, _counted, _wanted, _progress):
            committed[2] = 8
            return Suspects(rows={0})

    monkeypatch.setattr(run, "topic_ends", lambda _kafka, _topic: {2: (0, 8)})
    reads = iter([[[Record()]]])
    monkeypatch.setattr(run, "read", lambda _kafka, _topic, _ends: next(reads, []))
    monkeypatch.setattr(run, "committed", lambda _kafka, _connector, _topic: dict(committed))
    report = run._Look(Comparison(), None, None, Wanted(), lambda _text: None).report()
    assert (report.on_topic, report.pending, report.differences) == (1, 1, [])


POST = {
    "content": "জুতা",
    "hashtags": ["shoes"],
    "product_mentions": [],
    "language": None,
    "likes": 3,
    "timestamp": "2026-11-24T06:00:00.123Z",
    "vector": [0.6, 0.8],
}
SAME = {**POST, "product_mentions": None, "timestamp": datetime(2026, 11, 24, 6, 0, 0, 123000, UTC)}
del SAME["vector"]


@pytest.mark.parametrize(
    ("change", "vector", "expected"),
    [
        ({}, [0.6, 0.8], []),
        ({}, [3.0, 4.0], []),
        ({"hashtags": []}, [0.6, 0.8], ["hashtags is gone"]),
        ({"hashtags": ["shoe"]}, [0.6, 0.8], ["hashtags differs"]),
        ({"likes": 4, "content": None}, [0.6, 0.8], ["content is gone", "likes differs"]),
        ({"timestamp": datetime(2026, 11, 24, 7, tzinfo=UTC)}, [0.6, 0.8], ["timestamp differs"]),
        ({}, [0.6, 0.8, 0.0], ["vector has 3 components, not 2"]),
        ({}, None, ["vector has 0 components, not 2"]),
        ({}, [0.8, -0.6], ["vector differs"]),
    ],
)
def test_properties_that_are_not_as_they_were_are_named_without_their_values(change, vector, expected):
    assert differences(POST, SAME | change | {"vector": vector}, "vector") == expected


def test_columns_that_are_not_as_they_were_are_named():
    value = {"price": Decimal("10.5000"), "title": "জুতা", "ordered_at": NOW, "sku": None, "quantity": 1}
    row = {"price": Decimal("10.5"), "title": "জুতা", "ordered_at": NOW, "sku": None, "quantity": 1, "more": 1}
    assert differences(value, row) == []
    assert differences(value, row | {"price": Decimal("10.51")}) == ["price differs"]
    assert differences(value, row | {"title": None, "ordered_at": NOW.replace(hour=7)}) == [
        "title is gone",
        "ordered_at differs",
    ]
    del row["quantity"]
    assert differences(value, row) == ["quantity is not there"]


def test_a_vector_of_a_length_that_no_store_takes():
    schema = {"fields": [{"name": "vector", "constraints": {"length": 384}}]}
    assert wrong_length({"vector": [0.0] * 384}, schema) == ""
    assert wrong_length({"vector": [0.0] * 3}, schema) == "its vector has 3 components, not 384"


def test_a_report_counts_what_is_open_by_partition_and_hour():
    hour = 1_764_000_000_000 - 1_764_000_000_000 % 3_600_000
    report = StoreReport("orders", "t", "ORDERS")
    assert report.agrees
    report.differences = [
        Difference(MISSING, "a", 1, 5, hour + 1, ""),
        Difference(MISSING, "b", 1, 6, hour + 3_599_999, ""),
        Difference(MISSING, "c", 1, 7, hour, "", repaired=True),
        Difference(EXTRA, "d", -1, -1, 0, ""),
    ]
    assert not report.agrees
    assert report.windows() == [
        {"kind": "extra", "partition": -1, "hour": "-", "keys": 1},
        {"kind": "missing", "partition": 1, "hour": iso(hour), "keys": 2},
    ]
    data = report.as_dict()
    assert data["counts"] == {"missing": 2, "extra": 1} and all(one["fix"] for one in data["differences"])


def test_a_vector_of_another_model_is_no_difference_and_a_lost_or_a_turned_one_is() -> None:
    record = {"vectors": {"a": [1.0, 0.0], "gone": [1.0]}, "embedding_models": ["a@1", "gone@1"]}
    row = {"vectors": {"a": [1.0, 0.0], "new": [1.0]}, "embedding_models": ["a@1", "new@1"]}
    assert differences(record, row, "vectors") == []
    assert differences(record, row | {"vectors": {"a": [0.0, 1.0]}}, "vectors") == ["vectors.a differs"]
    lost = row | {"vectors": {"a": None, "new": [1.0]}}
    assert differences(record, lost, "vectors") == ["vectors.a has 0 components, not 2"]


def test_posts_without_a_declared_vector_or_with_another_are_no_agreement() -> None:
    report = StoreReport("socialpost", "t", "SocialPost")
    assert report.agrees
    assert not StoreReport("socialpost", "t", "SocialPost", unembedded={"e5@1": 2}).agrees
    found = StoreReport("socialpost", "t", "SocialPost", foreign={"old@1": 3, "older@1": 1})
    assert not found.agrees and found.summary()["foreign"] == 3 and found.as_dict()["foreign"]["older@1"] == 1
