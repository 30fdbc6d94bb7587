"""ScrubPII: personal data leaves free text, and fields that are personal through and through leave the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from glue.errors import DataError
from glue.privacy.identity import pseudonym
from glue.privacy.keyring import load_keyring
from glue.privacy.scrub import PLACEHOLDER, Pseudonym, Scrubber
from glue.settings import get_settings
from glue.transforms.contract import Record, Transform, TransformConfig

HEADER = "millionx.redacted"
_CACHED = 10_000  # pseudonyms of handles


class ScrubConfig(TransformConfig):
    placeholder: str = Field(PLACEHOLDER, description="Replacement of a value; {} is its kind, such as PHONE or EMAIL.")
    drop: bool = Field(True, description="Whether fields tagged PII_DROP are removed.")
    again: bool = Field(False, description="Whether texts tagged SCRUBBED are scrubbed once more, as a last gate does.")
    keys_file: str = Field(
        "",
        description="JSON file of the keys, for pseudonyms of handles; empty takes the setting MXCTL_HASH_KEYS_FILE, "
        "and none where again is set.",
    )
    key_id: str = Field("", description="Key to use instead of the file's active one, for instance while rotating.")


class ScrubPII(Transform[ScrubConfig]):
    """Replace personal data in text by placeholders such as ``[PHONE]``, as the tags of the Avro schema ask.

    PII_TEXT, and any text without a tag, is scrubbed; PII_DROP is removed; PII_ID is left for HashIdentity; PUBLIC and
    SCRUBBED pass. A handle or a link to a profile becomes ``[HANDLE:…]`` or ``[PROFILE:…]`` with the pseudonym that
    HashIdentity gives the author of that name, where there is a key, and else its kind alone.
    What was found is counted in the header ``millionx.redacted`` (``EMAIL=1;PHONE=2``).
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        config = self.config
        file = config.keys_file or (None if config.again else get_settings().hash_keys_file)
        self._scrubber = Scrubber(
            config.placeholder, drop=config.drop, again=config.again, pseudonym=self._pseudonym(file) if file else None
        )

    def _pseudonym(self, file: str | Path) -> Pseudonym:
        ring, key_id = load_keyring(file), self.config.key_id or None
        ring.sign(b"probe", key_id)  # an unknown key id stops the start, not the first record
        return lru_cache(_CACHED)(lambda text: pseudonym(ring, text, key_id))

    def apply(self, record: Record) -> Record:
        if record.value is None:
            return record
        if record.schema is None:
            raise DataError("ScrubPII", "the record has no schema, so nothing says what in it is personal")
        found = self._scrubber.found
        if found:  # left by a record that failed half-way
            found.clear()
        record.schema = self._scrubber.value(record.value, record.schema)
        if found:
            counts = ";".join(f"{entity}={count}" for entity, count in sorted(found.items()))
            record.headers.append((HEADER, counts.encode()))
            found.clear()
        return record

    def looks_at(self, schema: dict[str, Any]) -> Collection[str]:
        return self._scrubber.looks_at(schema)

    def passes(self, schema: dict[str, Any]) -> Mapping[str, str | None] | None:
        return self._scrubber.passes(schema)

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._scrubber.output_schema(schema)
