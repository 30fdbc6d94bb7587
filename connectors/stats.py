"""What happened in a run, counted for its result and for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram

_ATTEMPTS = Counter("millionx_source_attempts_total", "Calls to the vendor, by outcome.", ["source", "outcome"])
_RECORDS = Counter("millionx_source_records_total", "Records sent, by topic.", ["source", "topic"])
_DEAD = Counter("millionx_source_dead_letters_total", "Records that broke their model; dead letters.", ["source"])
_REPEATED = Counter("millionx_source_repeated_total", "Records that were sent before and are dropped.", ["source"])
_WITHOUT_TEXT = Counter("millionx_source_without_text_total", "Posts without text, which are skipped.", ["source"])
_OTHER_VERSION = Counter(
    "millionx_source_other_version_total",
    "Calls answered by another version of the API than the one asked for.",
    ["source"],
)
_FRESHNESS = Gauge("millionx_source_newest_record_timestamp_seconds", "Time of the newest record sent.", ["source"])
_DURATION = Histogram(
    "millionx_source_run_seconds", "Duration of a run.", ["source"], buckets=(1, 5, 15, 60, 300, 900, 3600)
)
_RUNS = Counter("millionx_source_runs_total", "Runs, by outcome.", ["source", "outcome"])

OUTCOMES = ("ok", "transient", "throttled", "blocked", "refused")


@dataclass
class Stats:
    """Counts of one run."""

    source: str
    attempts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    records: dict[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    repeated: int = 0
    without_text: int = 0
    other_version: int = 0

    def attempt(self, outcome: str) -> None:
        """One call to the vendor: ok, transient, throttled, blocked or refused."""
        self.attempts[outcome] += 1
        _ATTEMPTS.labels(self.source, outcome).inc()

    def sent(self, topic: str, count: int, newest_seconds: float | None) -> None:
        """Records that Kafka acknowledged; ``newest_seconds`` is the time of the newest, since the epoch."""
        self.records[topic] = self.records.get(topic, 0) + count
        _RECORDS.labels(self.source, topic).inc(count)
        if newest_seconds is not None:
            _FRESHNESS.labels(self.source).set(newest_seconds)

    def dead(self, count: int) -> None:
        """Records in dead letters."""
        self.dead_letters += count
        _DEAD.labels(self.source).inc(count)

    def repeat(self) -> None:
        """A record that was sent before."""
        self.repeated += 1
        _REPEATED.labels(self.source).inc()

    def skip_without_text(self, count: int) -> None:
        """Posts without text, which are skipped."""
        self.without_text += count
        _WITHOUT_TEXT.labels(self.source).inc(count)

    def answered_by_other_version(self) -> None:
        """A call that another version of the API answered than the one asked for."""
        self.other_version += 1
        _OTHER_VERSION.labels(self.source).inc()

    def finished(self, outcome: str, seconds: float) -> None:
        """The run ended."""
        _RUNS.labels(self.source, outcome).inc()
        _DURATION.labels(self.source).observe(seconds)
