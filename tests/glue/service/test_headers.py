"""Headers that go on with a record hold nothing personal, whoever wrote them."""

from __future__ import annotations

import pytest

from glue.service.process import passed


@pytest.mark.parametrize(
    "name, value",
    [
        ("millionx.note", b"01712345678"),
        ("millionx.degraded", b"rahim@gmail.com"),
        ("millionx.01712345678", b"1"),
        ("millionx.note", b"\xff\xfe0\x001\x00"),
        ("millionx.note", b"a" * 1000),
        ("millionx.replay.for", b"posts"),
        ("millionx.retry_count", b"1"),
        ("tracestate", b"a=b"),
        ("note", b"x"),
    ],
)
def test_what_may_be_personal_or_is_of_others_stays_behind(name: str, value: bytes) -> None:
    assert passed([(name, value)], frozenset()) == []


def test_what_is_ours_or_declared_goes_on() -> None:
    ours = [("millionx.redacted", b"EMAIL=1;PHONE=2"), ("millionx.degraded", b"EnrichProducts"), ("millionx.x", None)]
    assert passed([*ours, ("traceparent", b"00-1")], frozenset({"traceparent"})) == [*ours, ("traceparent", b"00-1")]
