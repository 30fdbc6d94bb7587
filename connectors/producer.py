"""To Kafka: records, dead letters and the checkpoint of one page in one transaction.

The transactional id is that of the source, so after a kill the next run aborts what was left open, and a run that
lost its lease can commit nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors.checkpoint import checkpoints_topic
from connectors.models import SourceRecord
from glue.avro import Encoder, encoder_for_subject
from glue.identity import MERCHANT_HEADER, source_producer
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord, TransactionalProducer
from glue.privacy.atrest import at_rest_of
from glue.registry import SchemaRegistryClient
from glue.settings import get_settings
from glue.tracing import HEADER, traces


class SourceProducer(TransactionalProducer):
    """Sends what the source ``name`` read."""

    def __init__(self, kafka: KafkaConfig, registry: SchemaRegistryClient, name: str) -> None:
        self._registry = registry
        self._encoders: dict[str, Encoder] = {}
        self._at_rest = at_rest_of(get_settings())
        self._traces = traces(f"millionx-source-{name}", f"source {name}")
        super().__init__(kafka, source_producer(name))

    def message(self, topic: str, record: SourceRecord) -> ProducerRecord:
        """``record`` in Avro under the subject of ``topic``, its personal texts encrypted.

        It leaves the timestamp to Kafka: with the time of an old order, retention would delete it before it is read.

        Raises:
            DataError: it does not fit the registered schema, or its merchant's key was destroyed.
            ServiceError: the subject is not registered.
        """
        encoder = self._encoders.get(topic)
        if encoder is None:
            encoder = self._encoders[topic] = encoder_for_subject(self._registry, f"{topic}-value")
        value = record.model_dump()
        if self._at_rest is not None:
            value = self._at_rest.encrypt(topic, record.key, value, encoder.schema)
        headers = [(MERCHANT_HEADER, record.merchant.encode())] if record.merchant else []
        return ProducerRecord(topic, record.key.encode(), encoder(value), headers)

    def commit(self, records: Sequence[ProducerRecord], checkpoint: tuple[str, bytes] | None = None) -> None:
        """As :meth:`TransactionalProducer.commit`, with the ``checkpoint`` (key, value) that holds after them."""
        count, sent = len(records), list(records)
        if self._traces is not None and sent:
            self._traces.begin()
            header = (HEADER, self._traces.start())
            sent = [replace(record, headers=(*record.headers, header)) for record in sent]
        if checkpoint is not None:
            sent.append(ProducerRecord(checkpoints_topic(), checkpoint[0].encode(), checkpoint[1]))
        super().commit(sent)
        if self._traces is not None:
            self._traces.end(records=count)

    def close(self) -> None:
        """Let go of the connection; an open transaction is aborted by the broker."""
        if self._traces is not None:
            self._traces.end("not committed")
        super().close()
