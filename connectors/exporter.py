"""Shows the totals of all sources to Prometheus, under the names that a running source uses itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from connectors.checkpoint import QUIET, TOPIC
from connectors.stats import OUTCOMES
from connectors.totals import Totals, source_of
from glue.errors import ServiceUnavailableError
from glue.kafka.config import KafkaConfig

log = logging.getLogger(__name__)
_TIMEOUT = 8.0  # of a scrape; Prometheus waits ten seconds
_RUNS = ("done", "failed", "stopped")


class Reader:
    """The newest totals of each source; each ``read`` takes only what came since the last."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._consumer: Consumer = kafka.consumer(
            "connectors.totals", {"enable.partition.eof": True, "log_level": QUIET}
        )
        self._consumer.assign([TopicPartition(TOPIC, 0, 0)])
        self._found: dict[str, Totals] = {}
        self._at_end = False

    def read(self) -> Mapping[str, Totals]:
        """Totals by source.

        Raises:
            ServiceUnavailableError: Kafka does not answer, or the topic is not there.
        """
        deadline = time.monotonic() + _TIMEOUT
        while True:
            message = self._consumer.poll(0.2 if self._at_end else 1.0)
            if message is None:
                if self._at_end:
                    return self._found
                if time.monotonic() > deadline:
                    raise ServiceUnavailableError("Kafka", "it does not answer", "mxctl local status")
                continue
            error = message.error()
            if error is None:
                source = source_of(message.key())
                if source:
                    self._found[source] = Totals.load(message.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                self._at_end = True  # of what there was then: more may wait behind this event
            else:
                raise ServiceUnavailableError(f"topic {TOPIC}", error.str(), "mxctl apply") from KafkaException(error)

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()


class SourcesCollector(Collector):
    """Metrics of ``intervals`` (seconds between two runs, by source), read anew at each scrape.

    A source that never ran is there with zeros, so that its silence can be seen. While Kafka can not be read there are
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
        dead = _counter("dead_letters", "Records that broke their model.")
        repeated = _counter("repeated", "Records that came again and were dropped.")
        seconds = SummaryMetricFamily("millionx_source_run_seconds", "Duration of runs.", labels=["source"])
        newest = _gauge("newest_record_timestamp_seconds", "Time of the newest record sent.")
        last = _gauge("last_run_timestamp_seconds", "End of the last run; 0: none yet.")
        success = _gauge("last_success_timestamp_seconds", "End of the last run that succeeded; 0: none yet.")
        interval = _gauge("interval_seconds", "How often the source is meant to run.")
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
