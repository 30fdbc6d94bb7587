"""The audit: every store behind a sink against its topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from glue.audit import expect
from glue.audit.collection_side import open_collection
from glue.audit.facts import VectorFacts
from glue.audit.kinds import CollectionKind, TableKind
from glue.audit.repair import explain, repair
from glue.audit.report import StoreReport
from glue.audit.sinks import refused
from glue.audit.store import Wanted, audit_store
from glue.audit.table_side import TableSide
from glue.avro import Decoder
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import Settings
from glue.stores.snowflake.client import Warehouse

COLLECTION = "SocialPost"
_SNOWFLAKE, _WEAVIATE = "snowflake-sink", "weaviate-sink"
TABLES = {
    expect.ORDERS: ("sink.snowflake.orders", "ORDERS"),
    expect.PRICES: ("sink.snowflake.price_history", "PRICE_HISTORY"),
    expect.WEATHER: (expect.WEATHER_TOPIC, "WEATHER_LOGS"),
}
VECTORS_TOPIC = "sink.weaviate.vectors"


@dataclass
class Audit:
    """Reports of an audit, and what repairing them takes. Made by :func:`open_audit`."""

    settings: Settings
    kinds: dict[str, TableKind | CollectionKind]
    decode: Decoder
    progress: Callable[[str, str], None]

    def look(self, wanted: Wanted) -> list[StoreReport]:
        """Compare every store; ``wanted.letters`` is filled here."""
        self.progress("dead letters", "reading")
        wanted.letters = refused(KafkaConfig.of(self.settings))
        return [self._one(kind, wanted) for kind in self.kinds.values()]

    def _one(self, kind: TableKind | CollectionKind, wanted: Wanted) -> StoreReport:
        report = audit_store(
            kind, KafkaConfig.of(self.settings), self.decode, wanted, lambda text: self.progress(kind.name, text)
        )
        explain(report, KafkaConfig.of(self.settings), self.decode)
        return report

    def repair(self, report: StoreReport, patience: float = 60.0) -> int:
        """Send again what one report names, and wait for the sink; see :func:`glue.audit.repair.repair`."""
        return repair(
            self.kinds[report.store],
            report,
            KafkaConfig.of(self.settings),
            self.decode,
            lambda text: self.progress(report.store, text),
            patience,
        )


@contextmanager
def open_audit(settings: Settings, stores: tuple[str, ...], progress: Callable[[str, str], None]) -> Iterator[Audit]:
    """An audit of these stores (names of :mod:`glue.audit.expect`); connections are closed after.

    Raises:
        ServiceUnavailableError: Weaviate does not answer; Kafka and the warehouse are asked later.
    """
    with ExitStack() as opened:
        registry = opened.enter_context(registry_client(settings.registry))
        decode = Decoder(registry)
        kinds: dict[str, TableKind | CollectionKind] = {}
        if expect.VECTORS in stores:
            collection = opened.enter_context(open_collection(COLLECTION, settings))
            kinds[expect.VECTORS] = CollectionKind(
                expect.VECTORS, VECTORS_TOPIC, _WEAVIATE, COLLECTION, collection, VectorFacts(decode)
            )
        warehouse = opened.enter_context(Warehouse(settings))
        for name, (topic, table) in TABLES.items():
            if name in stores:
                kinds[name] = TableKind(name, topic, _SNOWFLAKE, table, TableSide(table, warehouse))
        yield Audit(settings, kinds, decode, progress)
