"""Decrypt: what the producers encrypted becomes readable, in the chain that then takes it out."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from glue.errors import DataError
from glue.privacy.atrest import AtRest
from glue.privacy.keyring import load_keyring
from glue.settings import get_settings
from glue.transforms.contract import Record, Transform, TransformConfig


class DecryptConfig(TransformConfig):
    keys_file: str = Field("", description="JSON file of the keys; empty takes the setting MXCTL_HASH_KEYS_FILE.")


class Decrypt(Transform[DecryptConfig]):
    """Decrypt the personal texts of a record from a raw topic; the first transform of a chain that needs them.

    What is not encrypted passes. A value that was damaged, or moved from another record, field or topic, is refused,
    and so is one whose key the key file does not hold. Without a key file the transform does not start.
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._at_rest = AtRest(load_keyring(self.config.keys_file or get_settings().hash_keys_file))

    def apply(self, record: Record) -> Record:
        if record.value is None:
            return record
        if record.schema is None:
            raise DataError("Decrypt", "the record has no schema, so nothing says what in it is personal")
        record.value = self._at_rest.decrypt(record.topic, record.key, record.value, record.schema)
        return record
