"""ScrubPII: personal data leaves free text, and fields that are personal through and through leave the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from glue.errors import DataError
from glue.privacy import pii
from glue.privacy.tags import SAFE, tag_of
from glue.transforms.contract import Record, Transform, TransformConfig
from glue.transforms.walk import Visit, compile_visit

HEADER = "millionx.redacted"


class ScrubConfig(TransformConfig):
    phone: str = Field("[PHONE]", description="What a phone number becomes.")
    email: str = Field("[EMAIL]", description="What a mail address becomes.")
    nid: str = Field("[NID]", description="What a national id becomes.")
    excess: str = Field("[REMOVED]", description="What the rest of a text with far too many finds becomes.")
    drop: bool = Field(True, description="Whether fields tagged PII_DROP are removed.")
    again: bool = Field(False, description="Whether texts tagged SCRUBBED are scrubbed once more, as a last gate does.")


class ScrubPII(Transform[ScrubConfig]):
    """Replace phones, mails and national ids in text by placeholders, as the tags of the Avro schema ask.

    PII_TEXT, and any text without a tag, is scrubbed; PII_DROP is removed; PII_ID is left for HashIdentity; PUBLIC and
    SCRUBBED pass. What was found is counted in the header ``millionx.redacted`` (``EMAIL=1;PHONE=2``).
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._mask = {
            "PHONE": self.config.phone,
            "EMAIL": self.config.email,
            "NID": self.config.nid,
            "EXCESS": self.config.excess,
        }
        self._plans: dict[int, tuple[dict[str, Any], list[tuple[str, Visit | None]], dict[str, Any]]] = {}
        self._found: dict[str, int] = {}

    def scrub(self, text: str) -> str:
        """``text`` with every find replaced; finds are counted for the record at hand."""
        spans = pii.find(text)
        if not spans:
            return text
        parts: list[str] = []
        position = 0
        for start, end, entity in spans:
            parts += text[position:start], self._mask[entity]
            position = end
            self._found[entity] = self._found.get(entity, 0) + 1
        parts.append(text[position:])
        return "".join(parts)

    def apply(self, record: Record) -> Record:
        if record.value is None:
            return record
        schema = record.schema
        if schema is None:
            raise DataError("ScrubPII", "the record has no schema, so nothing says what in it is personal")
        plan = self._plans.get(id(schema))
        if plan is None:
            plan = self._plans[id(schema)] = (schema, self._plan(schema), self.output_schema(schema))
        value = record.value
        if self._found:  # of a record that failed half-way: nobody else's
            self._found.clear()
        for name, visit in plan[1]:
            if name in value:
                if visit is None:
                    del value[name]
                else:
                    value[name] = visit(value[name])
        record.schema = plan[2]
        if self._found:
            counts = ";".join(f"{entity}={count}" for entity, count in sorted(self._found.items()))
            record.headers.append((HEADER, counts.encode()))
            self._found.clear()
        return record

    def _plan(self, schema: dict[str, Any]) -> list[tuple[str, Visit | None]]:
        plan: list[tuple[str, Visit | None]] = []
        for field in schema["fields"]:
            tag = tag_of(field)
            if tag == "PII_DROP" and self.config.drop:
                plan.append((field["name"], None))
            elif tag == "PII_TEXT" or (self.config.again and tag == "SCRUBBED"):
                plan.append((field["name"], compile_visit(field["type"], self.scrub, "PII_TEXT")))
        return plan

    def output_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        fields = []
        for field in schema["fields"]:
            tag = tag_of(field)
            if tag == "PII_DROP" and self.config.drop:
                continue
            fields.append({**field, "confluent:tags": ["SCRUBBED"]} if tag == "PII_TEXT" and tag not in SAFE else field)
        return {**schema, "fields": fields}
