"""The audit: every target of a sink against its topic. Scan, compare, look at each suspect again before it counts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np

from glue.audit.compare import ByKey, ByTime, UnexpectedRow, Wanted, comparison
from glue.audit.keys import Bools
from glue.audit.repair import explain, repair
from glue.audit.report import DIFFERENT, EXTRA, MISSING, Difference, StoreReport
from glue.audit.sinks import Progress, committed, dead_rows, refused
from glue.audit.stores import open_targets
from glue.audit.topic import TopicSnapshot, latest, read, topic_ends
from glue.avro import Decoder
from glue.embedding.declared import load_model, writers
from glue.errors import DataError, UsageError
from glue.kafka.config import KafkaConfig
from glue.pipeline.routes import Pipeline
from glue.privacy.keyring import Keyring, load_keyring
from glue.registry import registry_client
from glue.rights.forgotten import read_forgotten
from glue.settings import Settings
from glue.stores.contract import Target
from glue.stores.weaviate.client import LAST_MS, WeaviateStoreClient
from glue.topology.load import load

_CHUNK = 1000
_NEVER = 1 << 62


@dataclass
class Audit:
    """Reports of an audit, and what repairing them takes. Made by :func:`open_audit`.

    Attributes:
        ring: tells which records were erased for good; without one, none is known to be.
        models: identities of the models whose vectors a chain writes to a target.
    """

    kafka: KafkaConfig
    comparisons: list[ByKey | ByTime]
    dead_letters: Sequence[str]
    decode: Decoder
    progress: Callable[[str, str], None]
    ring: Keyring | None = None
    models: Mapping[Target, frozenset[str]] = field(default_factory=dict)

    def look(self, wanted: Wanted) -> list[StoreReport]:
        """Compare every target; ``wanted.letters`` is filled here.

        Raises:
            ServiceUnavailableError, ServiceError: Kafka, the registry or a store does not answer, or refuses.
        """
        self.progress("dead letters", "reading")
        wanted.letters = refused(self.kafka, self.dead_letters)
        return [self._one(one, wanted) for one in self.comparisons]

    def _one(self, one: ByKey | ByTime, wanted: Wanted) -> StoreReport:
        found = _Look(one, self.kafka, self.decode, wanted, lambda text: self.progress(one.target.name, text)).report()
        self._leave_erased(found)
        explain(found, self.kafka, self.decode)
        if models := self.models.get(one.target):
            self._count_models(one, models, wanted, found)
        return found

    def _count_models(self, one: ByKey | ByTime, models: frozenset[str], wanted: Wanted, report: StoreReport) -> None:
        client, target, window = one.client, one.target, (wanted.since, wanted.until or LAST_MS)
        if isinstance(client, WeaviateStoreClient):
            others = client.models(target, *window).keys() - models
            lacking = {model: client.embedded(target, model, False, *window) for model in sorted(models)}
            foreign = {model: client.embedded(target, model, True, *window) for model in sorted(others)}
            report.unembedded = {model: count for model, count in lacking.items() if count}
            report.foreign = {model: count for model, count in foreign.items() if count}

    def _leave_erased(self, report: StoreReport) -> None:
        """What is missing because somebody is forgotten is as it should be, and must not be sent again."""
        if self.ring is None or not (known := read_forgotten(self.kafka, self.ring)):
            return
        kept = [one for one in report.differences if one.kind != MISSING or not known.has_record(one.key)]
        report.erased += len(report.differences) - len(kept)
        report.differences = kept

    def repair(self, report: StoreReport, patience: float = 60.0) -> int:
        """Send again what one report names, and wait for the sink; see :func:`glue.audit.repair.repair`."""
        self._leave_erased(report)  # anew: it may have been asked for meanwhile
        chosen = next(one for one in self.comparisons if (one.target.topic, one.target.place) == report.target)
        return repair(chosen, report, self.kafka, self.decode, lambda text: self.progress(report.store, text), patience)


@contextmanager
def open_audit(settings: Settings, names: Sequence[str], progress: Callable[[str, str], None]) -> Iterator[Audit]:
    """An audit of what the declared sinks fill, or of the targets with these short names; connections are closed after.

    Raises:
        UsageError: no sink fills a target of such a name.
    """
    declared = load(settings)
    pipeline = Pipeline.of(declared)
    known = sorted({target.name for target in pipeline.targets})
    if unknown := sorted({name.lower() for name in names} - set(known)):
        why = f"the declared sinks fill {', '.join(known) or 'nothing'}"
        raise UsageError(f"--store {unknown[0]}", why, "name one of them")
    chosen = [one for one in pipeline.targets if not names or one.name in {name.lower() for name in names}]
    places = Counter((target.store, target.place) for target in pipeline.targets)
    with ExitStack() as opened:
        decode = Decoder(opened.enter_context(registry_client(settings)))
        stores = opened.enter_context(open_targets(settings, chosen))
        comparisons = [
            comparison(held.target, held.client, decode, places[held.target.store, held.target.place] > 1)
            for held in stores
        ]
        ring = load_keyring(settings.hash_keys_file) if settings.hash_keys_file else None
        models = {
            one: frozenset(
                load_model(name, settings.config_dir).identity
                for writer in writers(declared.chains, one.topic)
                for name in writer.models
            )
            for one in chosen
            if one.vector
        }
        yield Audit(KafkaConfig.of(settings), comparisons, pipeline.dead_letters, decode, progress, ring, models)


class _Look:
    """One target, looked at once."""

    def __init__(
        self, one: ByKey | ByTime, kafka: KafkaConfig, decode: Decoder, wanted: Wanted, progress: Progress
    ) -> None:
        self._comparison, self._kafka, self._decode = one, kafka, decode
        self._wanted, self._progress, self._topic = wanted, progress, one.target.topic

    def report(self) -> StoreReport:
        """What differs."""
        begun, one, target, wanted = time.monotonic(), self._comparison, self._comparison.target, self._wanted
        report = StoreReport(target.name, target.topic, target.place, deep=wanted.deep)
        topic = self._scan()
        counted = topic.live & one.in_window(topic, wanted)
        dead = sorted(dead_rows(wanted.letters, target.topic, topic))
        report.dead = int(np.count_nonzero(counted[dead])) if dead else 0
        counted[dead] = False
        report.on_topic = int(np.count_nonzero(counted))
        self._progress(f"{report.on_topic} keys on the topic; comparing")
        # before the store is looked at: what a sink commits meanwhile may have come after the look
        done = committed(self._kafka, target.connector, self._topic)
        suspects = one.suspects(topic, counted, wanted, self._progress)
        report.stored, report.parts, report.read = suspects.stored, suspects.parts, suspects.read

        found = {row: (what, why) for row, what, why in one.verdicts(topic, sorted(suspects.rows))}
        if wanted.deep:
            for row, why in self._deep(topic, counted):
                found.setdefault(row, (DIFFERENT, why))
        unexpected = list(one.unexpected(topic, suspects.extra))
        if found or unexpected:
            self._judge(topic, found, unexpected, done, report)
        report.differences += one.doubled(topic, suspects.doubled)
        report.seconds = round(time.monotonic() - begun, 2)
        return report

    def _judge(
        self,
        topic: TopicSnapshot,
        found: dict[int, tuple[str, str]],
        unexpected: list[UnexpectedRow],
        done: Mapping[int, int],
        report: StoreReport,
    ) -> None:
        """Report what was found, except what is on its way: newer on the topic, or not come to the sink by ``done``."""
        newer = self._appended(topic)
        for row, (what, why) in sorted(found.items()):
            partition, offset = int(topic.partition[row]), int(topic.offset[row])
            if newer.find(topic.key(row)) is not None or offset >= done.get(partition, _NEVER):
                report.pending += 1
            else:
                place = (partition, offset, int(topic.time[row]))
                report.differences.append(Difference(what, topic.key(row), *place, why))
        still = {one.name for one in self._comparison.unexpected(newer, {one.name: one.at for one in unexpected})}
        for one in unexpected:
            if one.key and one.at.offset >= done.get(one.at.partition, _NEVER):
                report.pending += 1  # a tombstone
            elif one.name in still:
                place = (one.at.partition, one.at.offset, max(one.at.time, 0))
                report.differences.append(Difference(EXTRA, one.key or one.name, *place, one.why))

    def _scan(self) -> TopicSnapshot:
        """The topic up to now."""
        ends, collector = topic_ends(self._kafka, self._topic), self._comparison.collector(self._wanted)
        size = sum(end - first for first, end in ends.values())
        for batch in read(self._kafka, self._topic, ends):
            collector.add(batch)
            self._progress(f"read {collector.count} of at most {size} records")
        return collector.snapshot(ends)

    def _appended(self, topic: TopicSnapshot) -> TopicSnapshot:
        """What came to the topic since it was scanned."""
        now = topic_ends(self._kafka, self._topic)
        ends = {number: (topic.ends.get(number, (0, 0))[1], end) for number, (_, end) in now.items()}
        collector = self._comparison.collector(self._wanted)
        for batch in read(self._kafka, self._topic, ends):
            collector.add(batch)
        return collector.snapshot(ends)

    def _deep(self, topic: TopicSnapshot, counted: Bools) -> Iterable[tuple[int, str]]:
        done = 0
        for batch in latest(self._kafka, self._topic, topic, counted):
            for at in range(0, len(batch), _CHUNK):
                rows: dict[str, int] = {}
                pairs = []
                for row, message in batch[at : at + _CHUNK]:
                    try:
                        value = self._decode(message.value())[0]
                    except DataError:
                        yield row, "its record cannot be decoded"
                        continue
                    rows[topic.key(row)] = row
                    pairs.append((topic.key(row), value))
                yield from ((rows[key], why) for key, why in self._comparison.deep(pairs))
                done += len(pairs)
                self._progress(f"{done} records compared field by field")
