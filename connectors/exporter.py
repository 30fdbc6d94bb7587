"""Shows the totals of all sources to Prometheus, under the names that a running source uses itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from connectors.checkpoint import checkpoints_topic
from connectors.stats import OUTCOMES
from connectors.totals import Totals, source_of
from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import PartitionReader

log = logging.getLogger(__name__)
_TIMEOUT = 8.0  # of a scrape; Prometheus waits ten seconds
_RUNS = ("done", "failed", "stopped")


class Reader:
    """The newest totals of each source; each ``read`` takes only what came since the last."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._reader = PartitionReader(kafka, {(checkpoints_topic(), 0): 0})
        self._found: dict[str, Totals] = {}

    def read(self) -> Mapping[str, Totals]:
        """Totals by source.

        Raises:
            ServiceUnavailableError: Kafka does not answer, or the topic is not there.
        """
        deadline = time.monotonic() + _TIMEOUT
        while True:
            was_at_end = bool(self._reader.ended)  # of what there was then: more may wait behind it
            messages = self._reader.poll(0.2 if was_at_end else 1.0)
            for message in messages:
                source = source_of(message.key())
                if source:
                    self._found[source] = Totals.load(message.value())
            if was_at_end and not messages:
                return self._found
            if not was_at_end and time.monotonic() > deadline:
                raise ServiceUnavailableError("Kafka", "it does not answer", "mxctl local status")

    def close(self) -> None:
        """Let go of Kafka."""
        self._reader.close()


class SourcesCollector(Collector):
    """Metrics of ``intervals`` (seconds between two runs, by source), read again at each scrape.

    A source that never ran is there with zeros, so that its silence can be seen. While Kafka cannot be read there are
    no totals, and ``millionx_source_totals_readable`` is 0.
    """

    def __init__(self, reader: Reader, intervals: Mapping[str, float]) -> None:
        self._reader, self._intervals = reader, intervals
        self._lock = threading.Lock()  # scrapes come in threads; a consumer is for one

    def describe(self) -> Iterable[Metric]:
        """Nothing: to register must not ask Kafka."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All families."""
        readable = GaugeMetricFamily("millionx_source_totals_readable", "Whether the totals can be read from Kafka.")
        try:
            with self._lock:
                found = {name: Totals() for name in self._intervals} | dict(self._reader.read())
        except ServiceUnavailableError as error:
            log.warning("totals of the sources: %s", error)
            readable.add_metric([], 0)
            return (readable,)
        readable.add_metric([], 1)
        return (readable, *self._families(found))

    def _families(self, found: Mapping[str, Totals]) -> tuple[Metric, ...]:
        attempts = _counter("attempts", "Calls to the vendor, by outcome.", "outcome")
        runs = _counter("runs", "Runs, by outcome.", "outcome")
        records = _counter("records", "Records sent, by topic.", "topic")
        dead = _counter("dead_letters", "Records that broke their model; dead letters.")
        repeated = _counter("repeated", "Records that were sent before and are dropped.")
        seconds = SummaryMetricFamily("millionx_source_run_seconds", "Duration of runs.", labels=["source"])
        newest = _gauge("newest_record_timestamp_seconds", "Time of the newest record sent.")
        last = _gauge("last_run_timestamp_seconds", "End of the last run; 0: none yet.")
        success = _gauge("last_success_timestamp_seconds", "End of the last run that succeeded; 0: none yet.")
        interval = _gauge("interval_seconds", "Configured seconds between two runs of the source.")
        for name, one in sorted(found.items()):
            for family, counts, known in ((attempts, one.attempts, OUTCOMES), (runs, one.runs, _RUNS)):
                for outcome, count in (dict.fromkeys(known, 0) | counts).items():
                    family.add_metric([name, outcome], count)
            for topic, count in one.records.items():
                records.add_metric([name, topic], count)
            dead.add_metric([name], one.dead_letters)
            repeated.add_metric([name], one.repeated)
            seconds.add_metric([name], sum(one.runs.values()), one.seconds)
            if one.newest_record:
                newest.add_metric([name], one.newest_record)
            last.add_metric([name], one.last_run)
            success.add_metric([name], one.last_success)
            if name in self._intervals:
                interval.add_metric([name], self._intervals[name])
        return (attempts, runs, records, dead, repeated, seconds, newest, last, success, interval)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"millionx_source_{name}", text, labels=["source", *labels])


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"millionx_source_{name}", text, labels=["source"])
