"""Runs a source: once, or at an interval. Everything that sources have in common happens here or below."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.checkpoint import lease, read_checkpoint
from connectors.config import SourceConfig, load_source
from connectors.errors import StoppedError
from connectors.http import Http
from connectors.limits import TokenBucket
from connectors.producer import SourceProducer
from connectors.publisher import OnRecord, Publisher
from connectors.source import Context, Source, Window
from connectors.stats import Stats
from connectors.totals import Totals, add_totals
from glue.errors import MillionXError
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import Settings, state_dir

log = logging.getLogger(__name__)


@dataclass
class RunResult:
    """What one run did.

    Attributes:
        records: records acknowledged by Kafka, by topic.
        keys: their keys, by topic, in the order sent.
        dead_letters: records that broke their model.
        repeated: records that came again and were dropped.
        attempts: calls to the vendor by outcome (ok, transient, throttled, blocked, refused).
        newest: time of the newest record; freshness is now less that.
        seconds: duration.
        outcome: done, stopped or failed; ``error`` says why.
    """

    source: str
    records: dict[str, int] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    dead_letters: int = 0
    repeated: int = 0
    attempts: dict[str, int] = field(default_factory=dict)
    newest: datetime | None = None
    cursor: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    outcome: str = "done"
    error: MillionXError | None = None

    def check(self) -> RunResult:
        """Itself.

        Raises:
            MillionXError: the run failed; what it sent before is safe.
        """
        if self.error is not None:
            raise self.error
        return self

    def as_json(self) -> dict[str, Any]:
        """For ``-o json``: counts, no keys."""
        return {
            "source": self.source,
            "outcome": self.outcome,
            "records": self.records,
            "dead_letters": self.dead_letters,
            "repeated": self.repeated,
            "attempts": self.attempts,
            "newest": self.newest.isoformat() if self.newest else None,
            "cursor": self.cursor,
            "seconds": round(self.seconds, 3),
            "error": str(self.error) if self.error else None,
        }


def run_once(
    name: str,
    settings: Settings,
    config: SourceConfig | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    on_record: OnRecord | None = None,
    stop: threading.Event | None = None,
    wait: float = 15.0,
) -> RunResult:
    """Read what is new at source ``name`` and send it.

    With ``since`` or ``until`` (aware times) it is a backfill: it has a checkpoint of its own, so that it can be
    interrupted and leaves the ordinary runs alone. ``wait`` is how long to wait for another run's lease (seconds).

    A failure after the start is in the result (``check()`` raises it): what was sent before it is safe and counted.

    Raises:
        UsageError, ConfigError: there is no such source, or it is configured wrong.
        LockHeldError: another run of it is going on.
        ServiceError, ServiceUnavailableError: Kafka or the registry cannot be used.
    """
    config = config or load_source(name, settings)
    options = config.parsed_options()
    stop = stop or threading.Event()
    stats = Stats(name)
    result = RunResult(name)
    started = time.monotonic()

    def count(topic: str, key: str, collected_at: datetime) -> None:
        result.keys.setdefault(topic, []).append(key)
        if on_record:
            on_record(topic, key, collected_at)

    with lease(KafkaConfig.of(settings), name, wait):
        producer = SourceProducer(KafkaConfig.of(settings), registry_client(settings), name)
        bucket = TokenBucket(config.rate.per_second, config.rate.burst)
        http = Http(bucket, config.retry, config.timeouts, stats, stop)
        source: Source[Any] | None = None
        try:
            key = _checkpoint_key(name, since, until)
            checkpoint = read_checkpoint(KafkaConfig.of(settings), key)
            source = config.source_class()(options, Context(http, state_dir() / "evidence" / name, config.overlap))
            publisher = Publisher(config, source, producer, stats, checkpoint, key, count)
            if source.webhook:
                publisher.others.append(read_checkpoint(KafkaConfig.of(settings), webhook_key(name)).seen)
            result.error = _drive(source, publisher, config, since, until, stop)
            result.newest, result.cursor = publisher.newest, publisher.checkpoint.cursor
        finally:
            http.close()
            if source is not None:
                source.close()
            producer.close()
        result.records, result.dead_letters, result.repeated = stats.records, stats.dead_letters, stats.repeated
        result.attempts = stats.attempts
        result.seconds = time.monotonic() - started
        if isinstance(result.error, StoppedError) or (result.error is None and stop.is_set()):
            result.outcome, result.error = "stopped", None
        elif result.error is not None:
            result.outcome = "failed"
        stats.finished(result.outcome, result.seconds)
        add_totals(KafkaConfig.of(settings), name, _totals(result, backfill=since is not None or until is not None))
    return result


def _totals(result: RunResult, backfill: bool) -> Totals:
    """One run as totals; a backfill says nothing about how fresh the source is."""
    now, newest = time.time(), result.newest.timestamp() if result.newest else 0.0
    return Totals(
        runs={result.outcome: 1},
        attempts=result.attempts,
        records=result.records,
        dead_letters=result.dead_letters,
        repeated=result.repeated,
        seconds=result.seconds,
        last_run=now,
        last_success=now if result.outcome == "done" and not backfill else 0.0,
        newest_record=newest,
    )


def webhook_key(name: str) -> str:
    """Key of the checkpoint that the webhook receiver of source ``name`` writes."""
    return f"{name}/webhook"


def _checkpoint_key(name: str, since: datetime | None, until: datetime | None) -> str:
    if since is None and until is None:
        return name
    return f"{name}/backfill/{since.isoformat() if since else ''}/{until.isoformat() if until else ''}"


def _drive(source: Source[Any], publisher: Publisher, config: SourceConfig, since: datetime | None,
           until: datetime | None, stop: threading.Event) -> MillionXError | None:  # fmt: skip
    """Page after page, published; the failure that ended it, if one did."""
    cursor = publisher.checkpoint.cursor
    resumed = source.start(cursor, config.overlap)
    begin = max((one for one in (since, resumed) if one is not None), default=None)
    try:
        for page in source.pages(Window(begin, until), cursor):
            publisher.stats.skip_without_text(page.without_text)
            publisher.deliver(page.records, page.cursor)
            if stop.is_set():
                break
    except MillionXError as error:
        return error
    return None


def run_every(
    name: str,
    settings: Settings,
    every: timedelta | None,
    stop: threading.Event,
    on_result: Callable[[RunResult], None] = lambda result: None,
) -> None:
    """Run source ``name`` again and again until ``stop`` is set; a failed run is logged and the next one goes on.

    Intervals are measured with the monotonic clock, from start to start; a run that takes longer skips the missed.

    Raises:
        UsageError, ConfigError: there is no such source, or it is configured wrong.
    """
    interval = (every or load_source(name, settings).every).total_seconds()
    next_start = time.monotonic()
    while not stop.is_set():
        try:
            result = run_once(name, settings, stop=stop, wait=0.0)
            if result.error is not None:
                log.error("source %s: %s%s", name, result.error, f" ({result.error.fix})" if result.error.fix else "")
            on_result(result)
        except MillionXError as error:
            if error.exit_code == 2:
                raise
            log.error("source %s: %s%s", name, error, f" ({error.fix})" if error.fix else "")
        behind = time.monotonic() - next_start
        next_start += interval * max(1.0, -(-behind // interval))
        stop.wait(max(0.0, next_start - time.monotonic()))
