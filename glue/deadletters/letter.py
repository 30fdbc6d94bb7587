"""Making a dead letter of a message: Connect's headers, and a seal over what may be personal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from glue.avro import Decoder
from glue.deadletters.headers import RETRY_COUNT, SEALED, Position, error_headers, retry_count, without_errors
from glue.privacy.keyring import Keyring
from glue.privacy.seal import seal
from glue.privacy.tags import personal_fields
from glue.transforms.chain import Failure
from glue.transforms.contract import Headers

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_OWN = ("millionx.", "__connect.errors.")


@dataclass(slots=True)
class DeadLetter:
    """What goes to the dead-letter topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int | None


class LetterMaker:
    """Makes dead letters for one task of one chain.

    Args:
        ring: keys that seal. Without one, a record that may hold personal data has no dead letter.
    """

    def __init__(self, chain: str, task: int, decode: Decoder, ring: Keyring) -> None:
        self._chain, self._task, self._decode, self._ring = chain, task, decode, ring

    def __call__(self, message: Any, failure: Failure) -> DeadLetter:
        """The dead letter of ``message``, in the clear only where its schema says that nothing in it is personal."""
        own: Headers = message.headers() or []
        position = Position(message.topic(), message.partition(), message.offset(), self._chain, self._task)
        about = [*error_headers(position, failure), (RETRY_COUNT, str(retry_count(own)).encode())]
        key, value, timestamp = message.key(), message.value(), message.timestamp()[1]
        if self._is_safe(key, value, own):
            kept = [header for header in own if header[0] != RETRY_COUNT]
            return DeadLetter(key, value, kept + about, timestamp)
        sealed = seal(self._ring, key, value, without_errors(own), message.topic())
        about.append((SEALED, self._ring.active.encode()))
        visible = key if key is None or _UUID.match(key) else self._ring.sign(key).encode()
        return DeadLetter(visible, sealed, about, timestamp)

    def _is_safe(self, key: bytes | None, value: bytes | None, headers: Headers) -> bool:
        if key is not None and not _UUID.match(key):
            return False
        if any(not name.startswith(_OWN) for name, _ in headers):
            return False
        if value is None:
            return True
        try:
            _, schema = self._decode(value)
        except Exception:
            return False  # what cannot be read cannot be called safe
        return not personal_fields(schema)
