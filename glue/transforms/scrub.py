"""ScrubPII: personal data leaves free text, and fields that are personal through and through leave the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from glue.errors import DataError
from glue.privacy.scrub import PLACEHOLDER, Scrubber
from glue.transforms.contract import Record, Transform, TransformConfig

HEADER = "millionx.redacted"


class ScrubConfig(TransformConfig):
    placeholder: str = Field(PLACEHOLDER, description="Replacement of a value; {} is its kind, such as PHONE or EMAIL.")
    drop: bool = Field(True, description="Whether fields tagged PII_DROP are removed.")
    again: bool = Field(False, description="Whether texts tagged SCRUBBED are scrubbed once more, as a last gate does.")


class ScrubPII(Transform[ScrubConfig]):
    """Replace personal data in text by placeholders such as ``[PHONE]``, as the tags of the Avro schema ask.

    PII_TEXT, and any text without a tag, is scrubbed; PII_DROP is removed; PII_ID is left for HashIdentity; PUBLIC and
    SCRUBBED pass. What was found is counted in the header ``millionx.redacted`` (``EMAIL=1;PHONE=2``).
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        config = self.config
        self._scrubber = Scrubber(config.placeholder, drop=config.drop, again=config.again)

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

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._scrubber.output_schema(schema)
