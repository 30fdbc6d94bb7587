"""HashIdentity: persons become pseudonyms, so that joins still work and nobody is named."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import Field

from glue.avro_types import BySchema, branches, type_name
from glue.errors import DataError
from glue.privacy.atrest import MERCHANT, is_encrypted
from glue.privacy.identity import pseudonym
from glue.privacy.keyring import load_keyring
from glue.privacy.tags import tag_of
from glue.settings import get_settings
from glue.transforms.contract import Record, Transform, TransformConfig

NOBODY = "millionx.nobody"  # the field whose value was a mask or a placeholder, not a person


class HashConfig(TransformConfig):
    keys_file: str = Field("", description="JSON file of the keys; empty takes the setting MXCTL_HASH_KEYS_FILE.")
    key_id: str = Field("", description="Key to use instead of the file's active one, for instance while rotating.")
    suffix: str = Field("_hash", description="Appended to a field's name to name its pseudonym.")
    cache_size: int = Field(100_000, ge=0, description="Pseudonyms kept in memory.")


class HashIdentity(Transform[HashConfig]):
    """Replace each field X tagged PII_ID by X_hash: key id, a colon, HMAC-SHA256 in hex, of the normalised value.

    Phones are reduced to their national digits and mails and names to one case first, so that one person has one
    pseudonym, wherever and however written, also after a new key came into use (``mxctl keys``); customers of a
    merchant that has a key of its own have pseudonyms under that. A mask (``66******78``) or a placeholder (``N/A``)
    names nobody: its pseudonym is null, and the header ``millionx.nobody`` names the field. Without a key the transform
    does not start.
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        ring = load_keyring(self.config.keys_file or get_settings().hash_keys_file)
        self._hash = lru_cache(self.config.cache_size)(
            lambda text, merchant: pseudonym(ring, text, self.config.key_id or None, merchant)
        )
        self._ring = ring
        ring.sign(b"probe", self.config.key_id or None)  # an unknown key id stops the start, not the first record
        self._plan = BySchema(lambda schema: (self._names(schema), self.output_schema(schema)))

    def apply(self, record: Record) -> Record:
        value = record.value
        if value is None:
            return record
        schema = record.schema
        if schema is None:
            raise DataError("HashIdentity", "the record has no schema, so nothing says what in it is personal")
        names, output = self._plan(schema)
        merchant = value.get(MERCHANT) if self._ring.merchants else None
        for name, hashed in names:
            found = value.pop(name, None)
            if found is None or found == "":
                value[hashed] = None
            elif isinstance(found, list):
                value[hashed] = [
                    known for item in found if (known := self._pseudonym(name, item, merchant)) is not None
                ]
            else:
                value[hashed] = self._pseudonym(name, found, merchant)
                if value[hashed] is None:
                    record.headers.append((NOBODY, name.encode()))
        record.schema = output
        return record

    def _pseudonym(self, name: str, found: Any, merchant: str | None) -> str | None:
        if is_encrypted(found):
            raise DataError("HashIdentity", f"{name} is encrypted: the chain must begin with Decrypt")
        return self._hash(found if isinstance(found, str) else str(found), merchant)

    def _names(self, schema: dict[str, Any]) -> list[tuple[str, str]]:
        names = [field["name"] for field in schema["fields"] if tag_of(field) == "PII_ID"]
        return [(name, name + self.config.suffix) for name in names]

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        fields = []
        for field in schema["fields"]:
            if tag_of(field) != "PII_ID":
                fields.append(field)
                continue
            is_list = any(type_name(branch) == "array" for branch in branches(field["type"]))
            kind: Any = {"type": "array", "items": "string"} if is_list else "string"
            fields.append(
                {
                    "name": field["name"] + self.config.suffix,
                    "type": ["null", kind],
                    "doc": f"Pseudonym of {field['name']}: key id and HMAC-SHA256.",
                    "confluent:tags": ["PUBLIC"],
                    "closed": r"^[^:\s]{1,64}:[0-9a-f]{64}$",
                    "default": None,
                }
            )
        return {**schema, "fields": fields}
