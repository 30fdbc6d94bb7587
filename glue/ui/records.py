"""The latest few records of a declared topic, decoded and masked; what cannot be decoded is not shown."""

from __future__ import annotations

import threading
import time
from typing import Any

from glue.avro import Decoder
from glue.deadletters.headers import SEALED, last
from glue.deadletters.read import MARK, Letter
from glue.deadletters.show import letter_cause
from glue.errors import MillionXError, ServiceUnavailableError
from glue.identity import MERCHANT_HEADER
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import TopicPartition, read_to_end
from glue.privacy.shown import clean, visible_key, visible_value

MOST = 10
_FAR = 400  # of those of one merchant
_BACK = 12  # offsets from the end of each partition: transaction markers take some of them
_FRESH = 2.0  # seconds for which an answer serves all pages
_PATIENCE = 4.0


class LatestRecords:
    """Reads the ends of topics; one read at a time, whoever asks."""

    def __init__(self, kafka: KafkaConfig, decode: Decoder) -> None:
        self._kafka, self._decode = kafka, decode
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, list[dict[str, Any]]]] = {}

    def __call__(
        self, topic: str, ends: dict[TopicPartition, tuple[int, int]], merchant: str = ""
    ) -> list[dict[str, Any]]:
        """At most ``MOST`` records, the newest first; of ``merchant`` alone, where one is named.

        Args:
            ends: first and next offset of each partition of the topic.
            merchant: one that a source declares; its records are sought among the last 400 of each partition.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        with self._lock:
            asked, rows = self._kept.get((topic, merchant), (0.0, []))
            if time.monotonic() - asked >= _FRESH or not asked:
                rows = self._read(ends, merchant)
                self._kept[topic, merchant] = (time.monotonic(), rows)
            return rows

    def _read(self, ends: dict[TopicPartition, tuple[int, int]], merchant: str) -> list[dict[str, Any]]:
        back = _FAR if merchant else _BACK
        wanted = {partition: max(low, high - back) for partition, (low, high) in ends.items() if low < high}
        messages: list[Any] = []
        if wanted.keys() - read_to_end(self._kafka, wanted, messages.append, _PATIENCE).keys():
            raise ServiceUnavailableError("records", "Kafka does not answer in time", "mxctl local status")
        if merchant:
            messages = [one for one in messages if last(one.headers(), MERCHANT_HEADER) == merchant]
        messages.sort(key=lambda one: one.timestamp()[1], reverse=True)
        return [self._row(message) for message in messages if last(message.headers(), MARK) is None][:MOST]

    def _row(self, message: Any) -> dict[str, Any]:
        headers = message.headers() or []
        row: dict[str, Any] = {
            "partition": message.partition(),
            "offset": message.offset(),
            "at": message.timestamp()[1],
            "key": visible_key(message.key()),
            "bytes": len(message.value() or b""),
        }
        letter = Letter("", None, None, headers, 0)
        if merchant := last(headers, MERCHANT_HEADER):
            row["merchant"] = clean(merchant)
        if letter.header("exception.class.name"):
            row |= {"by": letter.header("connector.name"), "cause": letter_cause(letter)}
        if last(headers, SEALED):
            return {**row, "hidden": "sealed, because it may hold personal data; mxctl dlq show --contents opens it"}
        if message.value() is None:
            return {**row, "hidden": "no value: a deletion"}
        try:
            value, schema = self._decode(message.value())
            return {**row, "schema": schema.get("name"), "value": visible_value(value, schema)}
        except MillionXError as error:
            return {**row, "hidden": f"not shown, since it cannot be decoded: {error.why or error.what}"}
        except Exception as error:  # whatever it is, what cannot be masked is not shown
            return {**row, "hidden": f"not shown, since it cannot be masked ({type(error).__name__})"}
