"""Totals of the runs of a source: they add up over processes, and Prometheus can see them after a run has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from connectors.checkpoint import checkpoints_topic
from connectors.exporter import Reader, SourcesCollector
from connectors.totals import Totals, source_of, totals_key
from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.topic_log import TopicLog
from tests.connectors.conftest import OnKafka

Make = Callable[..., Any]
ONE = Totals({"done": 1}, {"ok": 3}, {"t": 10}, 1, 2, 1.5, last_run=100.0, last_success=100.0, newest_record=90.0)


def test_counts_add_up_and_the_later_time_counts() -> None:
    failed = Totals({"failed": 1}, {"ok": 1, "blocked": 1}, {}, last_run=200.0)
    both = ONE + failed
    assert both.runs == {"done": 1, "failed": 1}
    assert both.attempts == {"ok": 4, "blocked": 1}
    assert both.records == {"t": 10}
    assert (both.last_run, both.last_success, both.newest_record) == (200.0, 100.0, 90.0)
    assert (both.dead_letters, both.repeated, both.seconds) == (1, 2, 1.5)
    assert failed + ONE == replace(both, attempts={"ok": 4, "blocked": 1})


@pytest.mark.parametrize("data", [None, b"", b"no json", b"[]", b"7", b'{"of_tomorrow": 1}'])
def test_what_can_not_be_read_counts_as_nothing(data: bytes | None) -> None:
    assert Totals.load(data) == Totals()


def test_totals_come_back_as_they_were_and_know_their_source() -> None:
    assert Totals.load(ONE.dump()) == ONE
    assert source_of(totals_key("weather").encode()) == "weather"
    assert source_of(b"weather") is None
    assert source_of(b"weather/webhook") is None
    assert source_of(None) is None


class Still:
    """A reader of what it is given."""

    def __init__(self, found: dict[str, Totals] | Exception) -> None:
        self.found = found

    def read(self) -> dict[str, Totals]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def shown(reader: Any, **intervals: float) -> str:
    registry = CollectorRegistry()
    registry.register(SourcesCollector(reader, intervals))
    return generate_latest(registry).decode()


def test_a_source_that_never_ran_is_seen_to_be_silent() -> None:
    text = shown(Still({"weather": ONE}), weather=3600, daraz=300)
    assert 'millionx_source_last_success_timestamp_seconds{source="daraz"} 0.0' in text
    assert 'millionx_source_attempts_total{outcome="blocked",source="daraz"} 0.0' in text
    assert 'millionx_source_newest_record_timestamp_seconds{source="daraz"}' not in text
    assert 'millionx_source_interval_seconds{source="weather"} 3600.0' in text
    assert 'millionx_source_run_seconds_count{source="weather"} 1.0' in text
    assert 'millionx_source_records_total{source="weather",topic="t"} 10.0' in text


def test_kafka_that_is_away_is_told_as_that() -> None:
    text = shown(Still(ServiceUnavailableError("Kafka", "it does not answer")), weather=3600)
    assert "millionx_source_totals_readable 0.0" in text
    assert "millionx_source_runs_total" not in text


@pytest.mark.stack
def test_runs_that_ended_are_in_the_totals_the_next_scrape_shows(make_sandbox: Make, on_kafka: Make) -> None:
    one: OnKafka = on_kafka("shopify", make_sandbox("--orders", "20"))
    reader = Reader(KafkaConfig.of(one.settings))
    try:
        follow(one, reader)
    finally:
        reader.close()


def follow(one: OnKafka, reader: Reader) -> None:
    name = one.config.name
    assert name not in reader.read()
    first = one.run().check()
    after = reader.read()[name]
    assert after.runs == {"done": 1}
    assert after.records == first.records and sum(after.records.values()) > 0
    assert after.attempts == first.attempts
    assert after.last_success == after.last_run > 0
    assert first.newest is not None and after.newest_record == first.newest.timestamp()

    stopped = threading.Event()
    stopped.set()
    one.run(stop=stopped)
    two = reader.read()[name]
    assert two.runs == {"done": 1, "stopped": 1}
    assert two.last_success == after.last_success < two.last_run, "a run that was stopped says nothing of the source"
    assert Totals.load(TopicLog(KafkaConfig.of(one.settings), checkpoints_topic()).newest(totals_key(name))) == two
