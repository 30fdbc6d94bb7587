"""Headers that go on with a record hold nothing personal, whoever wrote them."""

from __future__ import annotations

import pytest

from glue.privacy.recognisers import find
from glue.service.config import ServiceConfig
from glue.service.process import passed
from glue.transforms.contract import Headers


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


@pytest.mark.parametrize(
    "value", [b"01712345678", b"a=+8801712345678", b"a=rahim@gmail.com", b"\xff\xfe0\x001", b"a" * 1000]
)
def test_a_declared_name_is_no_leave_for_a_persons_detail(value: bytes) -> None:
    declared = frozenset(ServiceConfig.model_fields["headers_pass"].default)
    assert "tracestate" in declared
    assert passed([(name, value) for name in sorted(declared)], declared) == []


def test_a_trace_goes_on_whatever_its_random_digits_look_like() -> None:
    came: Headers = [
        ("traceparent", b"00-60900772923c4e5d83924f05f5c7b9aa-27e125a42d206ada-01"),
        ("tracestate", b"dd=s:2;o:rum;t.dm:-4,congo=ucfJifl5GOE,fw529a3039@dt=FfhDGsd4;0;0"),
    ]
    assert find(came[0][1].decode())  # type: ignore[union-attr]
    assert passed(came, frozenset(ServiceConfig.model_fields["headers_pass"].default)) == came


def test_what_is_ours_or_declared_goes_on() -> None:
    ours = [("millionx.redacted", b"EMAIL=1;PHONE=2"), ("millionx.degraded", b"EnrichProducts"), ("millionx.x", None)]
    assert passed([*ours, ("traceparent", b"00-1")], frozenset({"traceparent"})) == [*ours, ("traceparent", b"00-1")]
