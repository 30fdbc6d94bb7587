"""A trace from a producer through a chain to the sink topic, on the real broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.producer import SourceProducer
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord
from glue.settings import Settings
from tests.collector import Collector
from tests.playground import Playground, a_post

pytestmark = pytest.mark.stack


def test_the_trace_of_a_page_goes_on_to_the_sink_topic(
    pipeline: Settings, collector: Collector, flush: Callable[[], None]
) -> None:
    play = Playground(pipeline)
    producer = SourceProducer(KafkaConfig.of(pipeline), play.registry, play.name)
    bad = {3: {"content": "hi"}}
    page = [
        ProducerRecord(play.source, play.key(number).encode(), play.encode(a_post(number, **bad.get(number, {}))))
        for number in range(4)
    ]
    producer.commit(page)
    producer.close()
    play.send(4)  # without a trace
    play.flush()
    with play.working():
        output, dead = play.until(5)
    assert (len(output), len(dead)) == (4, 1)
    flush()

    (source,) = collector.named(f"source {play.name}")
    chain = collector.named(f"chain {play.name}")
    assert source.attributes["messaging.batch.message_count"] == 4
    assert {(span.trace, span.parent) for span in chain} == {(source.trace, source.id)}
    assert sum(span.attributes["messaging.batch.message_count"] for span in chain) == 4
    assert [event for span in chain for event in span.events] == ["set aside"]

    headers = [dict(message.headers() or []) for message in play.read(play.output)]
    traced = [one["traceparent"].decode().split("-") for one in headers if "traceparent" in one]
    assert len(traced) == 3
    assert {(trace, span) for _, trace, span, _ in traced} <= {(source.trace, span.id) for span in chain}
