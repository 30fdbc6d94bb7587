"""Dead letters of producers: records that broke their model, with Connect's headers, never readable as they are.

The value is the native record as JSON, sealed under the hash keys; without a key file it is redacted to names and
types of its fields.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from connectors.config import SourceConfig
from connectors.models import millis
from glue.deadletters.headers import PREFIX, RETRY_COUNT, SEALED
from glue.identity import MERCHANT_HEADER, record_key
from glue.kafka.produce import ProducerRecord
from glue.privacy.fingerprint import fingerprint, keyring_of
from glue.privacy.keyring import KeyGoneError
from glue.privacy.seal import seal
from glue.settings import get_settings

STAGE = "SOURCE"


def raw_bytes(raw: Any) -> bytes:
    """A native record as JSON, the same for the same record; what JSON cannot hold is written as text."""
    return json.dumps(raw, sort_keys=True, default=str, ensure_ascii=True).encode()


def raw_fingerprint(raw: Any) -> str:
    """What makes a bad record the same as one that was seen."""
    return "dead:" + fingerprint(raw_bytes(raw)).hex()


def dead_letter(config: SourceConfig, raw: Any, reason: str, kind: str, merchant: str = "") -> ProducerRecord:
    """The message for ``config.dead_letters``; ``reason`` holds no field value, ``merchant`` says whose it is."""
    key = record_key("dead", config.name, raw_fingerprint(raw)).encode()
    headers = {
        PREFIX + "topic": config.topic,
        PREFIX + "connector.name": f"connectors.{config.name}",
        PREFIX + "stage": STAGE,
        PREFIX + "class.name": config.class_path,
        PREFIX + "exception.class.name": kind,
        PREFIX + "exception.message": reason,
        RETRY_COUNT: "0",
    }
    if merchant:
        headers[MERCHANT_HEADER] = merchant
    file = get_settings().hash_keys_file
    # Of a merchant whose key was destroyed, nothing is kept: its data was to be erased.
    ring = None if file is None or kind == KeyGoneError.__name__ else keyring_of(file)
    if ring is None:
        value = json.dumps({"redacted": True, "bytes": len(raw_bytes(raw)), "fields": _shape(raw)}).encode()
    else:
        value = seal(ring, key, raw_bytes(raw), [], config.topic)
        headers[SEALED] = ring.active
    encoded = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
    return ProducerRecord(config.dead_letters, key, value, encoded, millis(datetime.now(UTC)))


def _shape(raw: Any) -> dict[str, str]:
    return {str(name): type(value).__name__ for name, value in raw.items()} if isinstance(raw, dict) else {}
