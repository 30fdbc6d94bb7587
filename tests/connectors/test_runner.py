"""Backfill, intervals, metrics, and how a run is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client import REGISTRY

from connectors import runner
from connectors.runner import RunResult, run_every
from glue.cli.run import run
from glue.errors import ServiceUnavailableError, UsageError
from glue.settings import Settings
from tests.connectors.conftest import OnKafka

Make = Callable[..., Any]


@pytest.mark.stack
def test_a_backfill_takes_its_window_and_leaves_ordinary_runs_alone(make_sandbox: Make, on_kafka: Make) -> None:
    sandbox = make_sandbox("--orders", "60", "--bucket-leak", "1000")
    one: OnKafka = on_kafka("shopify", sandbox, {"page_size": 10})
    newest = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since, until = newest - timedelta(days=20), newest - timedelta(days=10)
    first = one.run(since=since, until=until).check()
    times = {value["updated_at"] for _, value in one.stored().records}
    assert times
    assert all(since <= time <= until for time in times)
    again = one.run(since=since, until=until).check()
    assert not again.records, "a backfill that was finished has nothing to do"
    ordinary = one.run().check()
    assert len({value["order_id"] for _, value in one.stored().records}) == 60
    assert sum(ordinary.records.values()) > sum(first.records.values())


@pytest.mark.stack
def test_metrics_and_callback_say_what_happened(make_sandbox: Make, on_kafka: Make) -> None:
    one: OnKafka = on_kafka("shopify", make_sandbox("--orders", "20", fault=["shopify:server-error@1x"]))
    told: list[tuple[str, str]] = []
    result = one.run(on_record=lambda topic, key, at: told.append((topic, key))).check()
    assert [key for _, key in told] == result.keys[one.config.topic]
    name = {"source": one.config.name}

    def value(metric: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(metric, {**name, **labels})

    assert value("millionx_source_records_total", topic=one.config.topic) == sum(result.records.values()) == len(told)
    assert value("millionx_source_attempts_total", outcome="transient") == 1
    assert value("millionx_source_runs_total", outcome="done") == 1
    assert value("millionx_source_run_seconds_count") == 1
    assert result.newest is not None
    assert value("millionx_source_newest_record_timestamp_seconds") == result.newest.timestamp()


def test_intervals_go_on_after_a_failure_and_end_when_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    results: list[RunResult] = []
    calls = [0]

    def once(name: str, *_: Any, **__: Any) -> RunResult:
        calls[0] += 1
        if calls[0] == 2:
            raise ServiceUnavailableError("Kafka", "down")
        if calls[0] == 4:
            stop.set()
        return RunResult(name, error=ServiceUnavailableError("x") if calls[0] == 3 else None)

    monkeypatch.setattr(runner, "run_once", once)
    run_every("weather", Settings(), timedelta(milliseconds=5), stop, results.append)
    assert calls[0] == 4
    assert [result.error is None for result in results] == [True, False, True]


def test_a_wrong_source_ends_an_interval_at_once() -> None:
    with pytest.raises(UsageError):
        run_every("etsy", Settings(profile="local"), timedelta(seconds=1), threading.Event())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["weather", "--every", "5"], "duration"),
        (["weather", "--since", "yesterday"], "ISO 8601"),
        (["weather", "--wait", "x"], "duration"),
    ],
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(run, arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_once_and_every_exclude_each_other() -> None:
    with pytest.raises(UsageError):
        CliRunner().invoke(run, ["weather", "--once", "--every", "1m"], catch_exceptions=False)


def test_a_result_is_json_and_holds_no_keys() -> None:
    result = RunResult("x", {"t": 1}, {"t": ["key-1"]}, newest=datetime(2026, 1, 1, tzinfo=UTC))
    text = json.dumps(result.as_json())
    assert "key-1" not in text
    assert json.loads(text)["records"] == {"t": 1}
