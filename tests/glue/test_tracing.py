"""Traces of batches, exported by the real exporter to a collector that parses the real protocol."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from glue import tracing
from glue.connect_python.adapters import SinkAdapter
from glue.connect_python.schemas import SchemaTable
from glue.connect_python.sink import Report, Sink
from glue.connect_python.wire import Op
from glue.errors import ConfigError, DataError
from glue.transforms.contract import Record, TransformConfig
from tests.collector import Collector

CAME = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = b"00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
NOT_KEPT = b"00-2af7651916cd43dd8448eb211c80319c-d7ad6b7169203331-00"


def opened(name: str) -> tracing.Traces:
    found = tracing.traces("millionx-test", name)
    assert found is not None
    return found


def test_off_there_is_no_tracer_and_opentelemetry_is_not_even_imported() -> None:
    script = (
        "import sys, glue.service.loop, connectors.producer, glue.tracing as t; "
        "assert t.traces('a', 'b') is None; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_trace_that_begins_here_is_continued_there(collector: Collector, flush: Callable[[], None]) -> None:
    source, chain = opened("source shop"), opened("chain orders")
    source.begin()
    header = source.start()
    source.end(records=3)
    chain.begin()
    passed = [chain.passes([("millionx.x", b"1"), ("traceparent", header)]) for _ in range(3)]
    chain.end()
    flush()
    (first,), (second,) = collector.named("source shop"), collector.named("chain orders")
    assert first.service == "millionx-test"
    assert (second.trace, second.parent, first.parent) == (first.trace, first.id, "")
    assert first.attributes["messaging.batch.message_count"] == second.attributes["messaging.batch.message_count"] == 3
    own, (name, goes) = passed[0]
    assert (own, name) == (("millionx.x", b"1"), "traceparent") and passed[1:] == passed[:1] * 2
    assert goes.startswith(f"00-{second.trace}-{second.id}-".encode())


def test_one_span_for_each_trace_of_a_batch(collector: Collector, flush: Callable[[], None]) -> None:
    chain = opened("chain posts")
    chain.begin()
    for header in (CAME, OTHER, CAME):
        chain.passes([("traceparent", header)])
    chain.end()
    flush()
    counted = {span.trace: span.attributes["messaging.batch.message_count"] for span in collector.spans}
    assert counted == {CAME[3:35].decode(): 2, OTHER[3:35].decode(): 1}
    assert {span.parent for span in collector.spans} == {CAME[36:52].decode(), OTHER[36:52].decode()}


@pytest.mark.parametrize("headers", [[], [("millionx.x", b"1")], [("traceparent", NOT_KEPT)], [("traceparent", b"?")],
                                     [("traceparent", None)], [("traceparent", b"\xff\x00")]])  # fmt: skip
def test_what_has_no_trace_that_is_kept_passes_as_it_came(
    collector: Collector, flush: Callable[[], None], headers: list[tuple[str, bytes | None]]
) -> None:
    chain = opened("chain posts")
    chain.begin()
    assert chain.passes(headers) == headers
    chain.end()
    flush()
    assert collector.spans == []


def test_a_record_set_aside_and_a_batch_given_up_are_reported(collector: Collector, flush: Callable[[], None]) -> None:
    chain = opened("chain posts")
    chain.begin()
    chain.passes([("traceparent", CAME)], "Validate: DataError")
    chain.begin()  # it was not committed, and is done again
    chain.passes([("traceparent", CAME)])
    chain.end()
    flush()
    again, good = collector.named("chain posts")
    assert (again.events, again.failed) == (["set aside"], "given up, to be done again")
    assert (good.events, good.failed) == ([], "")


class NoConfig(TransformConfig):
    pass


class Picky(Sink[NoConfig]):
    """Refuses what is empty."""

    def put(self, records: list[Record], report: Report) -> None:  # type: ignore[override]
        for record in records:
            if not record.value:
                report(record, DataError("empty"))


def test_a_python_sink_ends_the_trace(collector: Collector, flush: Callable[[], None]) -> None:
    adapter = SinkAdapter(Picky(), SchemaTable(), error_text=False)
    row = ["sink.topic", 0, 7, 0, "key", 0, {"a": 1}, [["traceparent", CAME]], 0]
    adapter.handlers[Op.PUT]([Op.PUT, [row, row]])
    flush()
    (span,) = collector.named("sink Picky")
    assert (span.trace, span.parent) == (CAME[3:35].decode(), CAME[36:52].decode())
    assert span.attributes["messaging.batch.message_count"] == 2
    assert span.nanoseconds > 0


def test_without_the_extra_it_is_reported(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match="MXCTL_TRACES is set") as raised:
        tracing.traces("a", "b")
    assert "millionx[tracing]" in raised.value.fix
